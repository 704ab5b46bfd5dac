//! The error codes of violations.

use super::{data, event_fields, user_fields};
use crate::remarks::Violation;
use crate::rules;

/// The error code of a violation, such as `missing_event_data_type`. It consists of known field names only.
pub fn code(violation: &Violation) -> String {
    if let Some(code) = violation.api_code {
        return code.to_owned();
    }
    // Without indexes: `data.contents[1].amount` has the code of `data.contents.amount`.
    let path: String = violation
        .field
        .split(['[', ']'])
        .step_by(2)
        .collect::<Vec<_>>()
        .concat();
    let names: Vec<&str> = path.split('.').collect();
    let known = match names[..] {
        ["event"] => return "invalid_event".to_owned(),
        [field] if event_fields::FIELDS.contains(&field) => names,
        ["user", field] if user_fields::is_field(field) => names,
        ["data", field] if data::CUSTOM.contains(&field) => names,
        ["data", "contents", field] if data::ITEM.contains(&field) => names,
        ["data", "contents", "variant_dict", ..] => names[..3].to_vec(),
        _ => return "unknown_event_field".to_owned(),
    };
    let problem = match violation.given.as_str() {
        rules::MISSING => "missing",
        _ => "invalid",
    };
    format!("{problem}_event_{}", known.join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(field: &str, given: &str) -> String {
        code(&Violation::new(field, given, "another"))
    }

    #[test]
    fn code_distinguishes_missing_and_invalid_fields() {
        for (field, given, expected) in [
            ("event", "not an object", "invalid_event"),
            ("data.type", "missing", "missing_event_data_type"),
            ("id", "missing", "missing_event_id"),
            ("type", "\"purchase\"", "invalid_event_type"),
            (
                "data.contents[17].currency",
                "missing",
                "missing_event_data_contents_currency",
            ),
            (
                "data.contents[0].variant_dict.a.b",
                "1",
                "invalid_event_data_contents_variant_dict",
            ),
            (
                "user.emails_sha256[1]",
                "(redacted)",
                "invalid_event_user_emails_sha256",
            ),
            (
                "user.email_sha256",
                "(redacted)",
                "invalid_event_user_email_sha256",
            ),
        ] {
            assert_eq!(code_of(field, given), expected, "{field}");
        }
    }

    #[test]
    fn unknown_name_is_never_part_of_a_code() {
        for field in [
            "shop",
            "user.mail",
            "data.sku",
            "data.contents[0].x",
            "a.b.c.d",
            "",
            "[",
            "]][.",
        ] {
            assert_eq!(code_of(field, "1"), "unknown_event_field", "{field}");
        }
    }

    #[test]
    fn violation_with_its_own_code_keeps_it() {
        let violation = Violation {
            api_code: Some("event_timestamp_too_old"),
            ..Violation::new("timestamp_ms", "1", "newer")
        };
        assert_eq!(code(&violation), "event_timestamp_too_old");
    }
}
