//! The command line's args.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;

use crate::ingest::rules::MAX_PIXEL_ID_BYTES;

/// Stands in for OpenAI's endpoint for ads events on this machine, and shows what arrives.
///
/// It takes what a pixel in a page sends (batches and image tags) and what a server sends (the Conversions API), says of
/// each event whether it is counted, a duplicate, or refused and why, and shows it all in an inspector in the browser. A
/// demo shop is there to try it with. Nothing is sent on to OpenAI.
#[derive(Debug, Parser)]
#[command(name = "oaiq-collector", version, after_help = EXAMPLES)]
pub struct Args {
    /// Port to listen on; 0 picks a free one
    #[arg(long, value_name = "N", default_value_t = 8787)]
    pub port: u16,

    /// IP address to listen on. `localhost` is 127.0.0.1 and, where the machine has it, ::1, and lets
    /// no other machine in; 0.0.0.0 lets in everyone who can reach this one
    #[arg(long, value_name = "ADDRESS", default_value = "localhost")]
    pub host: ListenHost,

    /// A pixel that there is; give it once for each. The settings of others are not found, and their events are
    /// refused. Without it, any pixel will do
    #[arg(long = "pixel", value_name = "ID", value_parser = pixel)]
    pub pixels: Vec<String>,

    /// The key that servers must send to the Conversions API, as `Authorization: Bearer KEY`. Without it any key will
    /// do, but there must be one. Do not use a real one: other users of this machine may see it
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub key: Option<String>,

    /// File in which the events are kept, at most 100,000 of them
    #[arg(long, value_name = "FILE", default_value = "target/collector.sqlite")]
    pub data: PathBuf,

    /// Folder with a built pixel, served under /sdk/, instead of the one that this program brings
    #[arg(long, value_name = "FOLDER")]
    pub pixel_dist: Option<PathBuf>,

    /// Folder with shop/ and inspector/, served under those names, instead of those that this program brings
    #[arg(long, value_name = "FOLDER")]
    pub www: Option<PathBuf>,

    /// Prints a line for each request
    #[arg(long, short)]
    pub verbose: bool,
}

const EXAMPLES: &str = "\
Example:
  oaiq-collector --pixel my-pixel --key test-key

  then open http://localhost:8787/inspector, let a page send its events to http://localhost:8787/v1/sdk/events,
  and a server its own:

  curl 'http://localhost:8787/v1/events?pid=my-pixel' -H 'Authorization: Bearer test-key' \\
    -d '{\"events\":[{\"type\":\"lead_created\",\"id\":\"lead-1\",\"timestamp_ms\":'$(date +%s)000',
         \"action_source\":\"phone_call\",\"data\":{\"type\":\"customer_action\"}}]}'";

fn pixel(text: &str) -> Result<String, String> {
    match text.len() {
        0 => Err("a pixel's id is not empty".to_owned()),
        1..=MAX_PIXEL_ID_BYTES => Ok(text.to_owned()),
        _ => Err(format!(
            "a pixel's id has at most {MAX_PIXEL_ID_BYTES} bytes"
        )),
    }
}

fn key(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a key is not empty".to_owned()),
        key if key.is_ascii() => Ok(key.to_owned()),
        _ => Err("a key travels in a header, and is plain ASCII".to_owned()),
    }
}

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenHost {
    /// Both loopback addresses: a browser resolves `localhost` to either.
    Loopback,
    /// This one address.
    Address(IpAddr),
}

impl ListenHost {
    /// The address that a browser on this machine opens.
    pub fn origin(self, port: u16) -> String {
        match self {
            Self::Address(address) if !address.is_unspecified() => {
                format!("http://{}", SocketAddr::new(address, port))
            }
            _ => format!("http://localhost:{port}"),
        }
    }

    /// Does no other machine get in?
    pub fn is_loopback(self) -> bool {
        match self {
            Self::Loopback => true,
            Self::Address(address) => address.is_loopback(),
        }
    }
}

impl FromStr for ListenHost {
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
        Args::command().debug_assert();
    }

    #[test]
    fn without_options_only_this_machine_gets_in() {
        let args = Args::parse_from(["oaiq-collector"]);
        assert_eq!((args.host, args.port), (ListenHost::Loopback, 8787));
    }

    #[test]
    fn another_address_is_taken_when_asked_for() {
        let args = Args::parse_from(["oaiq-collector", "--host", "0.0.0.0"]);
        assert_eq!(args.host, ListenHost::Address([0, 0, 0, 0].into()));
    }

    #[test]
    fn pixels_can_be_several_and_a_key_is_not_empty() {
        let args = Args::parse_from(["oaiq-collector", "--pixel", "a", "--pixel", "b"]);
        assert_eq!(args.pixels, ["a", "b"]);
        for wrong in [["--key", " "], ["--key", "ü"], ["--pixel", ""]] {
            assert!(
                Args::try_parse_from([["oaiq-collector"].as_slice(), &wrong].concat()).is_err()
            );
        }
    }

    #[test]
    fn a_host_that_is_no_address_is_refused_with_what_to_give() {
        let error = Args::try_parse_from(["oaiq-collector", "--host", "example"]).unwrap_err();
        assert!(error.to_string().contains("an IP address"), "{error}");
    }
}
