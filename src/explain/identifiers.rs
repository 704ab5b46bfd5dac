//! What debug says about identifiers: a `user` that is not understood, and identifiers where none belong.
//!
//! The rules for `user` are those of `www/pixel/normalize-identifier.js`, which decides what is sent; here they are only explained.

use crate::explain::hints::meant;
use crate::explain::{shown, without_identifiers};
use crate::mem::{ThinStr, thin};
use crate::raw_json::{RawJson, Tag};

const HASHED: [&str; 5] = [
    "external_id_sha256",
    "email_sha256",
    "phone_number_sha256",
    "first_name_sha256",
    "last_name_sha256",
];
const PLACES: [&str; 5] = ["country", "city", "region", "postal_code", "zip_code"];

/// What elsewhere is a field's name: letters and digits alone, in lowercase.
const ELSEWHERE: [(&str, &str); 36] = [
    ("email", "email_sha256"),
    ("em", "email_sha256"),
    ("mail", "email_sha256"),
    ("emails", "email_sha256"),
    ("emailssha256", "email_sha256"),
    ("emailaddress", "email_sha256"),
    ("hashedemail", "email_sha256"),
    ("sha256emailaddress", "email_sha256"),
    ("phone", "phone_number_sha256"),
    ("ph", "phone_number_sha256"),
    ("tel", "phone_number_sha256"),
    ("mobile", "phone_number_sha256"),
    ("phones", "phone_number_sha256"),
    ("phonenumber", "phone_number_sha256"),
    ("phonesha256", "phone_number_sha256"),
    ("phonenumberssha256", "phone_number_sha256"),
    ("sha256phonenumber", "phone_number_sha256"),
    ("firstname", "first_name_sha256"),
    ("fn", "first_name_sha256"),
    ("givenname", "first_name_sha256"),
    ("firstnamessha256", "first_name_sha256"),
    ("lastname", "last_name_sha256"),
    ("ln", "last_name_sha256"),
    ("surname", "last_name_sha256"),
    ("familyname", "last_name_sha256"),
    ("lastnamessha256", "last_name_sha256"),
    ("id", "external_id_sha256"),
    ("userid", "external_id_sha256"),
    ("customerid", "external_id_sha256"),
    ("externalid", "external_id_sha256"),
    ("externalidssha256", "external_id_sha256"),
    ("countrycode", "country"),
    ("state", "region"),
    ("province", "region"),
    ("zip", "postal_code"),
    ("postcode", "postal_code"),
];

/// What is wrong with a `user`, a line each. Nothing that it holds is in them.
pub(crate) fn user_faults(user: RawJson) -> Vec<String> {
    if !user.is_defined() || user.is_null() {
        return Vec::new();
    }
    if !user.is_object() {
        return vec![format!(
            "user is {}, so it is ignored; it must be an object with fields such as email_sha256",
            a_kind(user)
        )];
    }
    let mut faults = Vec::new();
    each_field(user, |name, value| {
        if let Some(fault) = field_fault(name, value) {
            faults.push(format!("user.{} {fault}", without_identifiers(name)));
        }
    });
    faults
}

fn each_field(object: RawJson, mut visit: impl FnMut(&str, RawJson)) {
    let mut next = object.first_child();
    while object.is_object()
        && let Some(field) = next
    {
        let value = field.next_or_undefined();
        visit(field.to_scratch_string().as_str(), value);
        next = value.next_sibling();
    }
}

fn a_kind(value: RawJson) -> &'static str {
    match value.tag() {
        Tag::Array => "a list",
        Tag::Object => "an object",
        Tag::Str => "a string",
        Tag::True | Tag::False => "true or false",
        Tag::Unserializable => "not usable",
        _ => "a number",
    }
}

fn field_fault(name: &str, value: RawJson) -> Option<String> {
    let known = || HASHED.iter().chain(&PLACES).copied();
    if !known().any(|it| it == name) {
        let advice = match meant(name, known(), &ELSEWHERE) {
            Some(meant) if HASHED.contains(&meant) => {
                format!("its name is {meant}, for a raw value too, which is hashed in the browser")
            }
            Some(meant) => format!("its name is {meant}"),
            None => {
                let all: Vec<_> = known().collect();
                format!("user has {}", all.join(", "))
            }
        };
        return Some(format!("is not known and is ignored: {advice}"));
    }
    match value.tag() {
        Tag::Undefined | Tag::Null => return None,
        Tag::Str => {}
        Tag::Array => {
            return Some(
                "is a list and is ignored: send one string (only the Conversions API takes lists)"
                    .into(),
            );
        }
        _ => {
            return Some(format!(
                "is {} and is ignored: send a string",
                a_kind(value)
            ));
        }
    }
    let text = unescaped(value.to_scratch_string().as_str());
    string_fault(name, &text).map(Into::into)
}

