//! What is wrong with an event, in words: for whoever reads the console, and for the collector.

pub mod codes;
pub mod hints;
pub mod identifiers;
pub mod money;

use serde::Serialize;

use crate::explain::hints::advice;
use crate::mem::{ScratchString, with_nested_scratch};
use crate::raw_json::{RawJson, Tag};
use crate::schema::events::{self, EVENTS};
use crate::schema::validate::{self, Location, Violation, ViolationKind};

/// One thing that is wrong with a call.
#[derive(Debug, PartialEq, Serialize)]
pub struct Explained {
    /// What kind of violation it is, for programs: see [`codes`].
    pub code: &'static str,
    /// Where: `data.contents[1].amount`.
    pub field: String,
    /// What was found there.
    pub given: String,
    /// What must be there.
    pub expected: String,
    /// What to do, where that can be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// Everything that is wrong with an event: its name, its data and its options, each as JSON without white space, or empty
/// where it is not there.
pub fn faults_of(name: &str, data: &str, options: &str) -> Vec<Explained> {
    let work = || {
        let [name, data, options] = [name, data, options].map(|json| match json {
            "" => ScratchString::from("u"),
            _ => ScratchString::from(json),
        });
        let [name, data, options] =
            [&name, &data, &options].map(|text| RawJson::new(text.as_thin()));
        faults(name, data, options)
    };
    // SAFETY: what is explained has texts of its own
    unsafe { with_nested_scratch(work) }
}

pub(crate) fn faults(name: RawJson, data: RawJson, options: RawJson) -> Vec<Explained> {
    // nobody reads more, and a list of a million wrong items must not become a million texts
    const MOST: usize = 100;
    let mut faults = Vec::new();
    validate::visit_violations(name, data, options, &mut |fault| {
        if faults.len() < MOST {
            faults.push(Explained {
                code: fault.kind.code(),
                field: place(fault),
                given: given(fault),
                expected: expected(fault, name),
                advice: advice(fault, name, data),
            });
        }
    });
    faults
}

impl Explained {
    /// All of it in one sentence.
    pub fn sentence(&self) -> String {
        let Self {
            field,
            given,
            expected,
            advice,
            ..
        } = self;
        let mut text = format!("{field} is {given}; it must be {expected}");
        if let Some(advice) = advice {
            text += &format!(": {advice}");
        }
        text
    }
}

fn place(fault: &Violation) -> String {
    let path = fault.path.as_str();
    let unknown = fault.unknown_field.map(RawJson::to_scratch_string);
    let name = unknown.as_ref().map_or("", ScratchString::as_str);
    let within = |object: String| match name {
        "" => object,
        _ => format!("{object}.{name}"),
    };
    match fault.location {
        Location::Name => "the event's name".into(),
        Location::Data if path.is_empty() => within("data".into()),
        Location::Data => path.into(),
        Location::Item(i) if path.is_empty() => within(format!("data.contents[{i}]")),
        Location::Item(i) => path.replace("[]", &format!("[{i}]")),
        Location::Options if path.is_empty() => within("options".into()),
        Location::Options => format!("options.{path}"),
    }
}

/// What was found. Of a field that no event has, which may hold anything about anybody, only the kind is told.
fn given(fault: &Violation) -> String {
    let kind = fault.found.tag();
    match fault.kind {
        ViolationKind::UnknownField => match kind {
            Tag::Str => "a string".into(),
            Tag::Array => "an array".into(),
            Tag::Object => "an object".into(),
            _ => shown(fault.found),
        },
        _ => without_identifiers(&shown(fault.found)),
    }
}

/// What must be there instead, to follow "it must be".
fn expected(fault: &Violation, name: RawJson) -> String {
    let text = match fault.kind {
        ViolationKind::UnknownName => {
            let names: Vec<_> = EVENTS.iter().map(|(name, _)| name.as_str()).collect();
            return format!("one of {}", names.join(", "));
        }
        ViolationKind::WrongShape => {
            let shape = events::find_event(name).map_or("", |(_, shape)| shape.name().as_str());
            return format!("\"{shape}\", this event's own");
        }
        ViolationKind::CustomNameMissing => "there, because custom events need a name of their own",
        ViolationKind::Missing => "there",
        ViolationKind::WrongType => match fault.path.as_str() {
            "data.contents" => "an array of objects",
            "opt_out" => "true or false",
            "data" => "an object",
            _ => "a string",
        },
        ViolationKind::NotString | ViolationKind::CustomNameNotString => "a string",
        ViolationKind::NotObject | ViolationKind::NoData => "an object",
        ViolationKind::InvalidAmount => "a whole number in the currency's minor unit",
        ViolationKind::NotInteger => "a whole number",
        ViolationKind::NotCurrency => "three letters, such as \"USD\"",
        ViolationKind::NoCurrency => "there, because an amount is",
        ViolationKind::UnknownField => "left out, because there is no such field",
        ViolationKind::Empty => "left out, or a string that is not empty",
        ViolationKind::CustomNameEmpty => "a string that is not empty",
        ViolationKind::InvalidCustomName => {
            "1 to 64 letters, digits, _ and -, with a letter or digit at both ends"
        }
        ViolationKind::ReservedCustomName => "another name, because this one is a standard event's",
        ViolationKind::CustomNameNotAllowed => {
            "left out, because only the event \"custom\" takes it"
        }
    };
    text.into()
}

/// A value as a person reads it, shortened.
pub(crate) fn shown(value: RawJson) -> String {
    shortened(readable(value), 60)
}

/// The first characters of a text, so many at most.
pub(crate) fn shortened(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A text in which no email address and no phone number can be read any more: nobody's identifiers get into a console, nor
/// into the screenshots that are made of it.
pub fn without_identifiers(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_whitespace() || "\"',;:<>()[]{}=&/".contains(c) {
            safe += if is_email(&word) {
                "(an email address)"
            } else if is_phone(&word) {
                "(a phone number)"
            } else {
                &word
            };
            word.clear();
            safe.push(c);
        } else {
            word.push(c);
        }
    }
    safe.pop();
    safe
}

fn is_email(word: &str) -> bool {
    ["@", "%40", "\\u0040"].iter().any(|at| {
        word.split_once(at)
            .is_some_and(|(before, behind)| !before.is_empty() && behind.len() > 1)
    })
}

/// As numbers are written for all the world: `+15551234567`. Digits alone may be anything.
fn is_phone(word: &str) -> bool {
    word.strip_prefix('+').is_some_and(|digits| {
        let count = digits.bytes().filter(u8::is_ascii_digit).count();
        count >= 8
            && digits
                .bytes()
                .all(|c| c.is_ascii_digit() || b"-.".contains(&c))
    })
}

/// A value as JavaScript is written, but for what cannot be: that is named in brackets.
fn readable(value: RawJson) -> String {
    let kind = value.tag();
    match kind {
        Tag::Undefined | Tag::Invalid => "undefined".into(),
        Tag::Unserializable => {
            let why = value.raw_text();
            format!("({})", why.as_str().trim_matches(['x', '"']))
        }
        Tag::Array | Tag::Object => {
            let mut parts = Vec::new();
            let mut next = value.first_child();
            while let Some(part) = next {
                let mut text = readable(part);
                next = part.next_sibling();
                if kind == Tag::Object {
                    let held = next.unwrap_or(RawJson::UNDEFINED);
                    text = format!("{text}:{}", readable(held));
                    next = held.next_sibling();
                }
                parts.push(text);
            }
            let parts = parts.join(",");
            if kind == Tag::Object {
                format!("{{{parts}}}")
            } else {
                format!("[{parts}]")
            }
        }
        _ => value.raw_text().as_str().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_fault_is_told_with_what_was_given_and_what_to_do() {
        let faults = faults_of(
            r#""order_created""#,
            r#"{"type":"contents","amount":25.99,"sku":u,"contents":[{},{"quantity":"1"}]}"#,
            r#"{"event_id":""}"#,
        );
        let sentences: Vec<_> = faults.iter().map(Explained::sentence).collect();
        assert_eq!(
            sentences,
            [
                "data.amount is 25.99; it must be a whole number in the currency's minor unit: send 2599 if it is USD 25.99",
                "data.currency is undefined; it must be there, because an amount is: add currency: \"USD\", or whichever the amount is in",
                "data.contents[1].quantity is \"1\"; it must be a whole number: send the number 1, without quotes",
                "data.sku is undefined; it must be left out, because there is no such field",
                "options.event_id is \"\"; it must be left out, or a string that is not empty",
            ]
        );
    }

    #[test]
    fn the_type_of_another_event_is_told_with_its_own() {
        let faults = faults_of(
            r#""lead_created""#,
            r#"{"type":"contents","amount":1.5}"#,
            "",
        );
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["data.type", "data.amount", "data.currency"]);
        let codes: Vec<_> = faults.iter().map(|fault| fault.code).collect();
        assert_eq!(
            codes,
            ["wrong_shape", "amount_not_integer", "missing_currency"]
        );
        assert!(
            faults[0]
                .sentence()
                .ends_with("send type: \"customer_action\"")
        );
        assert!(faults_of(r#""lead_created""#, r#"{"type":"customer_action"}"#, "").is_empty());
    }

    #[test]
    fn what_a_field_holds_that_no_event_has_is_not_shown() {
        let faults = faults_of(
            r#""lead_created""#,
            r#"{"type":"customer_action","email":"me@a.test","phone":["+15551234567"]}"#,
            "",
        );
        assert_eq!(faults[0].given, "a string");
        assert_eq!(faults[1].given, "an array");
    }

    #[test]
    fn no_email_address_and_no_phone_number_can_be_read() {
        assert_eq!(
            without_identifiers(r#"{"id":"me@a.test","x":"+1-555-123-4567, me%40a.test"}"#),
            r#"{"id":"(an email address)","x":"(a phone number), (an email address)"}"#
        );
        for harmless in [
            "",
            "@",
            "order-4711",
            "+1",
            "2599",
            "a @ b",
            "20261125-0042",
        ] {
            assert_eq!(without_identifiers(harmless), harmless);
        }
    }

    #[test]
    fn long_values_are_shortened() {
        let faults = faults_of(&format!("\"{}\"", "ü".repeat(1_000)), "", "");
        assert!(faults[0].sentence().len() < 700);
    }

    proptest! {
        #[test]
        fn an_identifier_is_hidden_wherever_it_stands(before in "[^@%]*", name in "[a-z0-9.]{1,9}", behind in "[^@%]*") {
            let text = format!("{before} {name}@shop.test {behind}");
            prop_assert!(!without_identifiers(&text).contains('@'));
        }
    }
}
