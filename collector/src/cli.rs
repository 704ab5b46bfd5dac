//! The command line's args.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;

use crate::ingest::rules::MAX_PIXEL_ID_BYTES;

/// A local stand-in for OpenAI's ads endpoints, with an inspector for the events that arrive.
///
/// It receives events from the pixel in a page (batches and image tags) and from servers (Conversions API). For each event it
/// shows whether it counts, is a duplicate, or is refused and why. A demo shop is included. Nothing is forwarded to OpenAI.
#[derive(Debug, Parser)]
#[command(name = "oaiq-collector", version, after_help = EXAMPLES)]
pub struct Args {
    /// Port to listen on; 0 picks a free port
    #[arg(long, value_name = "N", default_value_t = 8787)]
    pub port: u16,

    /// IP address to listen on. `localhost` means 127.0.0.1 and, if available, ::1, which other machines cannot reach. Use
    /// 0.0.0.0 to accept connections from other machines
    #[arg(long, value_name = "ADDRESS", default_value = "localhost")]
    pub host: ListenHost,

    /// Accept only this pixel ID (repeatable). Events with other IDs are refused, and their pixel config is not found.
    /// Default: accept any ID
    #[arg(long = "pixel", value_name = "ID", value_parser = pixel)]
    pub pixels: Vec<String>,

    /// Key that servers must send to the Conversions API, as `Authorization: Bearer KEY`. Default: require a key, but accept
    /// any. Do not use a real key, because other users of this machine can see the command line
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub key: Option<String>,

    /// Database file for the events, at most 100,000 of them
    #[arg(long, value_name = "FILE", default_value = "target/collector.sqlite")]
    pub data: PathBuf,

    /// Directory with a build of the pixel to serve under /sdk/. Default: the project's dist/ if started in the project's
    /// root, otherwise the build embedded in this program
    #[arg(long, value_name = "DIR")]
    pub pixel_dist: Option<PathBuf>,

    /// Directory with shop/ and inspector/ to serve under these paths. Default: the project's pages if started in the project's
    /// root, otherwise the pages embedded in this program
    #[arg(long, value_name = "DIR")]
    pub www: Option<PathBuf>,

    /// Log each request
    #[arg(long, short)]
    pub verbose: bool,
}

const EXAMPLES: &str = "\
Example:
  oaiq-collector --pixel my-pixel --key test-key

  Open http://localhost:8787/inspector and let a page send its events to http://localhost:8787/v1/sdk/events.
  Send a server event:

  curl 'http://localhost:8787/v1/events?pid=my-pixel' -H 'Authorization: Bearer test-key' \\
    -d '{\"events\":[{\"type\":\"lead_created\",\"id\":\"lead-1\",\"timestamp_ms\":'$(date +%s)000',
         \"action_source\":\"phone_call\",\"data\":{\"type\":\"customer_action\"}}]}'";

fn pixel(text: &str) -> Result<String, String> {
    match text.len() {
        0 => Err("a pixel ID must not be empty".to_owned()),
        1..=MAX_PIXEL_ID_BYTES => Ok(text.to_owned()),
        _ => Err(format!("a pixel ID has at most {MAX_PIXEL_ID_BYTES} bytes")),
    }
}

fn key(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a key must not be empty".to_owned()),
        key if key.is_ascii() => Ok(key.to_owned()),
        _ => Err("a key must be ASCII, because it is sent in a header".to_owned()),
    }
}

/// The addresses to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenHost {
    /// Both loopback addresses: a browser resolves `localhost` to either.
    Loopback,
    /// This one address.
    Address(IpAddr),
}

impl ListenHost {
    /// The origin for a browser on this machine.
    pub fn origin(self, port: u16) -> String {
        match self {
            Self::Address(address) if !address.is_unspecified() => {
                format!("http://{}", SocketAddr::new(address, port))
            }
            _ => format!("http://localhost:{port}"),
        }
    }

    /// Whether other machines cannot connect.
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
            Err(_) => Err("use `localhost` or an IP address, such as 0.0.0.0 or ::1".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn default_host_is_loopback() {
        let args = Args::parse_from(["oaiq-collector"]);
        assert_eq!((args.host, args.port), (ListenHost::Loopback, 8787));
    }

    #[test]
    fn host_accepts_an_ip_address() {
        let args = Args::parse_from(["oaiq-collector", "--host", "0.0.0.0"]);
        assert_eq!(args.host, ListenHost::Address([0, 0, 0, 0].into()));
    }

    #[test]
    fn pixel_is_repeatable_and_empty_values_are_rejected() {
        let args = Args::parse_from(["oaiq-collector", "--pixel", "a", "--pixel", "b"]);
        assert_eq!(args.pixels, ["a", "b"]);
        for invalid in [["--key", " "], ["--key", "ü"], ["--pixel", ""]] {
            assert!(
                Args::try_parse_from([["oaiq-collector"].as_slice(), &invalid].concat()).is_err()
            );
        }
    }

    #[test]
    fn invalid_host_is_rejected_with_an_example() {
        let error = Args::try_parse_from(["oaiq-collector", "--host", "example"]).unwrap_err();
        assert!(error.to_string().contains("an IP address"), "{error}");
    }
}
