//! Checks the name, data and options of an event by the pixel's schema, with the extensions of the Conversions API.

use serde_json::{Map, Value};

use crate::ingest::rules;
use crate::store::record::{Notes, Violation, Warning};

/// The events that only an app's server may send.
pub const APP_EVENTS: [&str; 2] = ["app_installed", "app_opened"];

/// The fields of `custom` data in the schema. Any other field may hold any JSON.
pub const CUSTOM: [&str; 5] = ["type", "amount", "currency", "contents", "plan_id"];

/// The fields of an item of `contents`.
pub const ITEM: [&str; 8] = [
    "id",
    "name",
    "content_type",
    "quantity",
    "amount",
    "currency",
    "group_id",
    "variant_dict",
];

/// Returns all violations. `options` are the event's fields that a page passes as options.
pub fn violations(
    name: &Value,
    data: Option<&Value>,
    options: Map<String, Value>,
    notes: &mut Notes,
) -> Vec<Violation> {
    let mut data = data.cloned();
    let mut violations = Vec::new();
    if let Some(Value::Object(fields)) = &mut data {
        normalize(fields, notes);
        check_items(fields, &mut violations);
        if fields.get("type").and_then(Value::as_str) == Some("custom") {
            fields.retain(|field, _| CUSTOM.contains(&field.as_str()));
        }
    }
    if let Some(own) = options.get("custom_event_name").and_then(Value::as_str) {
        notes.normalize("custom_event_name", own, &own.to_ascii_lowercase());
    }
    let mut from_schema = match name.as_str().filter(|name| APP_EVENTS.contains(name)) {
        Some(name) => app_event_violations(name, &mut data, options, notes),
        None => rules::schema_violations(name, data.as_ref(), &options),
    };
    from_schema.append(&mut violations);
    from_schema.into_iter().map(reword_for_servers).collect()
}

/// Records how the API normalizes currencies.
fn normalize(data: &Map<String, Value>, notes: &mut Notes) {
    let mut currency = |holder: &Map<String, Value>, path: &str| {
        if let Some(code) = holder.get("currency").and_then(Value::as_str) {
            let field = format!("{path}.currency");
            notes.normalize(field, code, &code.to_ascii_uppercase());
        }
    };
    currency(data, "data");
    for (i, item) in items(data).enumerate() {
        if let Value::Object(item) = item {
            currency(item, &format!("data.contents[{i}]"));
        }
    }
}

