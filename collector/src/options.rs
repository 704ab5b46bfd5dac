//! The command line's options.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;

use crate::Folders;

/// Stands in for the OpenAI Ads events endpoint on this machine, and shows what arrives.
///
/// It serves a demo shop that runs the pixel, takes the events that the pixel sends, and lists them
/// in an inspector. Everything is kept in memory and forgotten when it stops (Ctrl-C).
#[derive(Debug, Parser)]
#[command(name = "oaiq-collector", version)]
pub struct Options {
    /// Port to listen on; 0 picks a free one
    #[arg(long, value_name = "N", default_value_t = 8787)]
    pub port: u16,

    /// IP address to listen on. `localhost` is 127.0.0.1 and, where the machine has it, ::1, and lets
    /// no other machine in; 0.0.0.0 lets in everyone who can reach this one
    #[arg(long, value_name = "ADDRESS", default_value = "localhost")]
    pub host: Host,

    /// Folder with the built pixel (`npm run build` makes it), served under /sdk/
    #[arg(long, value_name = "FOLDER", default_value = "dist")]
    pub pixel_dist: PathBuf,

    /// Folder with shop/ and inspector/, served under those names
    #[arg(long, value_name = "FOLDER", default_value = "www")]
    pub www: PathBuf,
}

impl Options {
    /// The folders that are served.
    pub fn folders(&self) -> Folders {
        Folders {
            pixel_dist: self.pixel_dist.clone(),
            www: self.www.clone(),
        }
    }
}

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Both loopback addresses: a browser resolves `localhost` to either.
    Loopback,
    /// This one address.
    Address(IpAddr),
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "localhost" {
            return Ok(Self::Loopback);
        }
        match text.parse() {
            Ok(address) => Ok(Self::Address(address)),
            Err(_) => Err("give `localhost` or an IP address, such as 0.0.0.0 or ::1".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn without_options_only_this_machine_gets_in() {
        let options = Options::parse_from(["oaiq-collector"]);
        assert_eq!((options.host, options.port), (Host::Loopback, 8787));
    }

    #[test]
    fn another_address_is_taken_when_asked_for() {
        let options = Options::parse_from(["oaiq-collector", "--host", "0.0.0.0"]);
        assert_eq!(options.host, Host::Address([0, 0, 0, 0].into()));
    }

    #[test]
    fn a_host_that_is_no_address_is_refused_with_what_to_give() {
        let error = Options::try_parse_from(["oaiq-collector", "--host", "example"]).unwrap_err();
        assert!(error.to_string().contains("an IP address"), "{error}");
    }
}
