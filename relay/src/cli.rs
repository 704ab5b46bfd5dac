//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::person::Identifiers;

/// A first-party server in front of OpenAI's Conversions API.
///
/// It takes the events of the pixel and of your own servers on your own host, keeps them until OpenAI has them, and gives
/// each event of your servers the ad click that it lacks.
#[derive(Debug, Parser)]
#[command(name = "oaiq-relay", version)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The configuration file.
#[derive(Debug, clap::Args)]
pub struct ConfigFile {
    /// The configuration file
    #[arg(
        long,
        value_name = "FILE",
        default_value = "relay.toml",
        env = "OAIQ_RELAY_CONFIG"
    )]
    pub config: PathBuf,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the relay until SIGTERM or Ctrl+C
    Serve {
        /// The configuration file
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Print a configuration file with every key, its default and its meaning
    Config,
    /// Check configuration, keys, clock, disk, cookies and DNS, and say what to do. Sends one test event per pixel to OpenAI,
    /// which checks it and saves nothing
    Check {
        /// The configuration file
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Print what is stored: undelivered events, dead letters, clicks
    Status {
        /// The configuration file
        #[command(flatten)]
        file: ConfigFile,
    },
    /// List, send again or delete the events that could not be delivered
    Dead {
        /// What to do with them
        #[command(subcommand)]
        command: DeadCommand,
    },
    /// Delete everything that is stored about a person
    Forget {
        /// The configuration file
        #[command(flatten)]
        file: ConfigFile,
        /// The person
        #[command(flatten)]
        person: Identifiers,
    },
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadCommand {
    /// List them, newest first, with OpenAI's reason
    List {
        /// The configuration file
        #[command(flatten)]
        file: ConfigFile,
        /// Only those of this pixel
        #[arg(long, value_name = "ID")]
        pixel: Option<String>,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Print one, with the event. The event contains what identifies the visitor
    Show {
        /// The configuration file
        #[command(flatten)]
        file: ConfigFile,
        /// Its number
        number: i64,
    },
    /// Send them again
    Retry {
        /// The configuration file
        #[command(flatten)]
        file: ConfigFile,
        /// Which
        #[command(flatten)]
        which: Which,
    },
    /// Delete them
    Drop {
        /// The configuration file
        #[command(flatten)]
        file: ConfigFile,
        /// Which
        #[command(flatten)]
        which: Which,
    },
}

/// Which dead letters.
#[derive(Debug, clap::Args)]
#[group(required = true)]
pub struct Which {
    /// Their numbers
    #[arg(conflicts_with_all = ["all"])]
    pub numbers: Vec<i64>,
    /// All of them
    #[arg(long)]
    pub all: bool,
    /// With --all: only those of this pixel
    #[arg(long, value_name = "ID", requires = "all")]
    pub pixel: Option<String>,
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
    fn forget_needs_a_person_and_drop_needs_a_choice() {
        for incomplete in [&["forget"][..], &["dead", "drop"], &["dead", "retry"]] {
            let args = [&["oaiq-relay"], incomplete].concat();
            assert!(Args::try_parse_from(args).is_err(), "{incomplete:?}");
        }
        for complete in [
            &["forget", "--email", "a@b"][..],
            &["dead", "drop", "--all", "--pixel", "p"],
            &["dead", "retry", "1", "2"],
        ] {
            let args = [&["oaiq-relay"], complete].concat();
            assert!(Args::try_parse_from(args).is_ok(), "{complete:?}");
        }
    }
}