/// The characters of a string as the script escapes them (`www/pixel/serialize-call.js`).
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u00");
    let mut out = String::from(parts.next().unwrap_or(""));
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or(("", part));
        out.push(u8::from_str_radix(code, 16).unwrap_or(b'?').into());
        out += rest;
    }
    out
}

fn string_fault(name: &str, text: &str) -> Option<&'static str> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    if text.encode_utf16().count() > 1024 {
        return Some("has more than 1024 characters and is ignored");
    }
    if PLACES.contains(&name) {
        return holds_identifier(text).map(
            |_| "holds an email address or a phone number and is ignored: send the place alone",
        );
    }
    if trimmed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        match trimmed.len() {
            64 => return None,
            32 | 40 | 56 | 96 | 128 => {
                return Some(
                    "looks like a hash, but not of SHA-256, so it matches nobody: send the raw value, or 64 hexadecimal digits",
                );
            }
            _ => {}
        }
    }
    match name {
        "email_sha256" => {
            let domain = trimmed.split_once('@').map(|(before, domain)| {
                !before.is_empty() && domain.contains('.') && !domain.contains('@')
            });
            let is_usable = domain == Some(true)
                && trimmed.len() <= 254
                && !trimmed.contains(char::is_whitespace);
            (!is_usable).then_some("is neither an email address nor a SHA-256 hash and is ignored")
        }
        "phone_number_sha256" => phone_fault(trimmed),
        "first_name_sha256" | "last_name_sha256" => {
            let is_name = trimmed
                .chars()
                .any(|c| !c.is_ascii_digit() && !c.is_whitespace() && !c.is_ascii_punctuation());
            (!is_name).then_some("is neither a name nor a SHA-256 hash and is ignored")
        }
        _ => None,
    }
}

fn phone_fault(trimmed: &str) -> Option<&'static str> {
    let is_between = |c: char| c.is_whitespace() || "().-".contains(c);
    let digits: String = trimmed.chars().filter(|c| !is_between(*c)).collect();
    let (plus, all) = match digits.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, digits.as_str()),
    };
    let number = all.trim_start_matches('0');
    let is_number =
        all.bytes().all(|byte| byte.is_ascii_digit()) && (8..=15).contains(&number.len());
    let has_code = plus || all.starts_with("00");
    let is_american = has_code && number.starts_with('1');
    if !is_number || plus && all.starts_with('0') || is_american && number.len() != 11 {
        return Some(
            "is neither a phone number with its country code, such as +49 170 1234567, nor a SHA-256 hash and is ignored",
        );
    }
    (!has_code && all.starts_with('0')).then_some(
        "begins with 0, so its country code is missing and it matches nobody: send it like +49 170 1234567",
    )
}

/// Names that a `user` gives raw, in lowercase, to recognise where else the page sends them.
pub(crate) fn raw_names(user: RawJson) -> Vec<String> {
    let mut names = Vec::new();
    each_field(user, |name, value| {
        if name.contains("first") || name.contains("last") || name.contains("name") {
            let given = unescaped(value.to_scratch_string().as_str())
                .trim()
                .to_lowercase();
            // shorter ones occur in any text
            if given.chars().count() > 2 && given.chars().all(char::is_alphabetic) {
                names.push(given);
            }
        }
    });
    names
}

/// The kind of identifier that can be read in a text.
fn holds_identifier(text: &str) -> Option<&'static str> {
    const EMAIL: &str = "(an email address)";
    const PHONE: &str = "(a phone number)";
    // one that is written with blanks is one number
    let joined: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '(' | ')'))
        .collect();
    for text in [text, &joined] {
        let masked = without_identifiers(text);
        let found = |what: &str| masked.matches(what).count() > text.matches(what).count();
        if found(EMAIL) {
            return Some("an email address");
        }
        if found(PHONE) {
            return Some("a phone number");
        }
    }
    None
}

