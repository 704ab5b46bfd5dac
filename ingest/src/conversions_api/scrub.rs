//! Finds raw identifiers outside `user` by the names of their fields, and redacts them.

use serde_json::Value;

use super::user_fields;
use crate::rules;

/// Names of fields that often hold raw identifiers, in the form of [`user_fields::normalize_name`].
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

/// Redacts possible raw identifiers in `value`. Adds the path of each to `found`, and whether its name requires a hash.
pub fn scrub(name: &str, value: &mut Value, path: &str, found: &mut Vec<(String, bool)>) {
    if may_identify(name) && !are_hashes(value) {
        *value = rules::REDACTED.into();
        found.push((rules::truncate(path), user_fields::is_hashed(name)));
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = format!("{path}.{}", rules::display_name(name));
                scrub(name, value, &path, found);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                scrub("", item, &format!("{path}[{i}]"), found);
            }
        }
        _ => {}
    }
}

/// Whether a field of this name may hold a raw identifier.
fn may_identify(name: &str) -> bool {
    user_fields::is_hashed(name)
        || IDENTIFYING_NAMES.contains(&user_fields::normalize_name(name).as_str())
}

/// Whether the value is a hash, a list of hashes or null.
fn are_hashes(value: &Value) -> bool {
    value.is_null() || user_fields::all_strings(value, rules::is_sha256_hex)
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
    fn identifier_is_redacted_at_any_depth() {
        let (redacted, found) = scrubbed(json!({
            "a": [{ "e-mail": "x", "Phone_Number": 5, "amount": 1 }],
            "first_names_sha256": ["x"],
        }));
        assert_eq!(
            redacted,
            json!({
                "a": [{ "e-mail": rules::REDACTED, "Phone_Number": rules::REDACTED, "amount": 1 }],
                "first_names_sha256": rules::REDACTED,
            })
        );
        let found: Vec<_> = found
            .iter()
            .map(|(path, hashed)| (path.as_str(), *hashed))
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
    fn hashes_and_other_fields_are_unchanged() {
        let data = json!({
            "email": "ab".repeat(32), "emails_sha256": ["ab".repeat(32)], "phone": null,
            "name": "Mug", "cities": ["Kiel"], "external_id": "x",
        });
        assert_eq!(scrubbed(data.clone()), (data, vec![]));
    }
}
