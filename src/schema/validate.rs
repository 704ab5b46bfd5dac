//! Validates events: what is wrong with a call, and what diagnostics report about it.

use crate::mem::{ThinStr, thin};
use crate::raw_json::RawJson;
use crate::schema::events::{self, DataShape, EVENTS, Field, FieldType};

/// Why a call was rejected, as diagnostics count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// There is no event with this name.
    UnsupportedName,
    /// There is no data.
    MissingData,
    /// The data breaks a rule.
    InvalidData,
    /// Only the options break a rule.
    InvalidOptions,
}

impl RejectReason {
    /// The reason's name on the wire.
    pub const fn as_thin(self) -> ThinStr<'static> {
        match self {
            RejectReason::UnsupportedName => thin!("unsupported_event_name"),
            RejectReason::MissingData => thin!("missing_event_props"),
            RejectReason::InvalidData => thin!("invalid_event_props"),
            RejectReason::InvalidOptions => thin!("invalid_event_options"),
        }
    }
}

/// Where a violation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// The event's name.
    Name,
    /// `data`, or a field of it.
    Data,
    /// The item of `data.contents` with this index, or a field of it.
    Item(usize),
    /// `options`, or a field of it.
    Options,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViolationKind {
    /// There is no event with this name.
    UnknownName,
    /// There is no data.
    NoData,
    /// The field is required.
    Missing,
    /// A `custom` event requires a name.
    CustomNameMissing,
    /// The custom name is empty.
    CustomNameEmpty,
    /// The custom name is too long or has invalid characters.
    InvalidCustomName,
    /// The custom name is the name of a standard event.
    ReservedCustomName,
    /// The custom name is not a string.
    CustomNameNotString,
    /// The value has the wrong type.
    WrongType,
    /// The value is not an integer.
    NotInteger,
    /// The amount is not an integer.
    InvalidAmount,
    /// There is an amount but no currency.
    NoCurrency,
    /// The value is not a string. Diagnostics do not count this.
    NotString,
    /// The value is not an object. Diagnostics do not count this.
    NotObject,
    /// The value is not three letters.
    NotCurrency,
    /// There is no such field.
    UnknownField,
    /// The string is empty.
    Empty,
    /// The `type` is another event's.
    WrongShape,
    /// Only `custom` events have a custom name.
    CustomNameNotAllowed,
}

use ViolationKind::*;

/// A violation: one thing that is wrong with a call.
#[derive(Debug, Clone, Copy)]
pub struct Violation<'a> {
    /// The part of the call.
    pub location: Location,
    /// Its path in diagnostics: `data.contents[].amount`. Empty for an unknown field, and for what diagnostics do not
    /// count.
    pub path: ThinStr<'static>,
    /// The name of the unknown field, as the call has it.
    pub unknown_field: Option<RawJson<'a>>,
    /// What is wrong.
    pub kind: ViolationKind,
    /// The value.
    pub found: RawJson<'a>,
}

impl Violation<'_> {
    /// The violation's code in diagnostics. Some have none.
    pub fn code(&self) -> ThinStr<'static> {
        match self.kind {
            // a name that is not a string has none
            UnknownName if self.found.is_string() => thin!("unknown_event_type"),
            NoData | Missing => thin!("missing_required_field"),
            CustomNameMissing | CustomNameEmpty => thin!("custom_event_name_required"),
            InvalidCustomName | ReservedCustomName => thin!("invalid_custom_event_name"),
            CustomNameNotString | WrongType | NotInteger => thin!("invalid_field_type"),
            InvalidAmount => thin!("invalid_amount"),
            NoCurrency => thin!("missing_currency"),
            _ => thin!(""),
        }
    }

    fn reason(&self) -> RejectReason {
        match self.location {
            Location::Name => RejectReason::UnsupportedName,
            Location::Options => RejectReason::InvalidOptions,
            _ if self.kind == NoData => RejectReason::MissingData,
            _ => RejectReason::InvalidData,
        }
    }
}

