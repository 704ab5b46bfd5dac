//! Explains what is wrong with a `user`, finds identifiers where none belong, and explains calls that are ignored.
//!
//! `www/pixel/normalize-identifier.js` has the rules for `user` and decides what is sent; this module only explains them.

use crate::explain::hints::{closest, closest_event};
use crate::explain::{REDACTED_EMAIL, REDACTED_PHONE, display_value, redact_identifiers};
use crate::host::IdentifierKind;
use crate::mem::{ThinStr, thin};
use crate::raw_json::{RawJson, Tag};
use crate::schema::user_fields::{USER_FIELDS, UserField};

/// The fields of `user`, by name: first those that are hashed, then places.
fn user_fields() -> impl Iterator<Item = &'static str> {
    let names = |is_place: bool| {
        let fields = USER_FIELDS.iter();
        let fields = fields.filter(move |field| (field.kind == IdentifierKind::Plain) == is_place);
        fields.map(|field| field.name.as_str())
    };
    names(false).chain(names(true)).chain([ZIP_CODE])
}

/// An alias of `postal_code`.
const ZIP_CODE: &str = "zip_code";

/// Whether a field of `user` is a place, which is sent unhashed.
fn is_place(name: &str) -> bool {
    let is_it = |field: &UserField| field.name.as_str() == name;
    let mut fields = USER_FIELDS
        .iter()
        .filter(|field| field.kind == IdentifierKind::Plain);
    name == ZIP_CODE || fields.any(is_it)
}

/// Names that other pixels have for the same fields: letters and digits only, in lowercase.
const OTHER_PIXELS_FIELDS: [(&str, &str); 36] = [
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

/// What is wrong with a `user`, one line each. No line contains a value.
pub(crate) fn user_violations(user: RawJson) -> Vec<String> {
    if !user.is_defined() || user.is_null() {
        return Vec::new();
    }
    if !user.is_object() {
        return vec![format!(
            "user is {}, so it is ignored; it must be an object with fields such as email_sha256",
            type_of(user)
        )];
    }
    let mut violations = Vec::new();
    each_field(user, |name, value| {
        if let Some(violation) = field_violation(name, value) {
            violations.push(format!("user.{} {violation}", redact_identifiers(name)));
        }
    });
    violations
}

fn each_field(object: RawJson, mut visit: impl FnMut(&str, RawJson)) {
    let mut next = object.first_child();
    while object.is_object()
        && let Some(field) = next
    {
        let value = field.next_or_undefined();
        visit(field.to_thin_string().as_str(), value);
        next = value.next_sibling();
    }
}

fn type_of(value: RawJson) -> &'static str {
    match value.tag() {
        Tag::Array => "a list",
        Tag::Object => "an object",
        Tag::Str => "a string",
        Tag::True | Tag::False => "true or false",
        Tag::Unserializable => "not usable",
        _ => "a number",
    }
}

fn field_violation(name: &str, value: RawJson) -> Option<String> {
    if !user_fields().any(|it| it == name) {
        let advice = match closest(name, user_fields(), &OTHER_PIXELS_FIELDS) {
            Some(meant) if !is_place(meant) => {
                format!("send {meant}, also for a raw value, which the browser hashes")
            }
            Some(meant) => format!("send {meant}"),
            None => {
                let all: Vec<_> = user_fields().collect();
                format!("the fields are {}", all.join(", "))
            }
        };
        return Some(format!("is unknown and ignored: {advice}"));
    }
    match value.tag() {
        Tag::Undefined | Tag::Null => return None,
        Tag::Str => {}
        Tag::Array => {
            return Some(
                "is a list and is ignored: send one string (only the Conversions API accepts lists)"
                    .into(),
            );
        }
        _ => {
            return Some(format!(
                "is {} and is ignored: send a string",
                type_of(value)
            ));
        }
    }
    let text = unescape(value.to_thin_string().as_str());
    string_violation(name, &text).map(Into::into)
}

/// Undoes the escapes that the script writes (`www/pixel/serialize-call.js`).
fn unescape(text: &str) -> String {
    let mut parts = text.split("\\u00");
    let mut out = String::from(parts.next().unwrap_or(""));
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or(("", part));
        out.push(u8::from_str_radix(code, 16).unwrap_or(b'?').into());
        out += rest;
    }
    out
}

fn string_violation(name: &str, text: &str) -> Option<&'static str> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    if text.encode_utf16().count() > 1024 {
        return Some("has more than 1024 characters and is ignored");
    }
    if is_place(name) {
        return identifier_in(text).map(
            |_| "contains an email address or a phone number and is ignored: send only the place",
        );
    }
    if trimmed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        match trimmed.len() {
            64 => return None,
            32 | 40 | 56 | 96 | 128 => {
                return Some(
                    "looks like a hash other than SHA-256, so it cannot match: send the raw value or 64 hexadecimal digits",
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
        "phone_number_sha256" => phone_violation(trimmed),
        "first_name_sha256" | "last_name_sha256" => {
            let is_name = trimmed
                .chars()
                .any(|c| !c.is_ascii_digit() && !c.is_whitespace() && !c.is_ascii_punctuation());
            (!is_name).then_some("is neither a name nor a SHA-256 hash and is ignored")
        }
        _ => None,
    }
}

fn phone_violation(trimmed: &str) -> Option<&'static str> {
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
        "begins with 0, so its country code is missing and it cannot match: send it like +49 170 1234567",
    )
}

