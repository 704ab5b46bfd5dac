//! Stands in for the OpenAI Ads events endpoint on a developer's machine, and shows what arrives.
//!
//! A request enters through [`routes`], is read by [`batch`] or [`image_tag`], is kept by the
//! [`inbox`], and leaves again as an entry of `/events.json` and of the stream that [`live`] feeds.
//! [`listen`] and [`serve`] put that on the network; `main.rs` is the command line around it.

pub mod announce;
pub mod batch;
pub mod image_tag;
pub mod inbox;
pub mod listen;
pub mod live;
pub mod options;
pub mod query;
pub mod refusal;
pub mod request_body;
pub mod routes;
pub mod serve;
pub mod store;

use std::path::PathBuf;
use std::time::Duration;

use inbox::Inbox;

/// What one running collector consists of; its handlers share it.
pub struct Collector {
    /// What has arrived, and who watches.
    pub inbox: Inbox,
    /// Where the pages and the pixel are.
    pub folders: Folders,
    /// How long a client may take to send a request's headers, and again to send its body.
    pub read_timeout: Duration,
}

/// The folders that are served.
#[derive(Debug, Clone)]
pub struct Folders {
    /// The built pixel, served under `/sdk/`.
    pub pixel_dist: PathBuf,
    /// Holds `shop/` and `inspector/`.
    pub www: PathBuf,
}

impl Collector {
    /// A collector that nothing has reached yet, with a read timeout of 10 seconds.
    pub fn new(folders: Folders) -> Self {
        Self {
            inbox: Inbox::default(),
            folders,
            read_timeout: Duration::from_secs(10),
        }
    }
}