/// What diagnostics count a rejected call by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rejection {
    /// The event's name, or `unknown`.
    pub name: ThinStr<'static>,
    /// The name of a [`RejectReason`], or of the reason why a queued event was dropped.
    pub reason: ThinStr<'static>,
    /// The code of the one violation that is counted; empty if none has a code.
    pub code: ThinStr<'static>,
    /// The path of that violation.
    pub path: ThinStr<'static>,
}

/// Validates a call. `Ok` is the event's name in the table.
pub fn validate(
    name: RawJson,
    data: RawJson,
    options: RawJson,
) -> Result<ThinStr<'static>, Rejection> {
    let known_name = events::find_event(name).map_or(thin!("unknown"), |(name, _)| *name);
    let (mut first_reason, mut code, mut path) = (None, thin!(""), thin!(""));
    visit_violations(name, data, options, &mut |violation| {
        let reason = violation.reason();
        let first = *first_reason.get_or_insert(reason);
        let mut counts = code.is_empty() && first == reason;
        // violations of the options come after those of the data; the protocol counts these two all the same
        counts |= first == RejectReason::InvalidData
            && matches!(violation.kind, InvalidCustomName | CustomNameNotString);
        if counts && !violation.code().is_empty() {
            code = violation.code();
            path = violation.path;
        }
    });
    match first_reason {
        None => Ok(known_name),
        Some(reason) => Err(Rejection {
            name: known_name,
            reason: reason.as_thin(),
            code,
            path,
        }),
    }
}

/// The rejection of an event that is too large to be sent.
pub fn too_large(name: ThinStr<'static>) -> Rejection {
    Rejection {
        name,
        reason: RejectReason::InvalidData.as_thin(),
        code: thin!(""),
        path: thin!(""),
    }
}

/// Visits the violations of a call. An unknown name is the only one of its call. Otherwise the violations of the data come
/// first, in the order of the table and then the unknown fields, and those of the options follow.
pub fn visit_violations<'a>(
    name: RawJson<'a>,
    data: RawJson<'a>,
    options: RawJson<'a>,
    report: &mut dyn FnMut(&Violation<'a>),
) {
    let mut validator = Validator {
        report,
        shape: DataShape::Custom,
        has_currency: false,
        location: Location::Name,
    };
    let Some((_, shape)) = events::find_event(name) else {
        let is_empty = name.is_string() && !name.is_non_empty_str();
        let kind = if is_empty { Empty } else { UnknownName };
        return validator.add(thin!("type"), kind, name);
    };
    validator.shape = *shape;
    validator.location = Location::Data;
    if data.is_object() {
        validator.check_fields(data, shape.fields());
    } else {
        let kind = if data.is_nullish() { NoData } else { WrongType };
        validator.add(thin!("data"), kind, data);
    }
    validator.location = Location::Options;
    if options.is_object() || options.is_nullish() {
        validator.check_fields(options, &events::OPTION_FIELDS);
    } else {
        validator.add(thin!(""), NotObject, options);
    }
}

/// The state of a validation.
struct Validator<'a, 'r> {
    report: &'r mut dyn FnMut(&Violation<'a>),
    shape: DataShape,
    /// The event has a currency, which applies to its items.
    has_currency: bool,
    location: Location,
}

