//! The rules of an event: what is wrong with a call, and what is told of it.

use crate::mem::thin_str::{Text, t};
use crate::raw_json::{Value, kind};
use crate::schema::events::{self, EVENTS, Field, Holds, Shape};

/// Why a call was refused, as diagnostics count it.
pub mod reason {
    use crate::mem::thin_str::{Text, t};

    /// The name is no event.
    pub static UNSUPPORTED_NAME: Text = t!("unsupported_event_name");
    /// There is no data.
    pub static MISSING_PROPS: Text = t!("missing_event_props");
    /// The data breaks a rule.
    pub static INVALID_PROPS: Text = t!("invalid_event_props");
    /// Only the options break one.
    pub static INVALID_OPTIONS: Text = t!("invalid_event_options");
}

/// Which part of a call a fault is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The event's name.
    Name,
    /// `data`, or a field of it.
    Data,
    /// `data.contents[]` at this place, or a field of it.
    Item(usize),
    /// `options`, or a field of it.
    Options,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// No event has this name.
    UnknownName,
    /// There is no data.
    NoData,
    /// It must be there.
    Missing,
    /// A `custom` event must have a name of its own.
    CustomNameMissing,
    /// That name is empty.
    CustomNameEmpty,
    /// That name has other characters than it may have, or too many.
    InvalidCustomName,
    /// That name is a standard event's.
    ReservedCustomName,
    /// That name is no string.
    CustomNameNotText,
    /// It has another type than it must have.
    WrongType,
    /// It is no whole number.
    NotInteger,
    /// It is an amount, and no whole number.
    InvalidAmount,
    /// There is an amount, but no currency to read it in.
    NoCurrency,
    /// It is no string, which diagnostics do not tell of.
    NotText,
    /// It is no object, which diagnostics do not tell of.
    NotObject,
    /// It is not three letters.
    NotCurrency,
    /// No such field is allowed here.
    UnknownField,
    /// It is an empty string.
    Empty,
    /// It is a `type`, but not this event's.
    OtherShape,
    /// Only `custom` takes a custom name.
    CustomNameNotAllowed,
}

use Problem::*;

/// One thing that is wrong with a call.
#[derive(Debug, Clone, Copy)]
pub struct Fault<'a> {
    /// The part of the call.
    pub part: Part,
    /// Where it is, as diagnostics name it: `data.contents[].amount`. Empty for a field that is none of the table's,
    /// and for what diagnostics do not tell of.
    pub path: Text<'static>,
    /// The field that is none of the table's, by its name in the call.
    pub unknown: Option<Value<'a>>,
    /// What is wrong with it.
    pub problem: Problem,
    /// What was found there.
    pub given: Value<'a>,
}

impl Fault<'_> {
    /// The code that diagnostics give the fault. Some faults have none.
    pub fn code(&self) -> Text<'static> {
        match self.problem {
            // a name that is not a string has none
            UnknownName if self.given.kind() == kind::STRING => t!("unknown_event_type"),
            NoData | Missing => t!("missing_required_field"),
            CustomNameMissing | CustomNameEmpty => t!("custom_event_name_required"),
            InvalidCustomName | ReservedCustomName => t!("invalid_custom_event_name"),
            CustomNameNotText | WrongType | NotInteger => t!("invalid_field_type"),
            InvalidAmount => t!("invalid_amount"),
            NoCurrency => t!("missing_currency"),
            _ => t!(""),
        }
    }

    fn reason(&self) -> Text<'static> {
        match self.part {
            Part::Name => reason::UNSUPPORTED_NAME,
            Part::Options => reason::INVALID_OPTIONS,
            _ if self.problem == NoData => reason::MISSING_PROPS,
            _ => reason::INVALID_PROPS,
        }
    }
}

/// What diagnostics count a refused call under.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refusal {
    /// The event's name, or `unknown`.
    pub name: Text<'static>,
    /// One of [`reason`].
    pub reason: Text<'static>,
    /// Code of the fault that stands for all; empty if none has a code.
    pub code: Text<'static>,
    /// Where that fault is.
    pub path: Text<'static>,
}

/// Checks a call. `Ok` is the table's own copy of the event's name.
pub fn validate(name: Value, data: Value, options: Value) -> Result<Text<'static>, Refusal> {
    let mut refusal = Refusal {
        name: events::find(name).map_or(t!("unknown"), |(name, _)| *name),
        reason: t!(""),
        code: t!(""),
        path: t!(""),
    };
    each_fault(name, data, options, &mut |fault| {
        let reason = fault.reason();
        if refusal.reason.is_empty() {
            refusal.reason = reason;
        }
        let mut tells = refusal.code.is_empty() && refusal.reason == reason;
        // of the faults of the options, which come after those of the data, these two are told all the same
        tells |= refusal.reason == reason::INVALID_PROPS
            && matches!(fault.problem, InvalidCustomName | CustomNameNotText);
        if tells && !fault.code().is_empty() {
            refusal.code = fault.code();
            refusal.path = fault.path;
        }
    });
    if refusal.reason.is_empty() {
        Ok(refusal.name)
    } else {
        Err(refusal)
    }
}

