//! Events in the form of the Conversions API: made from what the pixel and the site's backend send, merged, and joined with
//! clicks.

mod backend;
mod browser;
mod join;
mod merge;
mod url;

pub use backend::from_backend;
pub use browser::{BrowserContext, Mapped, from_batch, from_image_tag, raw_id_violation};
pub use join::{Click, Unjoined, join, person_links};
pub use merge::merge;

use crate::key::{Key, Link};

/// The two senders of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// The pixel in a page.
    Browser,
    /// The site's own server.
    Backend,
}

impl Half {
    /// Its bit in the column `halves`.
    pub const fn bit(self) -> u8 {
        match self {
            Self::Browser => 1,
            Self::Backend => 2,
        }
    }

    /// Whether the browser's and the backend's half are among these bits.
    pub const fn all_in(halves: u8) -> (bool, bool) {
        (
            halves & Self::Browser.bit() != 0,
            halves & Self::Backend.bit() != 0,
        )
    }
}

/// An event that was checked and brought into the form of the Conversions API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedEvent {
    /// Its name for deduplication: a custom event's own name in lowercase, otherwise the event's name.
    pub name: String,
    /// Its ID.
    pub id: String,
    /// When it happened, in milliseconds since the Unix epoch.
    pub timestamp_ms: u64,
    /// The browser ID, if it has one.
    pub obref: Option<String>,
    /// The event as JSON.
    pub json: String,
}

/// Events that happen on every page, with random IDs: no backend knows them, so no link is stored for their IDs.
const WITHOUT_ID_LINK: [&str; 2] = ["page_viewed", "contents_viewed"];

impl CheckedEvent {
    /// What OpenAI deduplicates by.
    pub fn key(&self, pixel: &str) -> Key {
        Key::event(pixel, &self.name, &self.id)
    }

    /// The key by which a later event with the same ID finds the click.
    pub fn id_link(&self, pixel: &str) -> Option<Key> {
        (!WITHOUT_ID_LINK.contains(&self.name.as_str()))
            .then(|| Key::link(pixel, Link::EventId, &self.id))
    }
}

/// The lists of hashes in `user`: the name in batches of the pixel, the name in the Conversions API, and what they link by.
const HASHED: [(&str, &str, Option<Link>); 5] = [
    ("eid", "external_ids_sha256", Some(Link::ExternalId)),
    ("em", "emails_sha256", Some(Link::Email)),
    ("ph", "phone_numbers_sha256", Some(Link::Phone)),
    ("fn", "first_names_sha256", None),
    ("ln", "last_names_sha256", None),
];

/// The places in `user`, likewise.
const PLACES: [(&str, &str); 4] = [
    ("co", "countries"),
    ("ct", "cities"),
    ("rg", "regions"),
    ("pc", "postal_codes"),
];

/// How many values of a list of hashes count.
const MAX_HASHES: usize = 3;

#[cfg(test)]
mod tests;
