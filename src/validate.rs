//! The rules of an event: what is wrong with a call, and what is told of it.

use crate::event::{self, CUSTOM, ITEM_FIELDS, OPTIONS, Shape};
use crate::text::add;
use crate::value::Value;

/// Why a call was refused, as diagnostics count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The name is no event.
    UnsupportedName,
    /// There is no data.
    MissingProps,
    /// The data breaks a rule.
    InvalidProps,
    /// Only the options break one.
    InvalidOptions,
}

impl Reason {
    /// The reason's name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::UnsupportedName => "unsupported_event_name",
            Reason::MissingProps => "missing_event_props",
            Reason::InvalidProps => "invalid_event_props",
            Reason::InvalidOptions => "invalid_event_options",
        }
    }
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
    /// It must be there.
    Missing,
    /// It has another type than it must have.
    WrongType,
    /// It is no whole number.
    NotInteger,
    /// It is not three letters.
    NotCurrency,
    /// There is an amount, but no currency to read it in.
    NoCurrency,
    /// No such field is allowed here.
    UnknownField,
    /// It is an empty string.
    Empty,
    /// It is a `type`, but not this event's.
    OtherShape,
    /// The custom name has other characters than it may have, or too many.
    InvalidCustomName,
    /// The custom name is a standard event's.
    ReservedCustomName,
    /// Only `custom` takes a custom name.
    CustomNameNotAllowed,
}

/// One thing that is wrong with a call.
#[derive(Debug, Clone, Copy)]
pub struct Fault<'a> {
    /// The part of the call.
    pub part: Part,
    /// The field in that part; empty where it is the part itself.
    pub field: &'a str,
    /// What is wrong with it.
    pub problem: Problem,
    /// What was found there.
    pub given: &'a Value<'a>,
}

impl Fault<'_> {
    /// The code that diagnostics give the fault. Some faults have none.
    pub fn code(&self) -> Option<&'static str> {
        use Problem::*;
        Some(match self.problem {
            UnknownName => "unknown_event_type",
            Missing if self.part != Part::Options => "missing_required_field",
            NotInteger if self.field == "amount" => "invalid_amount",
            NoCurrency => "missing_currency",
            InvalidCustomName | ReservedCustomName => "invalid_custom_event_name",
            Missing | Empty if self.field == "custom_event_name" => "custom_event_name_required",
            NotInteger => "invalid_field_type",
            WrongType => match (self.part, self.field) {
                (Part::Item(_) | Part::Options, "") => return None,
                (_, "id" | "name" | "plan_id" | "event_id" | "eventId") => return None,
                _ => "invalid_field_type",
            },
            _ => return None,
        })
    }

    /// Where the fault is: `data.contents[].amount`, `custom_event_name`, `type`.
    pub fn path(&self) -> String {
        let mut path = String::from(match self.part {
            Part::Name => "type",
            Part::Data => "data",
            Part::Item(_) => "data.contents[]",
            Part::Options => "",
        });
        if !path.is_empty() && !self.field.is_empty() {
            add(&mut path, ".");
        }
        add(&mut path, self.field);
        path
    }

    /// A fault of the custom name that is told before one of the data.
    fn outranks_data(&self) -> bool {
        self.field == "custom_event_name"
            && matches!(
                self.problem,
                Problem::WrongType | Problem::InvalidCustomName
            )
    }
}

/// What is told of a refused call.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The event's name, or `unknown`.
    pub name: &'static str,
    /// The one reason it is counted under.
    pub reason: Reason,
    /// Code and field of the fault that stands for all, if one has a code.
    pub detail: Option<(&'static str, String)>,
}

