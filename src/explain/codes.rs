//! A stable code for each kind of violation, so that no program has to match the words of a message.

use crate::schema::validate::ViolationKind;

/// The code of an event that is larger than the endpoint accepts. No field is wrong with it.
pub const TOO_LARGE: &str = "event_too_large";

impl ViolationKind {
    /// Every kind of violation.
    pub const ALL: [ViolationKind; 19] = [
        ViolationKind::UnknownName,
        ViolationKind::NoData,
        ViolationKind::Missing,
        ViolationKind::CustomNameMissing,
        ViolationKind::CustomNameEmpty,
        ViolationKind::InvalidCustomName,
        ViolationKind::ReservedCustomName,
        ViolationKind::CustomNameNotString,
        ViolationKind::WrongType,
        ViolationKind::NotInteger,
        ViolationKind::InvalidAmount,
        ViolationKind::NoCurrency,
        ViolationKind::NotString,
        ViolationKind::NotObject,
        ViolationKind::NotCurrency,
        ViolationKind::UnknownField,
        ViolationKind::Empty,
        ViolationKind::WrongShape,
        ViolationKind::CustomNameNotAllowed,
    ];

    /// Its code, as the debug console and `/events.json` of the collector carry it. Codes never change their meaning.
    pub const fn code(self) -> &'static str {
        match self {
            ViolationKind::UnknownName => "unknown_event_name",
            ViolationKind::NoData => "missing_data",
            ViolationKind::Missing => "missing_field",
            ViolationKind::CustomNameMissing => "missing_custom_event_name",
            ViolationKind::CustomNameEmpty => "empty_custom_event_name",
            ViolationKind::InvalidCustomName => "invalid_custom_event_name",
            ViolationKind::ReservedCustomName => "reserved_custom_event_name",
            ViolationKind::CustomNameNotString => "custom_event_name_not_string",
            ViolationKind::WrongType => "wrong_type",
            ViolationKind::NotInteger => "not_integer",
            ViolationKind::InvalidAmount => "amount_not_integer",
            ViolationKind::NoCurrency => "missing_currency",
            ViolationKind::NotString => "not_string",
            ViolationKind::NotObject => "not_object",
            ViolationKind::NotCurrency => "invalid_currency",
            ViolationKind::UnknownField => "unknown_field",
            ViolationKind::Empty => "empty_string",
            ViolationKind::WrongShape => "wrong_shape",
            ViolationKind::CustomNameNotAllowed => "custom_event_name_not_allowed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_kind_of_violation_has_a_code_of_its_own() {
        let codes: HashSet<_> = ViolationKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), ViolationKind::ALL.len());
        assert!(!codes.contains(TOO_LARGE));
    }
}