/// The raw names of a `user`, in lowercase, to recognize where else the page sends them.
pub(crate) fn raw_names(user: RawJson) -> Vec<String> {
    let mut names = Vec::new();
    each_field(user, |name, value| {
        if name.contains("first") || name.contains("last") || name.contains("name") {
            let given = unescape(value.to_thin_string().as_str())
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

/// The kind of identifier that a text contains.
fn identifier_in(text: &str) -> Option<&'static str> {
    // a phone number may be written with spaces
    let joined: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '(' | ')'))
        .collect();
    for text in [text, &joined] {
        let redacted = redact_identifiers(text);
        let found = |what: &str| redacted.matches(what).count() > text.matches(what).count();
        if found(REDACTED_EMAIL) {
            return Some("an email address");
        }
        if found(REDACTED_PHONE) {
            return Some("a phone number");
        }
    }
    None
}

/// The fields of an event's wire form that contain an identifier, each with its kind.
pub(crate) fn exposed(wire: RawJson, names: &[String]) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    let mut check = |field: String, value: RawJson| {
        let text = unescape(value.to_thin_string().as_str());
        let what = identifier_in(&text).or_else(|| {
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
    check("event_id".into(), of(thin!("id")));
    check("custom_event_name".into(), of(thin!("custom_event_name")));
    check("the page's URL".into(), of(thin!("source_url")));
    check("the referrer URL".into(), of(thin!("referrer_url")));
    let data = wire.get(thin!("data"));
    check("data.plan_id".into(), data.get(thin!("plan_id")));
    let mut next = data.get(thin!("contents")).first_child();
    for place in 0.. {
        let Some(item) = next else { break };
        for field in [thin!("id"), thin!("name"), thin!("content_type")] {
            check(
                format!("data.contents[{place}].{}", field.as_str()),
                item.get(field),
            );
        }
        next = item.next_sibling();
    }
    found
}

/// Commands of other pixels, with ours.
const OTHER_PIXELS_COMMANDS: [(&str, &str); 30] = [
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

/// A call without effect, as JavaScript source, and what was probably meant.
#[derive(Debug)]
pub(crate) struct Ignored {
    pub call: String,
    pub advice: String,
}

/// Explains why a call with that command and first argument is ignored; `None` if it is not.
pub(crate) fn ignored(command: RawJson, first: RawJson) -> Option<Ignored> {
    let name = command.to_thin_string();
    let name = name.as_str();
    let shown_first = match first.tag() {
        Tag::Undefined | Tag::Invalid => String::new(),
        Tag::Array => ", […]".into(),
        Tag::Object => ", {…}".into(),
        _ => format!(", {}", redact_identifiers(&display_value(first))),
    };
    let call = match command.tag() {
        Tag::Array => "oaiq([…])".into(),
        Tag::Object => "oaiq({…})".into(),
        Tag::Undefined | Tag::Invalid => "oaiq()".into(),
        _ => format!(
            "oaiq({}{shown_first})",
            redact_identifiers(&display_value(command))
        ),
    };
    let advice = match name {
        "consent" => match first.tag() {
            Tag::True | Tag::False => return None,
            _ => suggest_consent(first),
        },
        name if COMMANDS.contains(&name) || name == "initialize" => return None,
        _ if !command.is_string() => format!(
            "the first argument must be a command: {}",
            COMMANDS.join(", ")
        ),
        name => suggest_command(name, first),
    };
    Some(Ignored { call, advice })
}

fn suggest_consent(first: RawJson) -> String {
    let given = match first.tag() {
        Tag::Str => first.to_thin_string().as_str().to_lowercase(),
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
        "the answer must be true or false, without quotes: oaiq(\"consent\", {answer}). Consent has not changed"
    )
}

fn suggest_command(name: &str, first: RawJson) -> String {
    let measured = |event: &str| {
        let shape = crate::schema::events::EVENTS
            .iter()
            .find(|(known, _)| known.as_str() == event)
            .map_or("contents", |(_, shape)| shape.name().as_str());
        format!("oaiq(\"measure\", \"{event}\", {{ type: \"{shape}\" }})")
    };
    match closest(name, COMMANDS.into_iter(), &OTHER_PIXELS_COMMANDS) {
        Some("measure") => {
            let event =
                closest_event(first.to_thin_string().as_str()).or_else(|| closest_event(name));
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
        None => match closest_event(name) {
            Some(event) => format!("did you mean {}?", measured(event)),
            None => format!(
                "there is no such command; the commands are {}",
                COMMANDS.join(", ")
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::ThinString;
    use proptest::prelude::*;

    fn violations(user: &str) -> Vec<String> {
        user_violations(RawJson::new(ThinString::from(user).as_thin()))
    }

    fn ignored_call(call: &str) -> Option<Ignored> {
        let call = ThinString::from(call);
        let command = RawJson::new(call.as_thin()).first_child().unwrap();
        ignored(command, command.next_or_undefined())
    }

    #[test]
    fn a_user_field_of_another_pixel_suggests_the_right_name() {
        for (user, expected) in [
            (r#"{"email":"me@a.test"}"#, "send email_sha256"),
            (r#"{"emails_sha256":["x"]}"#, "send email_sha256"),
            (r#"{"phone":"1"}"#, "send phone_number_sha256"),
            (r#"{"firstName":"Jane"}"#, "send first_name_sha256"),
            (r#"{"Country":"US"}"#, "send country"),
            (r#"{"zip":"1"}"#, "send postal_code"),
            (r#"{"zebra":"1"}"#, "the fields are external_id_sha256, "),
        ] {
            let found = violations(user);
            assert!(
                found.len() == 1 && found[0].contains(expected),
                "{user}: {found:?}"
            );
        }
    }

    #[test]
    fn a_list_in_user_and_a_user_that_is_no_object_are_explained() {
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
            let found = violations(user);
            assert!(
                found.len() == 1 && found[0].starts_with(expected),
                "{user}: {found:?}"
            );
        }
    }

    #[test]
    fn a_value_that_cannot_match_is_explained() {
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
                "other than SHA-256",
            ),
            (r#"{"first_name_sha256":"123"}"#, "neither a name"),
            (r#"{"city":"me@a.test"}"#, "contains an email address"),
            (
                r#"{"postal_code":"+49 170 1234567"}"#,
                "contains an email address",
            ),
        ] {
            let found = violations(user);
            assert!(
                found.len() == 1 && found[0].contains(expected),
                "{user}: {found:?}"
            );
        }
    }

    #[test]
    fn a_valid_user_has_no_violation() {
        let hash = "Ab".repeat(32);
        for user in [
            r#"{"email_sha256":" Jane@Shop.test ","phone_number_sha256":"+49 (170) 123-4567","city":"Kiel","zip_code":"24103"}"#.to_owned(),
            r#"{"phone_number_sha256":"0049 170 1234567","first_name_sha256":"J","email_sha256":null,"region":u}"#.to_owned(),
            format!(r#"{{"email_sha256":"{hash}","phone_number_sha256":"{hash}","last_name_sha256":"{hash}"}}"#),
            "null".to_owned(),
            "u".to_owned(),
        ] {
            assert!(violations(&user).is_empty(), "{user}: {:?}", violations(&user));
        }
    }

    #[test]
    fn an_unknown_command_suggests_the_right_one() {
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
                r#"the answer must be true or false, without quotes: oaiq("consent", false). Consent has not changed"#,
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
    fn an_identifier_in_an_event_is_found_with_its_field() {
        let wire = r#"{"type":"order_created","id":"me@a.test","source_url":"https://a.test/account/me%40a.test/orders","custom_event_name":"thanks_jane","data":{"plan_id":"+49 170 1234567","contents":[{"id":"a"},{"name":"For me@a.test"}]}}"#;
        let wire = ThinString::from(wire);
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
                ("the page's URL", "an email address"),
                ("data.plan_id", "a phone number"),
                ("data.contents[1].name", "an email address"),
            ]
        );
        let harmless = r#"{"type":"order_created","id":"order-4711","source_url":"https://a.test/@shop/a","data":{"contents":[{"id":"20261125-0042","name":"Janeway"}]}}"#;
        let harmless = ThinString::from(harmless);
        assert_eq!(
            exposed(RawJson::new(harmless.as_thin()), &["jane".into()]),
            []
        );
    }

    proptest! {
        #[test]
        fn no_violation_of_a_user_contains_its_value(field in "[a-z_0-9]{1,20}", value in "[A-Z]{8,20}") {
            for user in [format!(r#"{{"{field}":"{value}"}}"#), format!(r#"{{"email_sha256":"{value}","phone_number_sha256":["{value}"],"first_name_sha256":{{"{value}":1}}}}"#)] {
                for violation in violations(&user) {
                    prop_assert!(!violation.contains(&value), "{violation}");
                }
            }
        }

        #[test]
        fn any_call_and_user_are_explained_without_a_panic(text in any::<String>(), near in r#"[\[{"a-z:,@+0-9\\u]{0,30}"#) {
            for text in [text, near] {
                violations(&text);
                let text = ThinString::from(text.as_str());
                let value = RawJson::new(text.as_thin());
                exposed(value, &["jane".into()]);
                raw_names(value);
                if let Some(command) = value.first_child() {
                    ignored(command, command.next_or_undefined());
                }
            }
        }
    }
}
