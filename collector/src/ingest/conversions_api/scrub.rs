//! Raw identifiers in a place where none belongs: they are found by the names of their fields, and not stored.

use serde_json::Value;

use super::user;
use crate::ingest::rules;

/// Names under which people are found elsewhere in an event, in lowercase and without `_` and `-`.
const IDENTIFYING_NAMES: [&str; 11] = [
    "email",
    "emails",
    "emailaddress",
    "phone",
    "phones",
    "phonenumber",
    "phonenumbers",
    "firstname",
    "firstnames",
    "lastname",
    "lastnames",
];

/// Replaces what may be a raw identifier, and lists where that was, and whether there must have been a hash.
pub fn scrub(name: &str, value: &mut Value, place: &str, found: &mut Vec<(String, bool)>) {
    if may_identify(name) && !are_hashes(value) {
        *value = rules::REDACTED.into();
        found.push((rules::truncate(place), user::is_hashed(name)));
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let place = format!("{place}.{}", rules::display_name(name));
                scrub(name, value, &place, found);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                scrub("", item, &format!("{place}[{i}]"), found);
            }
        }
        _ => {}
    }
}

/// May a field of this name hold a raw identifier, wherever it stands?
fn may_identify(name: &str) -> bool {
    user::is_hashed(name) || IDENTIFYING_NAMES.contains(&user::plain(name).as_str())
}

/// Are these hashes, or nothing at all?
fn are_hashes(value: &Value) -> bool {
    value.is_null() || user::all_strings(value, rules::is_sha256_hex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scrubbed(mut value: Value) -> (Value, Vec<(String, bool)>) {
        let mut found = Vec::new();
        scrub("data", &mut value, "data", &mut found);
        (value, found)
    }

    #[test]
    fn what_may_identify_a_person_is_replaced_at_any_depth() {
        let (safe, found) = scrubbed(json!({
            "a": [{ "e-mail": "x", "Phone_Number": 5, "amount": 1 }],
            "first_names_sha256": ["x"],
        }));
        assert_eq!(
            safe,
            json!({
                "a": [{ "e-mail": rules::REDACTED, "Phone_Number": rules::REDACTED, "amount": 1 }],
                "first_names_sha256": rules::REDACTED,
            })
        );
        let found: Vec<_> = found
            .iter()
            .map(|(place, hashed)| (place.as_str(), *hashed))
            .collect();
        assert_eq!(
            found,
            [
                ("data.a[0].Phone_Number", false),
                ("data.a[0].e-mail", false),
                ("data.first_names_sha256", true),
            ]
        );
    }

    #[test]
    fn hashes_and_other_fields_stay() {
        let data = json!({
            "email": "ab".repeat(32), "emails_sha256": ["ab".repeat(32)], "phone": null,
            "name": "Mug", "cities": ["Kiel"], "external_id": "x",
        });
        assert_eq!(scrubbed(data.clone()), (data, vec![]));
    }
}
