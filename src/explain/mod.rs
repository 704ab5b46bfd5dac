//! Explains what is wrong with an event, in words that the debug console and the collector share.

pub mod codes;
pub mod hints;
pub mod identifiers;
pub mod money;

use serde::Serialize;

use crate::explain::hints::hint_for;
use crate::mem::ThinString;
use crate::raw_json::{RawJson, Tag};
use crate::schema::events::{self, EVENTS};
use crate::schema::validate::{self, Location, Violation, ViolationKind};

/// Events that should count once however often their page is reloaded, so they need an ID of the site's own.
pub const ONE_TIME_EVENTS: [&str; 6] = [
    "order_created",
    "subscription_created",
    "trial_started",
    "registration_completed",
    "lead_created",
    "appointment_scheduled",
];

/// Completes the sentence "it must be …".
pub const NO_SUCH_FIELD: &str = "omitted, because there is no such field";

/// More violations of one call are not explained: no reader needs them, and a list of a million wrong items must not become a
/// million texts.
const MAX_VIOLATIONS: usize = 100;

/// One violation of a call, in words.
#[derive(Debug, PartialEq, Serialize)]
pub struct ExplainedViolation {
    /// What kind of violation it is, for programs: see [`codes`].
    pub code: &'static str,
    /// Where: `data.contents[1].amount`.
    pub field: String,
    /// The value that was found there; never an identifier.
    pub given: String,
    /// What it must be; completes the sentence "it must be …".
    pub expected: String,
    /// What to do, where the call itself shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// Explains every violation of an event: its name, its data and its options, each as JSON without white space, or empty if
/// there is none.
pub fn explain_event(name: &str, data: &str, options: &str) -> Vec<ExplainedViolation> {
    let [name, data, options] = [name, data, options].map(|json| match json {
        "" => ThinString::from("u"),
        _ => ThinString::from(json),
    });
    let [name, data, options] = [&name, &data, &options].map(|text| RawJson::new(text.as_thin()));
    explain_call(name, data, options)
}

/// Explains every violation of a call of `measure`.
pub(crate) fn explain_call(
    name: RawJson,
    data: RawJson,
    options: RawJson,
) -> Vec<ExplainedViolation> {
    let mut explained = Vec::new();
    validate::visit_violations(name, data, options, &mut |violation| {
        if explained.len() < MAX_VIOLATIONS {
            explained.push(ExplainedViolation {
                code: violation.kind.code(),
                field: location(violation),
                given: found(violation),
                expected: expectation(violation, name),
                advice: hint_for(violation, name, data),
            });
        }
    });
    explained
}

impl ExplainedViolation {
    /// The whole violation as one sentence.
    pub fn to_sentence(&self) -> String {
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

fn location(violation: &Violation) -> String {
    let path = violation.path.as_str();
    let unknown = violation.unknown_field.map(RawJson::to_thin_string);
    let name = unknown.as_ref().map_or("", ThinString::as_str);
    let within = |object: String| match name {
        "" => object,
        _ => format!("{object}.{name}"),
    };
    match violation.location {
        Location::Name => "the event's name".into(),
        Location::Data if path.is_empty() => within("data".into()),
        Location::Data => path.into(),
        Location::Item(i) if path.is_empty() => within(format!("data.contents[{i}]")),
        Location::Item(i) => path.replace("[]", &format!("[{i}]")),
        Location::Options if path.is_empty() => within("options".into()),
        Location::Options => format!("options.{path}"),
    }
}

/// The value that was found. An unknown field may contain personal data, so only its type is shown.
fn found(violation: &Violation) -> String {
    let kind = violation.found.tag();
    match violation.kind {
        ViolationKind::UnknownField => match kind {
            Tag::Str => "a string".into(),
            Tag::Array => "an array".into(),
            Tag::Object => "an object".into(),
            _ => display_value(violation.found),
        },
        _ => redact_identifiers(&display_value(violation.found)),
    }
}

/// What the value must be; completes the sentence "it must be …".
pub fn expectation(violation: &Violation, name: RawJson) -> String {
    let text = match violation.kind {
        ViolationKind::UnknownName => {
            let names: Vec<_> = EVENTS.iter().map(|(name, _)| name.as_str()).collect();
            return format!("one of {}", names.join(", "));
        }
        ViolationKind::WrongShape => {
            let shape = events::find_event(name).map_or("", |(_, shape)| shape.name().as_str());
            return format!("\"{shape}\" for this event");
        }
        ViolationKind::CustomNameMissing => "set, because custom events need a name of their own",
        ViolationKind::Missing => "set",
        ViolationKind::WrongType => match violation.path.as_str() {
            "data.contents" => "an array of objects",
            "opt_out" => "true or false",
            "data" => "an object",
            _ => "a string",
        },
        ViolationKind::NotString | ViolationKind::CustomNameNotString => "a string",
        ViolationKind::NotObject | ViolationKind::NoData => "an object",
        ViolationKind::InvalidAmount => "a whole number in the currency's minor unit",
        ViolationKind::NotInteger => "a whole number",
        ViolationKind::NotCurrency => "a three-letter code, such as \"USD\"",
        ViolationKind::NoCurrency => "set, because there is an amount",
        ViolationKind::UnknownField => NO_SUCH_FIELD,
        ViolationKind::Empty => "omitted, or a non-empty string",
        ViolationKind::CustomNameEmpty => "a non-empty string",
        ViolationKind::InvalidCustomName => {
            "1 to 64 letters, digits, _ or -, starting and ending with a letter or digit"
        }
        ViolationKind::ReservedCustomName => {
            "a different name, because a standard event has this one"
        }
        ViolationKind::CustomNameNotAllowed => {
            "omitted, because only the event \"custom\" accepts it"
        }
    };
    text.into()
}

/// A value as it is written in JavaScript, truncated.
pub(crate) fn display_value(value: RawJson) -> String {
    truncate(to_js_source(value), 60)
}

/// A text of at most that many characters, and an ellipsis where there were more.
pub(crate) fn truncate(mut text: String, max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(max) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// What replaces an email address in a redacted text.
pub(crate) const REDACTED_EMAIL: &str = "(an email address)";
/// What replaces a phone number.
pub(crate) const REDACTED_PHONE: &str = "(a phone number)";

/// Replaces email addresses and phone numbers in a text, so that none gets into a console or into a screenshot of it.
pub fn redact_identifiers(text: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_whitespace() || "\"',;:<>()[]{}=&/".contains(c) {
            redacted += if is_email(&word) {
                REDACTED_EMAIL
            } else if is_phone(&word) {
                REDACTED_PHONE
            } else {
                &word
            };
            word.clear();
            redacted.push(c);
        } else {
            word.push(c);
        }
    }
    redacted.pop();
    redacted
}

fn is_email(word: &str) -> bool {
    ["@", "%40", "\\u0040"].iter().any(|at| {
        word.split_once(at)
            .is_some_and(|(before, after)| !before.is_empty() && after.len() > 1)
    })
}

/// In the international format: `+15551234567`. Digits alone may be anything.
fn is_phone(word: &str) -> bool {
    word.strip_prefix('+').is_some_and(|digits| {
        let count = digits.bytes().filter(u8::is_ascii_digit).count();
        count >= 8
            && digits
                .bytes()
                .all(|c| c.is_ascii_digit() || b"-.".contains(&c))
    })
}

/// A value as JavaScript source. What has no source form is named in parentheses.
fn to_js_source(value: RawJson) -> String {
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
                let mut text = to_js_source(part);
                next = part.next_sibling();
                if kind == Tag::Object {
                    let value = next.unwrap_or(RawJson::UNDEFINED);
                    text = format!("{text}:{}", to_js_source(value));
                    next = value.next_sibling();
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
    fn each_violation_names_the_value_and_what_to_do() {
        let violations = explain_event(
            r#""order_created""#,
            r#"{"type":"contents","amount":25.99,"sku":u,"contents":[{},{"quantity":"1"}]}"#,
            r#"{"event_id":""}"#,
        );
        let sentences: Vec<_> = violations
            .iter()
            .map(ExplainedViolation::to_sentence)
            .collect();
        assert_eq!(
            sentences,
            [
                "data.amount is 25.99; it must be a whole number in the currency's minor unit: send 2599 if it is USD 25.99",
                "data.currency is undefined; it must be set, because there is an amount: add currency: \"USD\", or the currency of the amount",
                "data.contents[1].quantity is \"1\"; it must be a whole number: send the number 1, without quotes",
                "data.sku is undefined; it must be omitted, because there is no such field",
                "options.event_id is \"\"; it must be omitted, or a non-empty string",
            ]
        );
    }

    #[test]
    fn the_type_of_another_event_is_explained_with_the_right_one() {
        let violations = explain_event(
            r#""lead_created""#,
            r#"{"type":"contents","amount":1.5}"#,
            "",
        );
        let fields: Vec<_> = violations.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(fields, ["data.type", "data.amount", "data.currency"]);
        let codes: Vec<_> = violations.iter().map(|it| it.code).collect();
        assert_eq!(
            codes,
            ["wrong_shape", "amount_not_integer", "missing_currency"]
        );
        assert!(
            violations[0]
                .to_sentence()
                .ends_with("send type: \"customer_action\"")
        );
        assert!(explain_event(r#""lead_created""#, r#"{"type":"customer_action"}"#, "").is_empty());
    }

    #[test]
    fn the_value_of_an_unknown_field_is_not_shown() {
        let violations = explain_event(
            r#""lead_created""#,
            r#"{"type":"customer_action","email":"me@a.test","phone":["+15551234567"]}"#,
            "",
        );
        assert_eq!(violations[0].given, "a string");
        assert_eq!(violations[1].given, "an array");
    }

    #[test]
    fn email_addresses_and_phone_numbers_are_redacted() {
        assert_eq!(
            redact_identifiers(r#"{"id":"me@a.test","x":"+1-555-123-4567, me%40a.test"}"#),
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
            assert_eq!(redact_identifiers(harmless), harmless);
        }
    }

    #[test]
    fn long_values_are_truncated() {
        let violations = explain_event(&format!("\"{}\"", "ü".repeat(1_000)), "", "");
        assert!(violations[0].to_sentence().len() < 700);
    }

    proptest! {
        #[test]
        fn an_identifier_is_redacted_anywhere_in_a_text(before in "[^@%]*", name in "[a-z0-9.]{1,9}", after in "[^@%]*") {
            let text = format!("{before} {name}@shop.test {after}");
            prop_assert!(!redact_identifiers(&text).contains('@'));
        }
    }
}
