//! The types of configuration values, as they are written in the file.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use ipnet::IpNet;
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use subtle::ConstantTimeEq;

/// Implements `Deserialize` for a type that is written as a string.
macro_rules! deserialize_from_str {
    ($type:ty) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

/// A list, which an environment variable may also give as text with commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de> + FromStr<Err: fmt::Display>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListOrText<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + FromStr<Err: fmt::Display>> Visitor<'de> for ListOrText<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<List<T>, E> {
                let items = text.split(',').map(str::trim);
                let items = items.filter(|item| !item.is_empty()).map(T::from_str);
                Ok(List(items.collect::<Result<_, _>>().map_err(E::custom)?))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(List(list))
            }
        }

        deserializer.deserialize_any(ListOrText(PhantomData))
    }
}

/// The origin of a page: scheme, host and, unless it is the scheme's own, port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(String);

impl Origin {
    /// As in the header `Origin`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, without a port.
    pub fn host(&self) -> &str {
        let host = self.0.split_once("://").map_or("", |(_, host)| host);
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        }
    }

    /// The origin of an http or https URL.
    pub fn of_url(url: &str) -> Option<Self> {
        let url = url::Url::parse(url).ok()?;
        matches!(url.scheme(), "http" | "https").then(|| Self(url.origin().ascii_serialization()))
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mistake = || {
            format!(
                "{text:?} is not an origin: write scheme and host of your pages, such as \"https://shop.example\", without a path"
            )
        };
        let url = url::Url::parse(text).map_err(|_| mistake())?;
        let has_rest = url.path() != "/" || url.query().is_some() || url.fragment().is_some();
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_rest || has_user || text.ends_with('/') {
            return Err(mistake());
        }
        Self::of_url(text).ok_or_else(mistake)
    }
}

deserialize_from_str!(Origin);

/// A range of IP addresses: `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpRange(pub IpNet);

impl FromStr for IpRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let net = text.parse::<IpNet>().ok();
        net.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
            .map(Self)
            .ok_or_else(|| {
                format!("{text:?} is neither an IP address nor a range: write \"127.0.0.1\" or \"10.0.0.0/8\"")
            })
    }
}

deserialize_from_str!(IpRange);

/// A time span, such as `60s` or `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(pub Duration);

impl Period {
    /// In milliseconds.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text)
            .map(Self)
            .map_err(|_| format!("{text:?} is not a time span: write a number with a unit, such as \"60s\", \"5m\" or \"1d\""))
    }
}

deserialize_from_str!(Period);

/// A number of bytes, such as `4GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<ByteSize>()
            .map(|size| Self(size.as_u64()))
            .map_err(|_| format!("{text:?} is not a size: write a number with a unit, such as \"512MiB\" or \"4GiB\""))
    }
}

deserialize_from_str!(Bytes);

/// Which header of a trusted proxy has the visitor's address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// Either. If a request has both and they disagree, one of them is forged, and none is believed.
    #[default]
    Any,
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded`: <https://www.rfc-editor.org/rfc/rfc7239>.
    Forwarded,
}

/// Who is trusted for an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// A browser's copy is forwarded as it is.
    #[default]
    Browser,
    /// A browser's copy is forwarded only after the site's backend has sent the same event.
    Backend,
}

/// What `Sec-GPC: 1` means: <https://www.w3.org/TR/gpc/>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gpc {
    /// A denial of consent.
    #[default]
    Deny,
    /// Events are forwarded with `opt_out`.
    OptOut,
    /// Nothing.
    Ignore,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A key. It is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A key that can be sent in a header.
    ///
    /// # Errors
    /// What is wrong with it; completes the sentence "the key …".
    pub fn new(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            Err("is empty")
        } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err(
                "has spaces, line breaks or characters outside ASCII: it must be one line, as OpenAI shows it",
            )
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The text, for the header `Authorization`.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in a time that does not depend on where the two differ.
    pub fn matches(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(&other.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("(secret)")
    }
}