fn items(data: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    data.get("contents")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// Checks the item fields that only the API has, and removes them, because the pixel's schema would reject them.
fn check_items(data: &mut Map<String, Value>, violations: &mut Vec<Violation>) {
    let Some(Value::Array(items)) = data.get_mut("contents") else {
        return;
    };
    for (i, item) in items.iter_mut().enumerate() {
        let Value::Object(item) = item else { continue };
        if let Some(group) = item.remove("group_id")
            && !group.is_string()
        {
            let field = format!("data.contents[{i}].group_id");
            violations.push(Violation::new(field, rules::display(&group), "a string"));
        }
        let field = format!("data.contents[{i}].variant_dict");
        match item.remove("variant_dict") {
            None => {}
            Some(Value::Object(variants)) => {
                for (name, value) in variants.iter().filter(|(_, value)| !value.is_string()) {
                    let field = format!("{field}.{}", rules::display_name(name));
                    violations.push(Violation::new(field, rules::display(value), "a string"));
                }
            }
            Some(other) => violations.push(Violation::new(
                field,
                rules::display(&other),
                "an object of strings, such as {\"color\": \"red\"}",
            )),
        }
    }
    violations.truncate(rules::MAX_VIOLATIONS);
}

/// Checks an app event. Its data is a `customer_action`; the form that earlier collectors required is accepted with a
/// warning.
fn app_event_violations(
    name: &str,
    data: &mut Option<Value>,
    mut options: Map<String, Value>,
    notes: &mut Notes,
) -> Vec<Violation> {
    const SHAPE: &str = "customer_action";
    // Any event of the schema with this shape.
    const EVENT_OF_SHAPE: &str = "lead_created";

    match data.as_mut().and_then(|data| data.get_mut("type")) {
        Some(kind) if kind == "custom" || kind == name => {
            *kind = "custom".into();
            notes.warnings.push(Warning::deprecated(
                "data.type",
                SHAPE,
                format!("This is a legacy type of {name}. Send \"{SHAPE}\" instead."),
            ));
            let mut violations = Vec::new();
            if options.remove("custom_event_name").is_some() {
                violations.push(Violation::new(
                    "custom_event_name",
                    "set",
                    "omitted, because only the event \"custom\" accepts it",
                ));
            }
            // The schema requires one for `custom`.
            options.insert("custom_event_name".to_owned(), "app".into());
            violations.extend(rules::schema_violations(
                &"custom".into(),
                data.as_ref(),
                &options,
            ));
            violations
        }
        _ => rules::schema_violations(&EVENT_OF_SHAPE.into(), data.as_ref(), &options),
    }
}

/// Rewords a violation for servers. The pixel's advice is for a page, which passes options as a call's last argument; a
/// server sends them next to `type`.
fn reword_for_servers(mut violation: Violation) -> Violation {
    if violation.field == "type" {
        violation.expected += ", or from an app's server app_installed or app_opened";
    }
    if let Some(advice) = &mut violation.advice {
        if advice.contains("oaiq(") {
            *advice =
                r#"for a custom event, send "type": "custom" and "custom_event_name": "your_name""#
                    .into();
        } else if advice.contains("last argument") || advice.contains("event_id") {
            *advice = if violation.field == "custom_event_name" {
                r#"send "custom_event_name": "your_name" next to `type`"#.into()
            } else if advice.contains("event_id") {
                "send it as the event's `id`, next to `type`".into()
            } else {
                "send it next to `type`, not in `data`".into()
            };
        }
    }
    violation
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(name: &str, data: Value, options: Value) -> (Vec<Violation>, Notes) {
        let Value::Object(options) = options else {
            panic!("options are an object")
        };
        let mut notes = Notes::default();
        let violations = violations(&name.into(), Some(&data), options, &mut notes);
        (violations, notes)
    }

    fn fields(name: &str, data: Value, options: Value) -> Vec<String> {
        let (violations, _) = checked(name, data, options);
        violations
            .into_iter()
            .map(|violation| violation.field)
            .collect()
    }

    #[test]
    fn item_may_have_a_group_and_variants() {
        for (name, kind) in [
            ("order_created", "contents"),
            ("trial_started", "plan_enrollment"),
        ] {
            let data = json!({ "type": kind, "contents": [
                { "id": "a", "group_id": "g", "variant_dict": { "color": "red", "Größe": "" } },
                { "group_id": "", "variant_dict": {} },
            ] });
            assert_eq!(fields(name, data, json!({})), [""; 0]);
        }
    }

    #[test]
    fn non_string_group_or_variant_reports_its_path() {
        let data = json!({ "type": "contents", "contents": [
            { "id": "a" },
            { "group_id": 5, "variant_dict": { "color": "red", "size": 42, "jane@example.com": null } },
            { "variant_dict": ["red"], "sku": 1 },
        ] });
        assert_eq!(
            fields("order_created", data, json!({})),
            [
                "data.contents[2].sku",
                "data.contents[1].group_id",
                "data.contents[1].variant_dict.(an email address)",
                "data.contents[1].variant_dict.size",
                "data.contents[2].variant_dict",
            ]
        );
        let data = json!({ "type": "custom", "contents": [{ "group_id": null }] });
        let options = json!({ "custom_event_name": "x" });
        assert_eq!(
            fields("custom", data, options),
            ["data.contents[0].group_id"]
        );
    }

    #[test]
    fn group_outside_an_item_is_unknown() {
        let data = json!({ "type": "contents", "group_id": "g", "variant_dict": {} });
        assert_eq!(
            fields("order_created", data, json!({})),
            ["data.group_id", "data.variant_dict"]
        );
    }

    #[test]
    fn custom_data_may_have_extra_fields_of_any_type() {
        let options = || json!({ "custom_event_name": "quiz" });
        let data = json!({
            "type": "custom", "plan_id": "p", "amount": 100, "currency": "EUR",
            "score": 4.5, "passed": true, "answers": [1, "two", null], "extra": { "a": { "b": [] } }, "none": null,
        });
        assert_eq!(fields("custom", data, options()), [""; 0]);
        let data = json!({ "type": "custom", "plan_id": 5, "amount": 1.5, "score": 4.5 });
        assert_eq!(
            fields("custom", data, options()),
            ["data.amount", "data.currency", "data.plan_id"]
        );
        let data = json!({ "type": "contents", "score": 4.5 });
        assert_eq!(fields("order_created", data, json!({})), ["data.score"]);
        // The data type alone does not make an order a custom event.
        let data = json!({ "type": "custom", "score": 4.5 });
        assert_eq!(fields("order_created", data, json!({})), ["data.type"]);
    }

    #[test]
    fn app_event_has_customer_action_data() {
        for name in APP_EVENTS {
            let data = json!({ "type": "customer_action", "amount": 100, "currency": "EUR" });
            let (violations, notes) = checked(name, data, json!({ "opt_out": true }));
            assert_eq!((violations, notes), (vec![], Notes::default()));
            let data = json!({ "type": "contents" });
            let (violations, _) = checked(name, data, json!({}));
            assert!(violations[0].expected.contains("\"customer_action\""));
            let data = json!({ "type": "customer_action", "plan_id": "p" });
            assert_eq!(fields(name, data, json!({})), ["data.plan_id"]);
            let data = json!({ "type": "customer_action" });
            let options = json!({ "custom_event_name": "mine" });
            assert_eq!(fields(name, data, options), ["custom_event_name"]);
        }
    }

    #[test]
    fn legacy_type_of_an_app_event_is_a_warning() {
        for kind in ["custom", "app_opened"] {
            let data = json!({ "type": kind, "plan_id": "p" });
            let (violations, notes) = checked("app_opened", data.clone(), json!({}));
            assert_eq!(violations, []);
            let [warning] = &notes.warnings[..] else {
                panic!("{notes:?}")
            };
            assert_eq!(warning.field, "data.type");
            assert_eq!(warning.replacement.as_deref(), Some("customer_action"));
            let options = json!({ "custom_event_name": "mine" });
            assert_eq!(fields("app_opened", data, options), ["custom_event_name"]);
        }
        let data = json!({ "type": "app_installed" });
        assert_eq!(fields("app_opened", data, json!({})), ["data.type"]);
    }

    #[test]
    fn normalized_values_are_recorded() {
        let data = json!({ "type": "custom", "currency": "eur", "contents": [
            { "amount": 1, "currency": "EUR" }, { "amount": 1, "currency": "usd" },
        ] });
        let options = json!({ "custom_event_name": "Quote_Requested" });
        let (violations, notes) = checked("custom", data, options);
        assert_eq!(violations, []);
        let normalized: Vec<_> = notes
            .normalized
            .iter()
            .map(|one| (one.field.as_str(), one.value.as_str().unwrap()))
            .collect();
        assert_eq!(
            normalized,
            [
                ("data.currency", "EUR"),
                ("data.contents[1].currency", "USD"),
                ("custom_event_name", "quote_requested"),
            ]
        );
    }

    #[test]
    fn advice_is_worded_for_servers() {
        let advice = |name: &str, data: Value| {
            let (violations, _) = checked(name, data, json!({}));
            violations[0].advice.clone().unwrap_or_default()
        };
        for (advice, part) in [
            (
                advice("custom", json!({ "type": "custom" })),
                "next to `type`",
            ),
            (
                advice(
                    "order_created",
                    json!({ "type": "contents", "order_id": "1" }),
                ),
                "the event's `id`",
            ),
            (
                advice(
                    "order_created",
                    json!({ "type": "contents", "opt_out": true }),
                ),
                "not in `data`",
            ),
            (advice("my_own_thing", json!({})), "\"type\": \"custom\""),
        ] {
            assert!(advice.contains(part), "{advice}");
            assert!(
                !advice.contains("oaiq(") && !advice.contains("argument"),
                "{advice}"
            );
        }
    }
}