/// The refusal of an event that is too large to be sent.
pub fn too_large(name: Text<'static>) -> Refusal {
    Refusal {
        name,
        reason: reason::INVALID_PROPS,
        code: t!(""),
        path: t!(""),
    }
}

/// Visits each fault of a call: the name's alone if that is no event, else those of the data in the order in
/// which one of them is told (that of the table, then fields that are not in it), then those of the options.
pub fn each_fault<'a>(
    name: Value<'a>,
    data: Value<'a>,
    options: Value<'a>,
    report: &mut dyn FnMut(&Fault<'a>),
) {
    let mut check = Check {
        report,
        shape: Shape::Custom,
        has_currency: false,
        part: Part::Name,
    };
    let Some((_, shape)) = events::find(name) else {
        let is_empty = name.kind() == kind::STRING && !name.says_something();
        let problem = if is_empty { Empty } else { UnknownName };
        return check.fault(t!("type"), problem, name);
    };
    check.shape = *shape;
    check.part = Part::Data;
    match data.kind() {
        kind::UNDEFINED | kind::NULL => check.fault(t!("data"), NoData, data),
        kind::OBJECT => check.fields(data, shape.fields()),
        _ => check.fault(t!("data"), WrongType, data),
    }
    check.part = Part::Options;
    match options.kind() {
        kind::UNDEFINED | kind::NULL | kind::OBJECT => check.fields(options, &events::OPTIONS),
        _ => check.fault(t!(""), NotObject, options),
    }
}

/// The part of the call that is looked at, and who wants to know.
struct Check<'a, 'r> {
    report: &'r mut dyn FnMut(&Fault<'a>),
    shape: Shape,
    /// The event has a currency, which its items inherit.
    has_currency: bool,
    part: Part,
}

impl<'a> Check<'a, '_> {
    fn fault(&mut self, path: Text<'static>, problem: Problem, given: Value<'a>) {
        self.report(path, problem, given, None);
    }

    fn report(
        &mut self,
        path: Text<'static>,
        problem: Problem,
        given: Value<'a>,
        unknown: Option<Value<'a>>,
    ) {
        (self.report)(&Fault {
            part: self.part,
            path,
            unknown,
            problem,
            given,
        });
    }

    fn fields(&mut self, object: Value<'a>, fields: &'static [Field]) {
        for field in fields {
            let given = object.get(field.name());
            if let Some(problem) = self.problem(field.holds, given, object) {
                self.fault(field.path, problem, given);
            } else if field.holds == Holds::Contents {
                self.items(given);
            }
        }
        let mut next = object.first();
        while let Some(name) = next {
            if !fields.iter().any(|field| name.is(field.name())) {
                self.report(t!(""), UnknownField, name.value(), Some(name));
            }
            next = name.value().next();
        }
    }

    fn items(&mut self, contents: Value<'a>) {
        let mut next = contents.first();
        let mut place = 0;
        while let Some(item) = next {
            self.part = Part::Item(place);
            if item.kind() == kind::OBJECT {
                self.fields(item, &events::ITEM);
            } else {
                self.fault(t!(""), NotObject, item);
            }
            place += 1;
            next = item.next();
        }
        self.part = Part::Data;
    }

    /// What is wrong with a field's value.
    fn problem(&mut self, holds: Holds, given: Value, object: Value) -> Option<Problem> {
        let is_custom = self.shape == Shape::Custom;
        if !given.is_given() {
            return match holds {
                Holds::Type => Some(Missing),
                Holds::CustomName if is_custom => Some(CustomNameMissing),
                Holds::Currency if !self.has_currency && object.get(t!("amount")).is_given() => {
                    Some(NoCurrency)
                }
                _ => None,
            };
        }
        if holds == Holds::Currency && self.part == Part::Data {
            self.has_currency = true;
        }
        let (is_right_type, problem) = match holds {
            Holds::Amount => (given.is_integer(), InvalidAmount),
            Holds::Quantity => (given.is_integer(), NotInteger),
            Holds::Contents => (given.kind() == kind::ARRAY, WrongType),
            Holds::Flag => (matches!(given.kind(), kind::TRUE | kind::FALSE), WrongType),
            Holds::Text => (given.kind() == kind::STRING, NotText),
            Holds::CustomName => (given.kind() == kind::STRING, CustomNameNotText),
            _ => (given.kind() == kind::STRING, WrongType),
        };
        if !is_right_type {
            return Some(problem);
        }
        match holds {
            Holds::Type if !given.is(self.shape.name()) => Some(OtherShape),
            Holds::Currency if !is_currency(given.string()) => Some(NotCurrency),
            Holds::Text | Holds::ContentType if !given.says_something() => Some(Empty),
            Holds::CustomName if !is_custom => Some(CustomNameNotAllowed),
            Holds::CustomName => custom_name_problem(given),
            _ => None,
        }
    }
}

