//! What the API calls each fault, for a program.

use super::{data, event, user};
use crate::store::record::Violation;

/// The code that the API answers a fault with: `missing_event_data_type`. It is made of known names alone.
pub fn code(violation: &Violation) -> String {
    if let Some(code) = violation.api_code {
        return code.to_owned();
    }
    // `data.contents[1].amount` has the code of `data.contents.amount`
    let path: String = violation
        .field
        .split(['[', ']'])
        .step_by(2)
        .collect::<Vec<_>>()
        .concat();
    let names: Vec<&str> = path.split('.').collect();
    let known = match names[..] {
        ["event"] => return "invalid_event".to_owned(),
        [field] if event::FIELDS.contains(&field) => names,
        ["user", field] if user::is_field(field) => names,
        ["data", field] if data::CUSTOM.contains(&field) => names,
        ["data", "contents", field] if data::ITEM.contains(&field) => names,
        ["data", "contents", "variant_dict", ..] => names[..3].to_vec(),
        _ => return "unknown_event_field".to_owned(),
    };
    let problem = match violation.given.as_str() {
        "not there" => "missing",
        _ => "invalid",
    };
    format!("{problem}_event_{}", known.join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(field: &str, given: &str) -> String {
        code(&Violation::new(field, given, "another"))
    }

    #[test]
    fn a_code_tells_what_is_missing_and_what_is_invalid() {
        for (field, given, expected) in [
            ("event", "not an object", "invalid_event"),
            ("data.type", "not there", "missing_event_data_type"),
            ("id", "not there", "missing_event_id"),
            ("type", "\"purchase\"", "invalid_event_type"),
            (
                "data.contents[17].currency",
                "not there",
                "missing_event_data_contents_currency",
            ),
            (
                "data.contents[0].variant_dict.a.b",
                "1",
                "invalid_event_data_contents_variant_dict",
            ),
            (
                "user.emails_sha256[1]",
                "(not shown)",
                "invalid_event_user_emails_sha256",
            ),
            (
                "user.email_sha256",
                "(not shown)",
                "invalid_event_user_email_sha256",
            ),
        ] {
            assert_eq!(of(field, given), expected, "{field}");
        }
    }

    #[test]
    fn a_name_that_nobody_knows_is_never_part_of_a_code() {
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
            assert_eq!(of(field, "1"), "unknown_event_field", "{field}");
        }
    }

    #[test]
    fn a_fault_may_bring_its_own_code() {
        let violation = Violation {
            api_code: Some("event_timestamp_too_old"),
            ..Violation::new("timestamp_ms", "1", "newer")
        };
        assert_eq!(code(&violation), "event_timestamp_too_old");
    }
}
