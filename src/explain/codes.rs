//! A stable code for each kind of violation, so that no program has to match the words of a message.

use crate::schema::validate::Problem;

/// The code of an event that is larger than the endpoint accepts. No field is wrong with it.
pub const TOO_LARGE: &str = "event_too_large";

impl Problem {
    /// Every kind of violation.
    pub const ALL: [Problem; 19] = [
        Problem::UnknownName,
        Problem::NoData,
        Problem::Missing,
        Problem::CustomNameMissing,
        Problem::CustomNameEmpty,
        Problem::InvalidCustomName,
        Problem::ReservedCustomName,
        Problem::CustomNameNotText,
        Problem::WrongType,
        Problem::NotInteger,
        Problem::InvalidAmount,
        Problem::NoCurrency,
        Problem::NotText,
        Problem::NotObject,
        Problem::NotCurrency,
        Problem::UnknownField,
        Problem::Empty,
        Problem::OtherShape,
        Problem::CustomNameNotAllowed,
    ];

    /// Its code, as the debug console and `/events.json` of the collector carry it. Codes never change their meaning.
    pub const fn code(self) -> &'static str {
        match self {
            Problem::UnknownName => "unknown_event_name",
            Problem::NoData => "missing_data",
            Problem::Missing => "missing_field",
            Problem::CustomNameMissing => "missing_custom_event_name",
            Problem::CustomNameEmpty => "empty_custom_event_name",
            Problem::InvalidCustomName => "invalid_custom_event_name",
            Problem::ReservedCustomName => "reserved_custom_event_name",
            Problem::CustomNameNotText => "custom_event_name_not_string",
            Problem::WrongType => "wrong_type",
            Problem::NotInteger => "not_integer",
            Problem::InvalidAmount => "amount_not_integer",
            Problem::NoCurrency => "missing_currency",
            Problem::NotText => "not_string",
            Problem::NotObject => "not_object",
            Problem::NotCurrency => "invalid_currency",
            Problem::UnknownField => "unknown_field",
            Problem::Empty => "empty_string",
            Problem::OtherShape => "wrong_shape",
            Problem::CustomNameNotAllowed => "custom_event_name_not_allowed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_kind_of_violation_has_a_code_of_its_own() {
        let codes: HashSet<_> = Problem::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), Problem::ALL.len());
        assert!(!codes.contains(TOO_LARGE));
    }
}
