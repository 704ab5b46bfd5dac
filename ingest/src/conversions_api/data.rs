//! Checks the name, data and options of an event by the pixel's schema, with the extensions of the Conversions API.

use oaiq::schema::validate::ViolationKind;
use serde_json::{Map, Value, json};

use crate::remarks::{Notes, Violation, Warning};
use crate::rules;

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

/// The fields of an event that are often misplaced into `data`, where they have no other meaning.
const EVENT_FIELDS: [&str; 7] = [
    "custom_event_name",
    "opt_out",
    "oppref",
    "source_url",
    "action_source",
    "timestamp_ms",
    "user",
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
    if let Some(advice) = server_advice(&violation) {
        violation.advice = Some(advice.to_owned());
    }
    violation
}

/// The advice for a server, where it differs from the pixel's.
fn server_advice(violation: &Violation) -> Option<&'static str> {
    let code = violation.kind.as_deref()?;
    let is = |kinds: &[ViolationKind]| kinds.iter().any(|kind| kind.code() == code);
    if is(&[
        ViolationKind::CustomNameMissing,
        ViolationKind::CustomNameEmpty,
    ]) {
        return Some(r#"send "custom_event_name": "your_name" next to `type`"#);
    }
    if is(&[ViolationKind::CustomNameNotAllowed]) {
        return Some(r#"omit it, or send "type": "custom" with that name"#);
    }
    if is(&[ViolationKind::UnknownName, ViolationKind::Empty]) && violation.field == "type" {
        // The empty name resembles no event, so its advice is the one for an event of the site's own.
        let of_no_event = pixel_advice(&"".into(), &Value::Null);
        return (violation.advice == of_no_event).then_some(
            r#"for a custom event, send "type": "custom" and "custom_event_name": "your_name""#,
        );
    }
    if is(&[ViolationKind::UnknownField]) {
        let (_, name) = violation.field.rsplit_once('.')?;
        if EVENT_FIELDS.contains(&name) {
            return Some("send it next to `type`, not in `data`");
        }
        // The pixel knows the names that others have for the ID of an event, and has one advice for all of them.
        let of_id = pixel_advice(
            &"order_created".into(),
            &json!({ "type": "contents", "event_id": "" }),
        );
        return (violation.advice.is_some() && violation.advice == of_id)
            .then_some("send it as the event's `id`, next to `type`");
    }
    None
}

/// The pixel's advice for the first violation of this event.
fn pixel_advice(name: &Value, data: &Value) -> Option<String> {
    let violations = rules::schema_violations(name, Some(data), &Map::new());
    violations.into_iter().next()?.advice
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// The advice for the first violation.
    fn advice(name: &str, data: Value, options: Value) -> String {
        let (violations, _) = checked(name, data, options);
        violations[0].advice.clone().unwrap_or_default()
    }

    #[test]
    fn unknown_name_without_a_similar_one_suggests_a_custom_event() {
        let custom =
            r#"for a custom event, send "type": "custom" and "custom_event_name": "your_name""#;
        for name in ["my_own_thing", ""] {
            assert_eq!(advice(name, json!({}), json!({})), custom, "{name}");
        }
        assert_eq!(
            advice("Purchase", json!({}), json!({})),
            "did you mean \"order_created\"?"
        );
    }

    #[test]
    fn misplaced_event_field_is_advised_next_to_the_type() {
        for name in EVENT_FIELDS {
            for data in [
                json!({ "type": "contents", name: "x" }),
                json!({ "type": "contents", "contents": [{ name: "x" }] }),
            ] {
                assert_eq!(
                    advice("order_created", data, json!({})),
                    "send it next to `type`, not in `data`",
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn id_under_another_pixels_name_is_advised_as_the_events_id() {
        for name in ["event_id", "order_id", "transactionId", "dedup_id"] {
            assert_eq!(
                advice(
                    "order_created",
                    json!({ "type": "contents", name: "1" }),
                    json!({})
                ),
                "send it as the event's `id`, next to `type`",
                "{name}"
            );
        }
        // A field without any advice is not taken for an ID.
        let data = json!({ "type": "contents", "zebra": "1" });
        assert_eq!(advice("order_created", data, json!({})), "");
        let data = json!({ "type": "contents", "items": [] });
        assert_eq!(
            advice("order_created", data, json!({})),
            "did you mean contents?"
        );
    }

    #[test]
    fn custom_event_name_is_advised_next_to_the_type() {
        let data = json!({ "type": "custom" });
        for options in [json!({}), json!({ "custom_event_name": "" })] {
            assert_eq!(
                advice("custom", data.clone(), options),
                r#"send "custom_event_name": "your_name" next to `type`"#
            );
        }
        assert_eq!(
            advice(
                "order_created",
                json!({ "type": "contents" }),
                json!({ "custom_event_name": "x" })
            ),
            r#"omit it, or send "type": "custom" with that name"#
        );
    }

    #[test]
    fn decimal_amount_is_advised_in_minor_units() {
        let amount = |text: &str| {
            advice(
                "order_created",
                json!({ "type": "contents", "amount": text, "currency": "EUR" }),
                json!({}),
            )
        };
        assert_eq!(amount("25,99 €"), "send 2599 for EUR 25.99");
        assert_eq!(amount("19,9 €"), "send 1990 for EUR 19.90");
        assert_eq!(amount("1,50"), "send 150 for EUR 1.50");
        let both = amount("1.299");
        assert!(
            both.contains("EUR 1.299") && both.contains("129900"),
            "{both}"
        );
        assert!(!both.starts_with("send"), "{both}");
    }
}
