//! What a debug event carries besides its number: one text, which the pixel or its scripts encode and the debug build
//! decodes.
//!
//! Most events carry one unchanged text: a call, an event's wire form, a pixel ID. The others carry several values, separated
//! by spaces. Only the last value may contain a space; for a pixel config, only the first; for the data layer, the last two, which
//! a line break separates. `www/pixel/requests.js`, `www/debug/entry.js`, `www/layer/entry.js` and `www/matching/entry.js` encode
//! most of them. A test compares the templates of all but `www/debug/entry.js` with the forms here.

use crate::mem::{Scratch, ScratchString, ThinStr, thin};

/// What [`DebugEvent::Dropped`](crate::host::DebugEvent::Dropped) carries: why an event was dropped, in one word, and its wire form or call.
pub fn encode_dropped<'s>(s: Scratch<'s>, reason: ThinStr, event: ThinStr) -> ScratchString<'s> {
    s.copy(reason).append(thin!(" ")).append(event)
}

#[cfg(feature = "explain")]
pub use decoding::*;

#[cfg(feature = "explain")]
mod decoding {
    use crate::host::send_flags;

    /// A request's number and its [flags](crate::host::send_flags), which travel as one number.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct RequestKey {
        /// Counts the requests of a page, from 1.
        pub number: u32,
        /// A sum of [`send_flags`] flags.
        pub flags: u32,
    }

    impl RequestKey {
        /// Both as one number.
        pub fn encode(self) -> u32 {
            self.number << send_flags::BITS | self.flags
        }

        /// Reads the number.
        pub fn decode(key: u32) -> Self {
            Self {
                number: key >> send_flags::BITS,
                flags: key & ((1 << send_flags::BITS) - 1),
            }
        }

        /// Whether a worker sends it.
        pub fn is_by_worker(self) -> bool {
            self.flags & send_flags::VIA_WORKER != 0
        }

        /// Whether it carries neither cookies nor IDs.
        pub fn is_anonymous(self) -> bool {
            self.flags & send_flags::ANONYMOUS != 0
        }

        /// Whether `sendBeacon` sends it. A beacon cannot be anonymous.
        pub fn is_beacon(self) -> bool {
            self.flags & send_flags::UNLOADING != 0 && !self.is_anonymous() && !self.is_by_worker()
        }
    }

    /// What [`DebugEvent::RequestSent`](crate::host::DebugEvent::RequestSent) carries.
    #[derive(Debug, PartialEq, Eq)]
    pub struct RequestSent<'a> {
        /// Which request.
        pub key: RequestKey,
        /// The endpoint with its query.
        pub url: &'a str,
        /// JSON.
        pub body: &'a str,
    }

    impl<'a> RequestSent<'a> {
        /// As `send` in www/pixel/requests.js writes it.
        pub fn encode(&self) -> String {
            format!("{} {} {}", self.key.encode(), self.url, self.body)
        }

        /// Reads it; `None` if it is malformed.
        pub fn decode(text: &'a str) -> Option<Self> {
            let (key, rest) = text.split_once(' ')?;
            let (url, body) = rest.split_once(' ')?;
            Some(Self {
                key: RequestKey::decode(key.parse().ok()?),
                url,
                body,
            })
        }
    }

    /// What [`DebugEvent::ResponseReceived`](crate::host::DebugEvent::ResponseReceived) carries.
    #[derive(Debug, PartialEq, Eq)]
    pub struct ResponseReceived {
        /// Which request.
        pub key: RequestKey,
        /// The status; 0 if the request failed, 1 if the response cannot be read.
        pub status: u32,
    }

    impl ResponseReceived {
        /// As `send` in www/pixel/requests.js writes it.
        pub fn encode(&self) -> String {
            format!("{} {}", self.key.encode(), self.status)
        }

        /// Reads it; `None` if it is malformed.
        pub fn decode(text: &str) -> Option<Self> {
            let (key, status) = text.split_once(' ')?;
            Some(Self {
                key: RequestKey::decode(key.parse().ok()?),
                status: status.parse().ok()?,
            })
        }
    }

    /// What [`DebugEvent::ConfigReceived`](crate::host::DebugEvent::ConfigReceived) carries.
    #[derive(Debug, PartialEq, Eq)]
    pub struct ConfigReceived<'a> {
        /// Where the pixel config was fetched from.
        pub url: &'a str,
        /// The status; 0 if there was no response.
        pub status: u32,
        /// `automatic_advanced_matching_enabled`, where the response has it.
        pub enabled: Option<bool>,
        /// The pixel's number on the page.
        pub pixel: u32,
    }

    impl<'a> ConfigReceived<'a> {
        /// As `fetchConfig` in www/pixel/requests.js writes it.
        pub fn encode(&self) -> String {
            let enabled = self.enabled.map_or(2, u32::from);
            format!("{} {} {enabled} {}", self.url, self.status, self.pixel)
        }

        /// Reads it; `None` if it is malformed.
        pub fn decode(text: &'a str) -> Option<Self> {
            let (rest, pixel) = text.rsplit_once(' ')?;
            let (rest, enabled) = rest.rsplit_once(' ')?;
            let (url, status) = rest.rsplit_once(' ')?;
            Some(Self {
                url,
                status: status.parse().ok()?,
                enabled: match enabled {
                    "0" => Some(false),
                    "1" => Some(true),
                    _ => None,
                },
                pixel: pixel.parse().ok()?,
            })
        }
    }

    /// What [`DebugEvent::DataLayer`](crate::host::DebugEvent::DataLayer) carries: what is not measured in the page's data layer,
    /// and why.
    #[derive(Debug, PartialEq, Eq)]
    pub struct LayerNote<'a> {
        /// Why, in one word.
        pub reason: &'a str,
        /// The field that cannot be used; empty if the note is about the whole entry.
        pub field: &'a str,
        /// The event as the layer names it, on one line; of `followed` and `missing`, the layer's name.
        pub event: &'a str,
        /// What the layer has instead of a usable value. May be empty.
        pub value: &'a str,
    }

    impl<'a> LayerNote<'a> {
        /// As `note` in www/layer/entry.js writes it.
        pub fn encode(&self) -> String {
            let Self {
                reason,
                field,
                event,
                value,
            } = self;
            format!("{reason} {field} {event}\n{value}")
        }

        /// Reads it; `None` if it is malformed.
        pub fn decode(text: &'a str) -> Option<Self> {
            let (head, value) = text.split_once('\n')?;
            let (reason, rest) = head.split_once(' ')?;
            let (field, event) = rest.split_once(' ')?;
            Some(Self {
                reason,
                field,
                event,
                value,
            })
        }
    }

    /// What [`DebugEvent::Matched`](crate::host::DebugEvent::Matched) carries: a value that was read from the page, without telling it.
    #[derive(Debug, PartialEq, Eq)]
    pub struct Matched<'a> {
        /// The part of user data: `fm`, `js` or `ht`.
        pub part: &'a str,
        /// The key in it, such as `em`.
        pub key: &'a str,
        /// The first letter of the value; empty if it is not told.
        pub letter: &'a str,
        /// The field, property or element that had the value. May be empty.
        pub name: &'a str,
    }

    impl<'a> Matched<'a> {
        /// As www/matching/entry.js writes it.
        pub fn encode(&self) -> String {
            let Self {
                part,
                key,
                letter,
                name,
            } = self;
            format!("{part} {key} {letter} {name}")
        }

        /// Reads it; `None` if it is malformed.
        pub fn decode(text: &'a str) -> Option<Self> {
            let (part, rest) = text.split_once(' ')?;
            let (key, rest) = rest.split_once(' ')?;
            let (letter, name) = rest.split_once(' ')?;
            Some(Self {
                part,
                key,
                letter,
                name,
            })
        }
    }

    /// A word, and a text that belongs to it: what `Dropped`, `ClickId`, `ConsentState`, `CspViolation` and `ScriptElement` of
    /// [`DebugEvent`](crate::host::DebugEvent) carry.
    #[derive(Debug, PartialEq, Eq)]
    pub struct Tagged<'a> {
        /// Why an event was dropped, where a click ID was found, the state of consent, a policy's directive.
        pub tag: &'a str,
        /// The event, the click ID, where consent comes from, what the policy blocks. May be empty.
        pub text: &'a str,
    }

    impl<'a> Tagged<'a> {
        /// The word alone if the text is empty.
        pub fn encode(&self) -> String {
            match self.text {
                "" => self.tag.into(),
                text => format!("{} {text}", self.tag),
            }
        }

        /// Reads it; a text without a space is a word alone.
        pub fn decode(text: &'a str) -> Self {
            let (tag, text) = text.split_once(' ').unwrap_or((text, ""));
            Self { tag, text }
        }
    }
}

