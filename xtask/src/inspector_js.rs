//! What the inspector knows of events, users, currencies and violations.

use std::collections::BTreeMap;

use oaiq::explain::{ONE_TIME_EVENTS, codes, expectation, money};
use oaiq::mem::ThinString;
use oaiq::raw_json::RawJson;
use oaiq::schema::events::{EVENTS, ITEM_FIELDS, OPTION_FIELDS};
use oaiq::schema::user_fields::USER_FIELDS;
use oaiq::schema::validate::{Violation, ViolationKind, visit_violations};

use crate::HEADER;

/// www/inspector/model/schema.gen.js
pub fn schema() -> String {
    let mut out = String::from(HEADER);
    out +=
        "\n/** Digits after the decimal point by ISO 4217, for currencies that do not have 2. */\n";
    let digits = money::DECIMALS.iter();
    let digits = digits.flat_map(|(digits, codes)| codes.iter().map(move |code| (*code, *digits)));
    let digits: Vec<_> = digits
        .map(|(code, digits)| format!("[\"{code}\", {digits}]"))
        .collect();
    out += &map("CURRENCY_DIGITS", &digits);

    out += "\n/** Events that should count once however often their page is reloaded. */\n";
    let names: String = ONE_TIME_EVENTS
        .map(|name| format!("  \"{name}\",\n"))
        .concat();
    out += &format!("export const ONE_TIME_EVENTS = new Set([\n{names}]);\n");

    out += "\n/** The names that a page uses for the visitor's fields, by their keys on the pixel's wire. */\n";
    let fields: Vec<_> = USER_FIELDS
        .iter()
        .map(|field| {
            format!(
                "[\"{}\", \"{}\"]",
                field.wire_key.as_str(),
                field.name.as_str()
            )
        })
        .collect();
    out += &map("USER_FIELDS", &fields);

    out +=
        "\n/** Violations in words, by their code in diagnostics and the path of the field. */\n";
    let violations: Vec<_> = diagnosed_violations()
        .into_iter()
        .map(|((code, path), words)| entry(&format!("{code} {path}"), &words))
        .collect();
    out += &map("DIAGNOSED_VIOLATIONS", &violations);

    out += "\n/**\n * The code of a violation in `/events.json`: `faults[].code`.\n *\n * @typedef {(\n";
    let kinds = ViolationKind::ALL.iter().map(|kind| kind.code());
    for code in kinds.chain([codes::TOO_LARGE]) {
        out += &format!(" *   | \"{code}\"\n");
    }
    out + " * )} ViolationCode\n */\n"
}

/// A map of these entries, as prettier writes it.
fn map(name: &str, entries: &[String]) -> String {
    let lines: String = entries
        .iter()
        .map(|entry| format!("  {entry},\n"))
        .collect();
    format!("export const {name} = new Map([\n{lines}]);\n")
}

/// An entry of two strings, as prettier writes it.
fn entry(key: &str, value: &str) -> String {
    let line = format!("[{}, {}]", quoted(key), quoted(value));
    if line.len() <= 77 {
        return line;
    }
    format!("[\n    {},\n    {},\n  ]", quoted(key), quoted(value))
}

/// Quoted so that fewer quotes are escaped.
fn quoted(text: &str) -> String {
    if text.contains('"') {
        format!("'{}'", text.replace('\'', "\\'"))
    } else {
        format!("\"{text}\"")
    }
}

/// A violation in words that hold for every call with the same code and path.
fn in_words(violation: &Violation, name: RawJson) -> String {
    if violation.kind == ViolationKind::UnknownName {
        return "no event has this name".into();
    }
    let field = violation
        .path
        .as_str()
        .replace("data.contents[].", "an item's ");
    let example = match violation.kind {
        ViolationKind::InvalidAmount => ": for example 2599 for USD 25.99",
        _ => "",
    };
    format!("{field} must be {}{example}", expectation(violation, name))
}

/// By code and path: the violation in words. Found by calls in which each field has each kind of value.
fn diagnosed_violations() -> BTreeMap<(String, String), String> {
    const VALUES: [&str; 9] = [
        "u",
        "null",
        "1.5",
        "\"\"",
        "\"?\"",
        "true",
        "[]",
        "{}",
        "\"custom\"",
    ];
    let mut found = BTreeMap::new();
    let mut visit = |name: &str, data: &str, options: &str| {
        let texts = [name, data, options].map(ThinString::from);
        let [name, data, options] = texts.each_ref().map(|text| RawJson::new(text.as_thin()));
        visit_violations(name, data, options, &mut |violation| {
            let code = violation.code();
            if !code.is_empty() {
                let key = (code.as_str().to_owned(), violation.path.as_str().to_owned());
                found
                    .entry(key)
                    .or_insert_with(|| in_words(violation, name));
            }
        });
    };
    for value in VALUES {
        visit(value, "u", "u");
        for (name, shape) in &EVENTS {
            let name = format!("\"{}\"", name.as_str());
            let valid_type = format!("\"type\":\"{}\"", shape.name().as_str());
            visit(&name, value, "u");
            visit(&name, &format!("{{{valid_type}}}"), value);
            for field in shape.fields() {
                let field = field.name;
                visit(&name, &format!("{{\"{}\":{value}}}", field.as_str()), "u");
            }
            visit(&name, &format!("{{{valid_type},\"amount\":1}}"), "u");
            for field in &ITEM_FIELDS {
                let item = format!("{{\"{}\":{value}}}", field.name.as_str());
                visit(
                    &name,
                    &format!("{{{valid_type},\"contents\":[{item}]}}"),
                    "u",
                );
            }
            let priced = format!("{{{valid_type},\"contents\":[{{\"amount\":1}}]}}");
            visit(&name, &priced, "u");
            for field in &OPTION_FIELDS {
                let options = format!("{{\"{}\":{value}}}", field.name.as_str());
                visit(&name, &format!("{{{valid_type}}}"), &options);
            }
        }
    }
    found
}