impl<'a> Validator<'a, '_> {
    fn add(&mut self, path: ThinStr<'static>, kind: ViolationKind, found: RawJson<'a>) {
        self.add_unknown(path, kind, found, None);
    }

    fn add_unknown(
        &mut self,
        path: ThinStr<'static>,
        kind: ViolationKind,
        found: RawJson<'a>,
        unknown_field: Option<RawJson<'a>>,
    ) {
        (self.report)(&Violation {
            location: self.location,
            path,
            unknown_field,
            kind,
            found,
        });
    }

    fn check_fields(&mut self, object: RawJson<'a>, fields: &'static [Field]) {
        for field in fields {
            let found = object.get(field.name);
            if let Some(kind) = self.violation_of(field.field_type, found, object) {
                self.add(field.path, kind, found);
            } else if field.field_type == FieldType::Contents {
                self.check_items(found);
            }
        }
        let mut next = object.first_child();
        while let Some(name) = next {
            if !fields.iter().any(|field| name.is_str(field.name)) {
                self.add_unknown(
                    thin!(""),
                    UnknownField,
                    name.next_or_undefined(),
                    Some(name),
                );
            }
            next = name.next_or_undefined().next_sibling();
        }
    }

    fn check_items(&mut self, contents: RawJson<'a>) {
        let mut next = contents.first_child();
        let mut place = 0;
        while let Some(item) = next {
            self.location = Location::Item(place);
            if item.is_object() {
                self.check_fields(item, &events::ITEM_FIELDS);
            } else {
                self.add(thin!(""), NotObject, item);
            }
            place += 1;
            next = item.next_sibling();
        }
        self.location = Location::Data;
    }

    /// What is wrong with the value of a field.
    fn violation_of(
        &mut self,
        field_type: FieldType,
        found: RawJson,
        object: RawJson,
    ) -> Option<ViolationKind> {
        let is_custom = self.shape == DataShape::Custom;
        if !found.is_defined() {
            return match field_type {
                FieldType::Type => Some(Missing),
                FieldType::CustomName if is_custom => Some(CustomNameMissing),
                FieldType::Currency
                    if !self.has_currency && object.get(thin!("amount")).is_defined() =>
                {
                    Some(NoCurrency)
                }
                _ => None,
            };
        }
        if field_type == FieldType::Currency && self.location == Location::Data {
            self.has_currency = true;
        }
        let (is_right_type, kind) = match field_type {
            FieldType::Amount => (found.is_integer(), InvalidAmount),
            FieldType::Quantity => (found.is_integer(), NotInteger),
            FieldType::Contents => (found.is_array(), WrongType),
            FieldType::Bool => (found.is_bool(), WrongType),
            FieldType::String => (found.is_string(), NotString),
            FieldType::CustomName => (found.is_string(), CustomNameNotString),
            _ => (found.is_string(), WrongType),
        };
        if !is_right_type {
            return Some(kind);
        }
        match field_type {
            FieldType::Type if !found.is_str(self.shape.name()) => Some(WrongShape),
            FieldType::Currency if !is_currency(found.str_contents()) => Some(NotCurrency),
            FieldType::String | FieldType::ContentType if !found.is_non_empty_str() => Some(Empty),
            FieldType::CustomName if !is_custom => Some(CustomNameNotAllowed),
            FieldType::CustomName => custom_name_violation(found),
            _ => None,
        }
    }
}

/// Whether a string is three letters.
fn is_currency(code: ThinStr) -> bool {
    let mut at = code;
    while at.first_byte().is_ascii_alphabetic() {
        at = at.advance();
    }
    at.offset_from(code) == 3 && at.first_byte() == b'"'
}

