//! Short keys for what the store looks up: events, visitors and the identifiers that link them to a click.

use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// The first 16 bytes of a SHA-256 hash: enough that no two of a billion billion inputs collide by chance, and nobody can
/// construct a collision. Stored in the database, so it must not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub [u8; 16]);

/// What can link an event to a click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The event's ID.
    EventId,
    /// The browser ID.
    Obref,
    /// The hash of an external ID.
    ExternalId,
    /// The hash of an email address.
    Email,
    /// The hash of a phone number.
    Phone,
}

impl Link {
    /// All, in the order in which a click is looked for.
    pub const ALL: [Self; 5] = [
        Self::EventId,
        Self::Obref,
        Self::ExternalId,
        Self::Email,
        Self::Phone,
    ];

    /// The name in metrics and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EventId => "event_id",
            Self::Obref => "obref",
            Self::ExternalId => "external_id",
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }
}

impl Key {
    /// What OpenAI deduplicates by. `name` is the result of `rules::dedup_name`.
    pub fn event(pixel: &str, name: &str, id: &str) -> Self {
        Self::of("event", &[pixel, name, id])
    }

    /// A visitor, of any pixel.
    pub fn visitor(obref: &str) -> Self {
        Self::of("visitor", &[obref])
    }

    /// A pixel, where a name must consist of letters and digits.
    pub fn pixel(pixel: &str) -> Self {
        Self::of("pixel", &[pixel])
    }

    /// A click of a visitor.
    pub fn click(pixel: &str, oppref: &str, obref: Option<&str>) -> Self {
        Self::of("click", &[pixel, oppref, obref.unwrap_or_default()])
    }

    /// A link of one pixel to a click.
    pub fn link(pixel: &str, link: Link, value: &str) -> Self {
        Self::of("link", &[pixel, link.name(), value])
    }

    /// As 32 hexadecimal digits.
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }

    /// Reads what [`Key::to_hex`] has written.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut key = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return None;
        }
        for (i, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
        }
        Some(Self(key))
    }

    fn of(kind: &str, parts: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(kind);
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let hash = hasher.finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&hash[..16]);
        Self(key)
    }
}

/// Bytes as hexadecimal digits in lowercase.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| de::Error::custom("a key has 32 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_can_be_written_and_read_as_text() {
        let key = Key::visitor("a");
        assert_eq!(Key::from_hex(&key.to_hex()), Some(key));
        for bad in ["", "00", &"g".repeat(32), &"é".repeat(16)] {
            assert_eq!(Key::from_hex(bad), None);
        }
    }

    #[test]
    fn parts_are_kept_apart() {
        let key = Key::event("p", "order_created", "1");
        assert_eq!(key, Key::event("p", "order_created", "1"));
        for other in [
            Key::event("po", "rder_created", "1"),
            Key::event("p", "order_created1", ""),
            Key::event("p", "order_created", "2"),
            Key::click("p", "order_created", Some("1")),
        ] {
            assert_ne!(key, other);
        }
        assert_ne!(
            Key::link("p", Link::Email, "a"),
            Key::link("p", Link::Phone, "a")
        );
    }

    #[test]
    fn stored_keys_do_not_change() {
        let key = Key::event("p", "order_created", "1").0;
        // As Python's hashlib says.
        assert_eq!(
            u128::from_be_bytes(key),
            0xc7b9da47_735eba6c_a1d8e135_139c0a34
        );
    }
}