/// The fields of an event's wire form that hold an identifier, each with what it holds.
pub(crate) fn exposed(wire: RawJson, names: &[String]) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    let mut look = |field: String, value: RawJson| {
        let text = unescaped(value.to_scratch_string().as_str());
        let what = holds_identifier(&text).or_else(|| {
            let mut words = text.split(|c: char| !c.is_alphabetic());
            words
                .any(|word| names.contains(&word.to_lowercase()))
                .then_some("the visitor's name")
        });
        if let Some(what) = what {
            found.push((field, what));
        }
    };
    let of = |name: ThinStr<'static>| wire.get(name);
    look("event_id".into(), of(thin!("id")));
    look("custom_event_name".into(), of(thin!("custom_event_name")));
    look("the page's address".into(), of(thin!("source_url")));
    look("the referrer's address".into(), of(thin!("referrer_url")));
    let data = wire.get(thin!("data"));
    look("data.plan_id".into(), data.get(thin!("plan_id")));
    let mut next = data.get(thin!("contents")).first_child();
    for place in 0.. {
        let Some(item) = next else { break };
        for field in [thin!("id"), thin!("name"), thin!("content_type")] {
            look(
                format!("data.contents[{place}].{}", field.as_str()),
                item.get(field),
            );
        }
        next = item.next_sibling();
    }
    found
}

/// What elsewhere is a command, with ours.
const COMMANDS_ELSEWHERE: [(&str, &str); 30] = [
    ("track", "measure"),
    ("trackcustom", "measure"),
    ("trackevent", "measure"),
    ("event", "measure"),
    ("send", "measure"),
    ("log", "measure"),
    ("logevent", "measure"),
    ("capture", "measure"),
    ("fire", "measure"),
    ("conversion", "measure"),
    ("page", "measure"),
    ("pageview", "measure"),
    ("measureall", "measure"),
    ("tracksingle", "measureSingle"),
    ("tracksinglecustom", "measureSingle"),
    ("config", "init"),
    ("create", "init"),
    ("load", "init"),
    ("setup", "init"),
    ("start", "init"),
    ("js", "init"),
    ("set", "init"),
    ("identify", "init"),
    ("user", "init"),
    ("setuser", "init"),
    ("setuserdata", "init"),
    ("optin", "consent"),
    ("optout", "consent"),
    ("grantconsent", "consent"),
    ("revokeconsent", "consent"),
];
const COMMANDS: [&str; 6] = [
    "init",
    "measure",
    "measureSingle",
    "consent",
    "debug",
    "forget",
];

const GRANTED: [&str; 10] = [
    "granted", "grant", "yes", "true", "1", "accept", "accepted", "allow", "allowed", "optin",
];
const DENIED: [&str; 13] = [
    "denied",
    "deny",
    "no",
    "false",
    "0",
    "reject",
    "rejected",
    "decline",
    "declined",
    "revoke",
    "revoked",
    "withdrawn",
    "optout",
];

/// A call that does nothing, as a person reads it, and what was meant.
#[derive(Debug)]
pub(crate) struct Ignored {
    pub call: String,
    pub advice: String,
}

/// Why a call of that command and first argument does nothing, if so.
pub(crate) fn ignored(command: RawJson, first: RawJson) -> Option<Ignored> {
    let name = command.to_scratch_string();
    let name = name.as_str();
    let shown_first = match first.tag() {
        Tag::Undefined | Tag::Invalid => String::new(),
        Tag::Array => ", […]".into(),
        Tag::Object => ", {…}".into(),
        _ => format!(", {}", without_identifiers(&shown(first))),
    };
    let call = match command.tag() {
        Tag::Array => "oaiq([…])".into(),
        Tag::Object => "oaiq({…})".into(),
        Tag::Undefined | Tag::Invalid => "oaiq()".into(),
        _ => format!(
            "oaiq({}{shown_first})",
            without_identifiers(&shown(command))
        ),
    };
    let advice = match name {
        "consent" => match first.tag() {
            Tag::True | Tag::False => return None,
            _ => consent_meant(first),
        },
        name if COMMANDS.contains(&name) || name == "initialize" => return None,
        _ if !command.is_string() => format!(
            "the first argument must be a command: {}",
            COMMANDS.join(", ")
        ),
        name => command_meant(name, first),
    };
    Some(Ignored { call, advice })
}

fn consent_meant(first: RawJson) -> String {
    let given = match first.tag() {
        Tag::Str => first.to_scratch_string().as_str().to_lowercase(),
        Tag::Array | Tag::Object | Tag::Unserializable => String::new(),
        _ => first.raw_text().as_str().into(),
    };
    let given: String = given.chars().filter(char::is_ascii_alphanumeric).collect();
    let answer = if GRANTED.contains(&given.as_str()) {
        "true"
    } else if DENIED.contains(&given.as_str()) {
        "false"
    } else {
        return "the answer must be true or false, without quotes: oaiq(\"consent\", true) or oaiq(\"consent\", false)".into();
    };
    format!(
        "the answer must be true or false, without quotes: oaiq(\"consent\", {answer}). Consent is as it was before"
    )
}