/// Checks a call. `Ok` is the table's own copy of the event's name.
pub fn validate(name: &Value, data: &Value, options: &Value) -> Result<&'static str, Refusal> {
    let mut refusal: Option<Refusal> = None;
    let known = name.as_str().and_then(event::find);
    let known_name = known.map_or("unknown", |(name, _)| name);
    let mut told_by_options = false;
    each_fault(name, data, options, |fault| {
        let reason = match fault.part {
            Part::Name => Reason::UnsupportedName,
            Part::Data if fault.field.is_empty() && fault.problem == Problem::Missing => {
                Reason::MissingProps
            }
            Part::Options => Reason::InvalidOptions,
            _ => Reason::InvalidProps,
        };
        let first = refusal.is_none();
        let refusal = refusal.get_or_insert(Refusal {
            name: known_name,
            reason,
            detail: None,
        });
        let of_same_part = refusal.reason == reason;
        // faults of the data come first, so this is an option's after one of the data
        let outranks = fault.outranks_data() && refusal.reason == Reason::InvalidProps;
        if (of_same_part && refusal.detail.is_none() || outranks && !told_by_options)
            && let Some(code) = fault.code()
        {
            told_by_options = !first && outranks;
            refusal.detail = Some((code, fault.path()));
        }
    });
    match (refusal, known) {
        (None, Some((name, _))) => Ok(name),
        (refusal, _) => Err(refusal.unwrap_or(Refusal {
            name: known_name,
            reason: Reason::UnsupportedName,
            detail: None,
        })),
    }
}

/// The refusal of an event that is too large to be sent.
pub fn too_large(name: &'static str) -> Refusal {
    Refusal {
        name,
        reason: Reason::InvalidProps,
        detail: None,
    }
}

/// Visits each fault of a call: the name's alone if that is no event, else those of the data in the order in
/// which one of them is told (`type`, `amount`, `currency`, `contents`, then the rest), then those of the options.
pub fn each_fault<'a>(
    name: &'a Value<'a>,
    data: &'a Value<'a>,
    options: &'a Value<'a>,
    mut report: impl FnMut(Fault<'a>),
) {
    let Some((event, shape)) = name.as_str().and_then(event::find) else {
        return report(Fault {
            part: Part::Name,
            field: "",
            problem: match name {
                Value::String("") => Problem::Empty,
                _ => Problem::UnknownName,
            },
            given: name,
        });
    };
    let mut check = Check {
        report: &mut report,
        part: Part::Data,
        of: data,
    };
    check.data(shape);
    check.part = Part::Options;
    check.of = options;
    check.options(event);
}

/// The part of the call that is looked at, and who wants to know.
struct Check<'a, 'r> {
    report: &'r mut dyn FnMut(Fault<'a>),
    part: Part,
    of: &'a Value<'a>,
}