/// Three letters, and no more.
fn is_currency(code: Text) -> bool {
    let mut at = code;
    while at.byte().is_ascii_alphabetic() {
        at = at.after(1);
    }
    at.behind(code) == 3 && at.byte() == b'"'
}

/// Lowercased, a custom name has 1 to 64 of `a-z 0-9 _ -`, begins and ends with a letter or digit, and is no
/// standard event's.
fn custom_name_problem(given: Value) -> Option<Problem> {
    let name = given.string();
    if !given.says_something() {
        return Some(CustomNameEmpty);
    }
    // the last of the table is `custom` itself, which is no standard event
    for (known, _) in &EVENTS[..EVENTS.len() - 1] {
        let mut at = name;
        let mut known = *known;
        while !known.is_empty() && at.byte().eq_ignore_ascii_case(&known.byte()) {
            at = at.after(1);
            known = known.after(1);
        }
        if known.is_empty() && at.byte() == b'"' {
            return Some(ReservedCustomName);
        }
    }
    let mut at = name;
    let mut last = b'_';
    loop {
        let byte = at.byte();
        let is_inner = matches!(byte, b'_' | b'-');
        if !byte.is_ascii_alphanumeric() && (!is_inner || at.behind(name) == 0) {
            break;
        }
        last = byte;
        at = at.after(1);
    }
    if at.byte() == b'"' && at.behind(name) <= 64 && last.is_ascii_alphanumeric() {
        None
    } else {
        Some(InvalidCustomName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::thin_str::Draft;
    use crate::raw_json::UNDEFINED;
    use proptest::prelude::*;

    fn arguments(call: &Draft) -> [Value<'_>; 3] {
        let name = Value::new(call.text()).first().unwrap_or(UNDEFINED);
        let data = name.value();
        [name, data, data.value()]
    }

    fn checked(call: &str) -> Result<Text<'static>, Refusal> {
        let call = Draft::from(call);
        let [name, data, options] = arguments(&call);
        validate(name, data, options)
    }

    /// `event reason code path`, as diagnostics tell it.
    fn told(call: &str) -> String {
        match checked(call) {
            Ok(name) => format!("{} measured", name.as_str()),
            Err(refusal) => {
                let Refusal {
                    name,
                    reason,
                    code,
                    path,
                } = refusal;
                let [name, reason, code, path] = [name, reason, code, path].map(Text::as_str);
                let or_dash = |text: &'static str| if text.is_empty() { "-" } else { text };
                format!("{name} {reason} {} {}", or_dash(code), or_dash(path))
            }
        }
    }

    #[test]
    fn each_rule_is_told_by_reason_code_and_field() {
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
            assert_eq!(told(call), expected, "{call}");
        }
    }

    #[test]
    fn where_data_and_options_are_at_fault_one_of_them_is_told() {
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
                told(&call),
                format!("custom invalid_event_props {detail}"),
                "{options}"
            );
        }
    }

    #[test]
    fn a_custom_name_has_at_most_64_letters() {
        let call = |length| {
            format!(
                r#"["custom",{{"type":"custom"}},{{"custom_event_name":"{}"}}]"#,
                "a".repeat(length)
            )
        };
        assert!(checked(&call(64)).is_ok());
        assert!(checked(&call(65)).is_err());
    }

    /// Calls that are nearly right: the table's own names, with values of every kind.
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
        fn a_call_is_measured_or_refused_for_a_named_reason(call in call()) {
            let mut faults = 0;
            let text = Draft::from(call.as_str());
            let [name, data, options] = arguments(&text);
            each_fault(name, data, options, &mut |_| faults += 1);
            match checked(&call) {
                Ok(_) => prop_assert_eq!(faults, 0),
                Err(refusal) => {
                    prop_assert!(faults > 0);
                    prop_assert!(!refusal.reason.is_empty());
                }
            }
        }
    }
}