#[cfg(all(test, feature = "explain"))]
mod tests {
    use super::*;
    use crate::host::send_flags;
    use proptest::prelude::*;

    /// The texts between backquotes that follow `trace(NAME, ` in a script, with `{}` for each value.
    fn templates(script: &str, name: &str) -> Vec<String> {
        let call = format!("trace({name}, `");
        let found = script.split(call.as_str()).skip(1);
        found
            .map(|rest| {
                let mut template = String::new();
                let mut parts = rest.split('`').next().unwrap_or("").split("${");
                template += parts.next().unwrap_or("");
                for part in parts {
                    template += "{}";
                    template += part.split_once('}').map_or("", |(_, after)| after);
                }
                template
            })
            .collect()
    }

    #[test]
    fn the_script_encodes_requests_and_responses_in_the_forms_that_are_decoded_here() {
        let script = include_str!("../../www/pixel/requests.js");
        assert_eq!(templates(script, "REQUEST_SENT"), ["{} {} {}"]);
        assert_eq!(templates(script, "RESPONSE_RECEIVED"), ["{} {}"]);
        assert_eq!(templates(script, "CONFIG_RECEIVED"), ["{} {} {} {}"]);
        let script = include_str!("../../www/layer/entry.js");
        assert!(script.contains("`${reason} ${field} ${name}`"));
        assert_eq!(templates(script, "DATA_LAYER"), ["{}\\n{}"]);
        let script = include_str!("../../www/matching/entry.js");
        assert_eq!(templates(script, "MATCHED"), ["{} {} {} {}"]);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(
            number in 0u32..1 << (32 - send_flags::BITS),
            flags in 0u32..1 << send_flags::BITS,
            url in "[!-~]{1,40}",
            body in any::<String>(),
            status in any::<u32>(),
            enabled in any::<Option<bool>>(),
            line in "[^\n]{0,20}",
        ) {
            let key = RequestKey { number, flags };
            let sent = RequestSent { key, url: &url, body: &body };
            let text = sent.encode();
            prop_assert_eq!(RequestSent::decode(&text), Some(sent));
            let response = ResponseReceived { key, status };
            prop_assert_eq!(ResponseReceived::decode(&response.encode()), Some(response));
            // the URL of a config may hold anything
            let config = ConfigReceived { url: &body, status, enabled, pixel: flags };
            let text = config.encode();
            prop_assert_eq!(ConfigReceived::decode(&text), Some(config));
            let tagged = Tagged { tag: &url, text: &body };
            let text = tagged.encode();
            prop_assert_eq!(Tagged::decode(&text), tagged);
            let value = Matched { part: "fm", key: "em", letter: "", name: &body };
            let text = value.encode();
            prop_assert_eq!(Matched::decode(&text), Some(value));
            let note = LayerNote { reason: "unusable", field: &url, event: &line, value: &body };
            let text = note.encode();
            prop_assert_eq!(LayerNote::decode(&text), Some(note));
        }

        #[test]
        fn a_dropped_event_is_encoded_as_its_reason_and_the_event(reason in "[a-z_]{1,20}", event in "[^\0]{0,60}") {
            let (reason, event) = (reason.as_str(), event.as_str());
            let (reason_text, event_text) = [reason, event].map(crate::mem::ThinString::from).into();
            let scope = crate::mem::Scope::open();
            let encoded = encode_dropped(scope.scratch(), reason_text.as_thin(), event_text.as_thin());
            prop_assert_eq!(Tagged::decode(encoded.as_str()), Tagged { tag: reason, text: event });
        }

        #[test]
        fn any_text_decodes_without_a_panic(text in any::<String>()) {
            RequestSent::decode(&text);
            ResponseReceived::decode(&text);
            ConfigReceived::decode(&text);
            Tagged::decode(&text);
            LayerNote::decode(&text);
            Matched::decode(&text);
        }
    }
}