fn command_meant(name: &str, first: RawJson) -> String {
    let measured = |event: &str| {
        let shape = crate::schema::events::EVENTS
            .iter()
            .find(|(known, _)| known.as_str() == event)
            .map_or("contents", |(_, shape)| shape.name().as_str());
        format!("oaiq(\"measure\", \"{event}\", {{ type: \"{shape}\" }})")
    };
    match meant(name, COMMANDS.into_iter(), &COMMANDS_ELSEWHERE) {
        Some("measure") => {
            let event = crate::explain::hints::event_named(first.to_scratch_string().as_str())
                .or_else(|| crate::explain::hints::event_named(name));
            match event {
                Some(event) => format!("did you mean {}?", measured(event)),
                None => "did you mean oaiq(\"measure\", …)?".into(),
            }
        }
        Some("consent") => {
            "did you mean oaiq(\"consent\", true) or oaiq(\"consent\", false)?".into()
        }
        Some("init") => "did you mean oaiq(\"init\", { pixelId: \"...\", user: { … } })?".into(),
        Some(meant) => format!("did you mean oaiq(\"{meant}\", …)?"),
        None => match crate::explain::hints::event_named(name) {
            Some(event) => format!("did you mean {}?", measured(event)),
            None => format!(
                "there is no such command; there are {}",
                COMMANDS.join(", ")
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::ScratchString;
    use proptest::prelude::*;

    fn faults(user: &str) -> Vec<String> {
        user_faults(RawJson::new(ScratchString::from(user).as_thin()))
    }

    fn ignored_call(call: &str) -> Option<Ignored> {
        let call = ScratchString::from(call);
        let command = RawJson::new(call.as_thin()).first_child().unwrap();
        ignored(command, command.next_or_undefined())
    }

    #[test]
    fn a_user_field_by_another_name_is_told_with_its_own() {
        for (user, expected) in [
            (r#"{"email":"me@a.test"}"#, "its name is email_sha256"),
            (r#"{"emails_sha256":["x"]}"#, "its name is email_sha256"),
            (r#"{"phone":"1"}"#, "its name is phone_number_sha256"),
            (r#"{"firstName":"Jane"}"#, "its name is first_name_sha256"),
            (r#"{"Country":"US"}"#, "its name is country"),
            (r#"{"zip":"1"}"#, "its name is postal_code"),
            (r#"{"zebra":"1"}"#, "user has external_id_sha256, "),
        ] {
            let found = faults(user);
            assert!(
                found.len() == 1 && found[0].contains(expected),
                "{user}: {found:?}"
            );
        }
    }

    #[test]
    fn a_list_in_user_and_a_user_that_is_no_object_are_told() {
        for (user, expected) in [
            (
                r#"{"email_sha256":["me@a.test"]}"#,
                "user.email_sha256 is a list and is ignored",
            ),
            (r#"{"city":5}"#, "user.city is a number and is ignored"),
            (
                r#"[{"email_sha256":"me@a.test"}]"#,
                "user is a list, so it is ignored",
            ),
            (r#""me@a.test""#, "user is a string, so it is ignored"),
        ] {
            let found = faults(user);
            assert!(
                found.len() == 1 && found[0].starts_with(expected),
                "{user}: {found:?}"
            );
        }
    }

    #[test]
    fn a_value_that_matches_nobody_is_told_with_what_is_missing() {
        for (user, expected) in [
            (
                r#"{"phone_number_sha256":"0170 1234567"}"#,
                "its country code is missing",
            ),
            (r#"{"phone_number_sha256":"12345"}"#, "is ignored"),
            (r#"{"phone_number_sha256":"+1 555 12345"}"#, "is ignored"),
            (r#"{"email_sha256":"jane"}"#, "neither an email address nor"),
            (
                r#"{"email_sha256":"d41d8cd98f00b204e9800998ecf8427e"}"#,
                "not of SHA-256",
            ),
            (r#"{"first_name_sha256":"123"}"#, "neither a name"),
            (r#"{"city":"me@a.test"}"#, "holds an email address"),
            (
                r#"{"postal_code":"+49 170 1234567"}"#,
                "holds an email address",
            ),
        ] {
            let found = faults(user);
            assert!(
                found.len() == 1 && found[0].contains(expected),
                "{user}: {found:?}"
            );
        }
    }

    #[test]
    fn a_right_user_has_no_fault() {
        let hash = "Ab".repeat(32);
        for user in [
            r#"{"email_sha256":" Jane@Shop.test ","phone_number_sha256":"+49 (170) 123-4567","city":"Kiel","zip_code":"24103"}"#.to_owned(),
            r#"{"phone_number_sha256":"0049 170 1234567","first_name_sha256":"J","email_sha256":null,"region":u}"#.to_owned(),
            format!(r#"{{"email_sha256":"{hash}","phone_number_sha256":"{hash}","last_name_sha256":"{hash}"}}"#),
            "null".to_owned(),
            "u".to_owned(),
        ] {
            assert!(faults(&user).is_empty(), "{user}: {:?}", faults(&user));
        }
    }

    #[test]
    fn a_call_that_is_no_command_is_told_with_what_is_meant() {
        for (call, expected) in [
            (
                r#"["track","PageView"]"#,
                r#"did you mean oaiq("measure", "page_viewed", { type: "contents" })?"#,
            ),
            (
                r#"["Measure","order_created"]"#,
                r#"did you mean oaiq("measure", "order_created", { type: "contents" })?"#,
            ),
            (
                r#"["purchase"]"#,
                r#"did you mean oaiq("measure", "order_created", { type: "contents" })?"#,
            ),
            (
                r#"["Init",{"pixelId":"P"}]"#,
                r#"did you mean oaiq("init", { pixelId: "...", user: { … } })?"#,
            ),
            (
                r#"["consent","denied"]"#,
                r#"the answer must be true or false, without quotes: oaiq("consent", false). Consent is as it was before"#,
            ),
            (
                r#"["consent","update"]"#,
                "the answer must be true or false",
            ),
            (
                r#"["consent",1]"#,
                r#"without quotes: oaiq("consent", true)"#,
            ),
            (r#"[5]"#, "the first argument must be a command"),
            (r#"["zebra"]"#, "there is no such command"),
        ] {
            let advice = ignored_call(call).unwrap().advice;
            assert!(advice.contains(expected), "{call}: {advice}");
        }
        for command in [
            r#"["init"]"#,
            r#"["measure","x"]"#,
            r#"["consent",false]"#,
            r#"["debug"]"#,
        ] {
            assert!(ignored_call(command).is_none(), "{command}");
        }
    }

    #[test]
    fn an_identifier_in_an_event_is_found_by_its_field() {
        let wire = r#"{"type":"order_created","id":"me@a.test","source_url":"https://a.test/account/me%40a.test/orders","custom_event_name":"thanks_jane","data":{"plan_id":"+49 170 1234567","contents":[{"id":"a"},{"name":"For me@a.test"}]}}"#;
        let wire = ScratchString::from(wire);
        let found = exposed(RawJson::new(wire.as_thin()), &["jane".into()]);
        let found: Vec<_> = found
            .iter()
            .map(|(field, what)| (field.as_str(), *what))
            .collect();
        assert_eq!(
            found,
            [
                ("event_id", "an email address"),
                ("custom_event_name", "the visitor's name"),
                ("the page's address", "an email address"),
                ("data.plan_id", "a phone number"),
                ("data.contents[1].name", "an email address"),
            ]
        );
        let harmless = r#"{"type":"order_created","id":"order-4711","source_url":"https://a.test/@shop/a","data":{"contents":[{"id":"20261125-0042","name":"Janeway"}]}}"#;
        let harmless = ScratchString::from(harmless);
        assert_eq!(
            exposed(RawJson::new(harmless.as_thin()), &["jane".into()]),
            []
        );
    }

    proptest! {
        #[test]
        fn no_value_of_a_user_is_in_what_is_told_of_it(field in "[a-z_0-9]{1,20}", value in "[A-Z]{8,20}") {
            for user in [format!(r#"{{"{field}":"{value}"}}"#), format!(r#"{{"email_sha256":"{value}","phone_number_sha256":["{value}"],"first_name_sha256":{{"{value}":1}}}}"#)] {
                for fault in faults(&user) {
                    prop_assert!(!fault.contains(&value), "{fault}");
                }
            }
        }

        #[test]
        fn whatever_is_called_and_given_there_is_no_fault_of_ours(text in any::<String>(), near in r#"[\[{"a-z:,@+0-9\\u]{0,30}"#) {
            for text in [text, near] {
                faults(&text);
                let draft = ScratchString::from(text.as_str());
                let value = RawJson::new(draft.as_thin());
                exposed(value, &["jane".into()]);
                raw_names(value);
                if let Some(command) = value.first_child() {
                    ignored(command, command.next_or_undefined());
                }
            }
        }
    }
}