/// What is wrong with a custom name. Lowercased, it has 1 to 64 characters of `a-z 0-9 _ -`, starts and ends with a letter
/// or digit, and is not the name of a standard event.
fn custom_name_violation(found: RawJson) -> Option<ViolationKind> {
    let name = found.str_contents();
    if !found.is_non_empty_str() {
        return Some(CustomNameEmpty);
    }
    // the last one in the table is `custom` itself, which is not a standard event
    for (known, _) in &EVENTS[..EVENTS.len() - 1] {
        let mut at = name;
        let mut known = *known;
        while !known.is_empty() && at.first_byte().eq_ignore_ascii_case(&known.first_byte()) {
            at = at.advance();
            known = known.advance();
        }
        if known.is_empty() && at.first_byte() == b'"' {
            return Some(ReservedCustomName);
        }
    }
    let mut at = name;
    let mut last = b'_';
    loop {
        let byte = at.first_byte();
        let is_inner = matches!(byte, b'_' | b'-');
        if !byte.is_ascii_alphanumeric() && (!is_inner || at.offset_from(name) == 0) {
            break;
        }
        last = byte;
        at = at.advance();
    }
    if at.first_byte() == b'"' && at.offset_from(name) <= 64 && last.is_ascii_alphanumeric() {
        None
    } else {
        Some(InvalidCustomName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::ThinString;
    use proptest::prelude::*;

    fn arguments(call: &ThinString) -> [RawJson<'_>; 3] {
        let name = RawJson::new(call.as_thin())
            .first_child()
            .unwrap_or(RawJson::UNDEFINED);
        let data = name.next_or_undefined();
        [name, data, data.next_or_undefined()]
    }

    fn checked(call: &str) -> Result<ThinStr<'static>, Rejection> {
        let call = ThinString::from(call);
        let [name, data, options] = arguments(&call);
        validate(name, data, options)
    }

    /// `event reason code path`, as diagnostics have it.
    fn outcome(call: &str) -> String {
        match checked(call) {
            Ok(name) => format!("{} measured", name.as_str()),
            Err(rejection) => {
                let Rejection {
                    name,
                    reason,
                    code,
                    path,
                } = rejection;
                let [name, reason, code, path] = [name, reason, code, path].map(ThinStr::as_str);
                let or_dash = |text: &'static str| if text.is_empty() { "-" } else { text };
                format!("{name} {reason} {} {}", or_dash(code), or_dash(path))
            }
        }
    }

    #[test]
    fn violation_reports_reason_code_and_field() {
        for (call, expected) in [
            (
                r#"["order_created",{"type":"contents"}]"#,
                "order_created measured",
            ),
            (
                r#"["order_created",{"type":"contents"},null]"#,
                "order_created measured",
            ),
            (
                r#"["order_created",{"type":"contents","amount":u,"contents":u}]"#,
                "order_created measured",
            ),
            (
                r#"["trial_started",{"type":"plan_enrollment","plan_id":"p","contents":[]}]"#,
                "trial_started measured",
            ),
            (
                r#"["custom",{"type":"custom"},{"custom_event_name":"Quote_Requested-2"}]"#,
                "custom measured",
            ),
            (
                r#"["purchase",{}]"#,
                "unknown unsupported_event_name unknown_event_type type",
            ),
            (r#"["",{}]"#, "unknown unsupported_event_name - -"),
            (r#"[]"#, "unknown unsupported_event_name - -"),
            (r#"[null,{}]"#, "unknown unsupported_event_name - -"),
            (r#"[true,{}]"#, "unknown unsupported_event_name - -"),
            (r#"[7,{}]"#, "unknown unsupported_event_name - -"),
            (r#"[{},{}]"#, "unknown unsupported_event_name - -"),
            (r#"[["a"],{}]"#, "unknown unsupported_event_name - -"),
            (
                r#"["app_installed",{}]"#,
                "unknown unsupported_event_name unknown_event_type type",
            ),
            (
                r#"["order_created"]"#,
                "order_created missing_event_props missing_required_field data",
            ),
            (
                r#"["order_created",null,{"opt_out":1}]"#,
                "order_created missing_event_props missing_required_field data",
            ),
            (
                r#"["order_created","x"]"#,
                "order_created invalid_event_props invalid_field_type data",
            ),
            (
                r#"["order_created",[]]"#,
                "order_created invalid_event_props invalid_field_type data",
            ),
            (
                r#"["order_created",{}]"#,
                "order_created invalid_event_props missing_required_field data.type",
            ),
            (
                r#"["order_created",{"type":u}]"#,
                "order_created invalid_event_props missing_required_field data.type",
            ),
            (
                r#"["order_created",{"type":5}]"#,
                "order_created invalid_event_props invalid_field_type data.type",
            ),
            (
                r#"["order_created",{"type":"custom"}]"#,
                "order_created invalid_event_props - -",
            ),
            (
                r#"["order_created",{"type":"contents","plan_id":"p"}]"#,
                "order_created invalid_event_props - -",
            ),
            (
                r#"["order_created",{"type":"contents","plan_id":u}]"#,
                "order_created invalid_event_props - -",
            ),
            (
                r#"["lead_created",{"type":"customer_action","contents":[]}]"#,
                "lead_created invalid_event_props - -",
            ),
            (
                r#"["trial_started",{"type":"plan_enrollment","plan_id":""}]"#,
                "trial_started invalid_event_props - -",
            ),
            (
                r#"["trial_started",{"type":"plan_enrollment","plan_id":5}]"#,
                "trial_started invalid_event_props - -",
            ),
            (
                r#"["order_created",{"type":"contents","amount":25.99,"currency":"USD"}]"#,
                "order_created invalid_event_props invalid_amount data.amount",
            ),
            (
                r#"["order_created",{"type":"contents","amount":x"NaN","currency":"USD"}]"#,
                "order_created invalid_event_props invalid_amount data.amount",
            ),
            (
                r#"["order_created",{"type":"contents","amount":null}]"#,
                "order_created invalid_event_props invalid_amount data.amount",
            ),
            (
                r#"["order_created",{"type":"contents","amount":2599}]"#,
                "order_created invalid_event_props missing_currency data.currency",
            ),
            (
                r#"["order_created",{"type":"contents","currency":"DOLLARS"}]"#,
                "order_created invalid_event_props - -",
            ),
            (
                r#"["order_created",{"type":"contents","currency":5}]"#,
                "order_created invalid_event_props invalid_field_type data.currency",
            ),
            (
                r#"["order_created",{"type":"contents","contents":{}}]"#,
                "order_created invalid_event_props invalid_field_type data.contents",
            ),
            (
                r#"["order_created",{"type":"contents","contents":["sku"]}]"#,
                "order_created invalid_event_props - -",
            ),
            (
                r#"["order_created",{"type":"contents","contents":[{"content_type":5,"quantity":1.5}]}]"#,
                "order_created invalid_event_props invalid_field_type data.contents[].content_type",
            ),
            (
                r#"["order_created",{"type":"contents","contents":[{"quantity":"1"}]}]"#,
                "order_created invalid_event_props invalid_field_type data.contents[].quantity",
            ),
            (
                r#"["order_created",{"type":"contents","contents":[{"id":5}]}]"#,
                "order_created invalid_event_props - -",
            ),
            (
                r#"["order_created",{"type":"contents","contents":[{"id":"a","amount":100}]}]"#,
                "order_created invalid_event_props missing_currency data.contents[].currency",
            ),
            (
                r#"["order_created",{"type":"contents","currency":"eur","contents":[{"id":"a","amount":100}]}]"#,
                "order_created measured",
            ),
            (
                r#"["order_created",{"type":"contents","contents":[{"sku":1}]}]"#,
                "order_created invalid_event_props - -",
            ),
            (
                r#"["order_created",{"type":"contents","contents":[{"sku":1},{"amount":0.5}]}]"#,
                "order_created invalid_event_props invalid_amount data.contents[].amount",
            ),
            (
                r#"["order_created",{"type":"contents"},"x"]"#,
                "order_created invalid_event_options - -",
            ),
            (
                r#"["order_created",{"type":"contents"},{"transaction_id":"1"}]"#,
                "order_created invalid_event_options - -",
            ),
            (
                r#"["order_created",{"type":"contents"},{"event_id":""}]"#,
                "order_created invalid_event_options - -",
            ),
            (
                r#"["order_created",{"type":"contents"},{"opt_out":"yes"}]"#,
                "order_created invalid_event_options invalid_field_type opt_out",
            ),
            (
                r#"["order_created",{"type":"contents"},{"custom_event_name":"x"}]"#,
                "order_created invalid_event_options - -",
            ),
            (
                r#"["custom",{"type":"custom"}]"#,
                "custom invalid_event_options custom_event_name_required custom_event_name",
            ),
            (
                r#"["custom",{"type":"custom"},{"custom_event_name":""}]"#,
                "custom invalid_event_options custom_event_name_required custom_event_name",
            ),
            (
                r#"["custom",{"type":"custom"},{"custom_event_name":5}]"#,
                "custom invalid_event_options invalid_field_type custom_event_name",
            ),
            (
                r#"["custom",{"type":"custom"},{"custom_event_name":"-a b-","opt_out":1}]"#,
                "custom invalid_event_options invalid_custom_event_name custom_event_name",
            ),
            (
                r#"["custom",{"type":"custom"},{"custom_event_name":"Order_Created"}]"#,
                "custom invalid_event_options invalid_custom_event_name custom_event_name",
            ),
        ] {
            assert_eq!(outcome(call), expected, "{call}");
        }
    }

    #[test]
    fn one_violation_of_data_and_options_is_counted() {
        for (options, detail) in [
            (
                r#"{"custom_event_name":5}"#,
                "invalid_field_type custom_event_name",
            ),
            (
                r#"{"custom_event_name":"a b"}"#,
                "invalid_custom_event_name custom_event_name",
            ),
            (r#"{"custom_event_name":""}"#, "invalid_amount data.amount"),
            (
                r#"{"custom_event_name":"lead_created"}"#,
                "invalid_amount data.amount",
            ),
            (r#"{"opt_out":1}"#, "invalid_amount data.amount"),
            ("u", "invalid_amount data.amount"),
        ] {
            let call = format!(r#"["custom",{{"type":"custom","amount":0.5}},{options}]"#);
            assert_eq!(
                outcome(&call),
                format!("custom invalid_event_props {detail}"),
                "{options}"
            );
        }
    }

    #[test]
    fn custom_name_has_at_most_64_characters() {
        let call = |length| {
            format!(
                r#"["custom",{{"type":"custom"}},{{"custom_event_name":"{}"}}]"#,
                "a".repeat(length)
            )
        };
        assert!(checked(&call(64)).is_ok());
        assert!(checked(&call(65)).is_err());
    }

    /// Calls that are nearly valid: with the names of the table, and values of all types.
    fn call() -> impl Strategy<Value = String> {
        let value = prop_oneof![
            Just("u".to_string()),
            Just("null".to_string()),
            Just("1".to_string()),
            Just("1.5".to_string()),
            Just("\"USD\"".to_string()),
            Just("\"contents\"".to_string()),
            Just("\"\"".to_string()),
            Just("x\"symbol\"".to_string()),
            Just("[]".to_string()),
            Just("{}".to_string()),
        ];
        let key = prop::sample::select(vec![
            "type",
            "amount",
            "currency",
            "contents",
            "plan_id",
            "opt_out",
            "event_id",
            "custom_event_name",
            "__proto__",
            "sku",
        ]);
        let object = prop::collection::vec((key, value.clone()), 0..5).prop_map(|fields| {
            let fields: Vec<_> = fields
                .into_iter()
                .map(|(key, value)| format!("\"{key}\":{value}"))
                .collect();
            format!("{{{}}}", fields.join(","))
        });
        let any = prop_oneof![
            object.clone(),
            value.clone(),
            object
                .clone()
                .prop_map(|item| format!(r#"{{"type":"contents","contents":[{item}]}}"#))
        ];
        let name = prop_oneof![
            prop::sample::select(
                EVENTS
                    .iter()
                    .map(|(name, _)| format!("\"{}\"", name.as_str()))
                    .collect::<Vec<_>>()
            ),
            value
        ];
        (name, any.clone(), any)
            .prop_map(|(name, data, options)| format!("[{name},{data},{options}]"))
    }

    proptest! {
        #[test]
        fn call_is_measured_or_rejected_for_a_named_reason(call in call()) {
            let mut violations = 0;
            let text = ThinString::from(call.as_str());
            let [name, data, options] = arguments(&text);
            visit_violations(name, data, options, &mut |_| violations += 1);
            match checked(&call) {
                Ok(_) => prop_assert_eq!(violations, 0),
                Err(rejection) => {
                    prop_assert!(violations > 0);
                    prop_assert!(!rejection.reason.is_empty());
                }
            }
        }
    }
}