impl<'a> Check<'a, '_> {
    fn fault(&mut self, field: &'a str, problem: Problem, given: &'a Value<'a>) {
        (self.report)(Fault {
            part: self.part,
            field,
            problem,
            given,
        });
    }

    fn whole(&mut self, problem: Problem) {
        self.fault("", problem, self.of);
    }

    fn data(&mut self, shape: Shape) {
        match self.of {
            Value::Undefined | Value::Null => return self.whole(Problem::Missing),
            Value::Object(_) => {}
            _ => return self.whole(Problem::WrongType),
        }
        match self.of.get("type") {
            None => self.fault("type", Problem::Missing, &Value::Undefined),
            Some(given) => match given.as_str() {
                Some(name) if name == shape.name() => {}
                Some(_) => self.fault("type", Problem::OtherShape, given),
                None => self.fault("type", Problem::WrongType, given),
            },
        }
        let currency = self.money(false);
        let contents = self
            .of
            .get("contents")
            .filter(|_| shape != Shape::CustomerAction);
        match contents {
            None => {}
            Some(Value::Array(items)) => {
                let data = self.of;
                for (i, item) in items.iter().enumerate() {
                    self.part = Part::Item(i);
                    self.of = item;
                    self.item(currency);
                }
                self.part = Part::Data;
                self.of = data;
            }
            Some(given) => self.fault("contents", Problem::WrongType, given),
        }
        if shape != Shape::Contents && shape != Shape::CustomerAction {
            self.text("plan_id");
        }
        self.no_other_fields(shape.fields());
    }

    fn item(&mut self, event_has_currency: bool) {
        let Value::Object(_) = self.of else {
            return self.whole(Problem::WrongType);
        };
        self.text("content_type");
        self.integer("quantity");
        self.money(event_has_currency);
        self.text("id");
        self.text("name");
        self.no_other_fields(&ITEM_FIELDS);
    }

    fn options(&mut self, event: &str) {
        match self.of {
            Value::Object(_) => {}
            Value::Undefined | Value::Null => {
                if event == CUSTOM {
                    self.fault("custom_event_name", Problem::Missing, &Value::Undefined);
                }
                return;
            }
            _ => return self.whole(Problem::WrongType),
        }
        match self.of.get("custom_event_name") {
            None if event == CUSTOM => {
                self.fault("custom_event_name", Problem::Missing, &Value::Undefined);
            }
            None => {}
            Some(given) => {
                let problem = match given {
                    Value::String(_) if event != CUSTOM => Some(Problem::CustomNameNotAllowed),
                    Value::String(name) => custom_name_problem(name),
                    _ => Some(Problem::WrongType),
                };
                if let Some(problem) = problem {
                    self.fault("custom_event_name", problem, given);
                }
            }
        }
        match self.of.get("opt_out") {
            None | Some(Value::Bool(_)) => {}
            Some(given) => self.fault("opt_out", Problem::WrongType, given),
        }
        for field in ["event_id", "eventId"] {
            self.text(field);
        }
        self.no_other_fields(&OPTIONS);
    }

    /// `amount` and `currency`, which events and items share. Is there a currency?
    fn money(&mut self, inherited: bool) -> bool {
        self.integer("amount");
        let currency = self.of.get("currency");
        match currency {
            None => {
                if !inherited && self.of.get("amount").is_some() {
                    self.fault("currency", Problem::NoCurrency, &Value::Undefined);
                }
            }
            Some(Value::String(code)) => {
                if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
                    self.fault(
                        "currency",
                        Problem::NotCurrency,
                        currency.unwrap_or(self.of),
                    );
                }
            }
            Some(given) => self.fault("currency", Problem::WrongType, given),
        }
        currency.is_some()
    }

    fn integer(&mut self, field: &'a str) {
        if let Some(given) = self.of.get(field)
            && !given.is_integer()
        {
            self.fault(field, Problem::NotInteger, given);
        }
    }

    /// A string that says something.
    fn text(&mut self, field: &'a str) {
        match self.of.get(field) {
            None => {}
            Some(given @ Value::String("")) => self.fault(field, Problem::Empty, given),
            Some(Value::String(_)) => {}
            Some(given) => self.fault(field, Problem::WrongType, given),
        }
    }

    fn no_other_fields(&mut self, known: &[&str]) {
        if let Value::Object(fields) = self.of {
            for (name, given) in fields {
                if !known.contains(name) {
                    self.fault(name, Problem::UnknownField, given);
                }
            }
        }
    }
}

/// Lowercased, a custom name has 1 to 64 of `a-z 0-9 _ -`, begins and ends with a letter or digit, and is no
/// standard event's.
fn custom_name_problem(name: &str) -> Option<Problem> {
    let bytes = name.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    if name.is_empty() {
        Some(Problem::Empty)
    } else if event::EVENTS
        .iter()
        .any(|(known, _)| *known != CUSTOM && known.eq_ignore_ascii_case(name))
    {
        Some(Problem::ReservedCustomName)
    } else if bytes.len() > 64
        || !ends
            .iter()
            .flatten()
            .all(|byte| byte.is_ascii_alphanumeric())
        || !bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    {
        Some(Problem::InvalidCustomName)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn checked(call: &str) -> Result<&'static str, Refusal> {
        let call = Value::parse(call).expect(call);
        let Value::Array(args) = &call else {
            panic!("{call:?} is no call")
        };
        let arg = |i| args.get(i).unwrap_or(&Value::Undefined);
        validate(arg(0), arg(1), arg(2))
    }

    /// `event reason code path`, as diagnostics tell it.
    fn told(call: &str) -> String {
        match checked(call) {
            Ok(name) => format!("{name} measured"),
            Err(Refusal {
                name,
                reason,
                detail,
            }) => {
                let (code, path) = detail.unwrap_or(("-", "-".into()));
                format!("{name} {} {code} {path}", reason.name())
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
            (
                r#"[]"#,
                "unknown unsupported_event_name unknown_event_type type",
            ),
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
                event::EVENTS
                    .map(|(name, _)| format!("\"{name}\""))
                    .to_vec()
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
            let parsed = Value::parse(&call).unwrap();
            let Value::Array(args) = &parsed else { unreachable!() };
            each_fault(&args[0], &args[1], &args[2], |_| faults += 1);
            match checked(&call) {
                Ok(_) => prop_assert_eq!(faults, 0),
                Err(refusal) => {
                    prop_assert!(faults > 0);
                    prop_assert!(!refusal.reason.name().is_empty());
                }
            }
        }
    }
}
