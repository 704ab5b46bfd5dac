use oaiq_ingest::conversions_api::ServerEvent;
use oaiq_ingest::{image_tag, sdk_batch};
use serde_json::{Value, json};

use super::*;
use crate::config::Origin;

const NOW: u64 = 1_790_000_000_000;

fn hash(byte: &str) -> String {
    byte.repeat(32)
}

fn order() -> Value {
    json!({
        "type": "order_created",
        "timestamp_ms": NOW - 1_000,
        "id": "o-1",
        "source_url": "https://shop.example/thanks",
        "referrer_url": "https://shop.example/cart",
        "data": { "type": "contents", "amount": 2599, "currency": "EUR" },
    })
}

fn origins() -> [Origin; 2] {
    ["https://shop.example", "https://www.shop.example"].map(|origin| origin.parse().unwrap())
}

fn with_context<T>(
    change: impl FnOnce(&mut BrowserContext),
    run: impl FnOnce(&BrowserContext) -> T,
) -> T {
    let origins = origins();
    let mut context = BrowserContext {
        pixel: "p",
        clock_shift_ms: 0,
        origin: &origins[0],
        origins: &origins,
        oppref_cookie: None,
        obref_cookie: None,
        ip_address: Some([203, 0, 113, 7].into()),
        user_agent: Some("Mozilla/5.0"),
        opt_out: false,
    };
    change(&mut context);
    run(&context)
}

fn map_with(body: &Value, change: impl FnOnce(&mut BrowserContext)) -> Mapped {
    let batch = sdk_batch::parse(body.to_string().as_bytes(), None, NOW).unwrap();
    with_context(change, |context| from_batch(batch, context))
}

fn map(body: &Value) -> Mapped {
    map_with(body, |_| {})
}

fn one(body: &Value) -> Value {
    let mapped = map(body);
    assert!(mapped.violations.is_empty(), "{:?}", mapped.violations);
    serde_json::from_str(&mapped.events[0].json).unwrap()
}

/// What the Conversions API would object to.
fn violations(event: &str) -> Vec<String> {
    let event = ServerEvent::parse(event, NOW);
    assert_eq!(event.notes.warnings, []);
    event
        .violations
        .into_iter()
        .map(|violation| violation.field)
        .collect()
}

#[test]
fn batch_becomes_events_of_the_conversions_api() {
    let body = json!({
        "obref": "b-1", "oppref": "c 1", "events": [order()],
        "user": {
            "in": { "eid": hash("a1"), "co": "DE", "ct": "Leer", "rg": "NI", "pc": "26789", "em": hash("b2"), "ph": hash("c3"), "fn": hash("d4"), "ln": hash("e5") },
        },
    });
    let event = one(&body);
    assert_eq!(
        event,
        json!({
            "type": "order_created",
            "id": "o-1",
            "timestamp_ms": NOW - 1_000,
            "action_source": "web",
            "source_url": "https://shop.example/thanks",
            "oppref": "c 1",
            "user": {
                "emails_sha256": [hash("b2")],
                "phone_numbers_sha256": [hash("c3")],
                "external_ids_sha256": [hash("a1")],
                "first_names_sha256": [hash("d4")],
                "last_names_sha256": [hash("e5")],
                "countries": ["DE"],
                "cities": ["Leer"],
                "regions": ["NI"],
                "postal_codes": ["26789"],
                "obref": "b-1",
                "ip_address": "203.0.113.7",
                "user_agent": "Mozilla/5.0",
            },
            "data": { "type": "contents", "amount": 2599, "currency": "EUR" },
        })
    );
    assert_eq!(violations(&event.to_string()), [""; 0]);
}

#[test]
fn optional_members_are_passed_on() {
    let event = json!({
        "type": "custom", "custom_event_name": "Quote", "timestamp_ms": NOW, "id": "q", "opt_out": false,
        "data": { "type": "custom", "plan_id": "x" },
    });
    let mapped = map(&json!({ "obref": "b-1", "events": [event] }));
    assert_eq!(mapped.events[0].name, "quote");
    let event: Value = serde_json::from_str(&mapped.events[0].json).unwrap();
    assert_eq!(
        (&event["custom_event_name"], &event["opt_out"]),
        (&json!("Quote"), &json!(false))
    );
    assert_eq!(event["source_url"], "https://shop.example");
    assert!(event.get("oppref").is_none());
}

#[test]
fn identifiers_from_forms_come_after_those_of_the_site() {
    let body = json!({
        "obref": "b-1", "events": [order()],
        "user": {
            "in": { "em": hash("a1") },
            "fm": { "em": [hash("b2"), hash("A1")], "ph": [hash("c3")], "fn": hash("d4") },
            "js": { "em": [hash("c3")] },
            "ht": { "em": [hash("d4")] },
        },
    });
    let user = &one(&body)["user"];
    assert_eq!(
        user["emails_sha256"],
        json!([hash("a1"), hash("b2"), hash("c3")])
    );
    assert_eq!(user["phone_numbers_sha256"], json!([hash("c3")]));
    assert_eq!(user["first_names_sha256"], json!([hash("d4")]));
}

#[test]
fn raw_identifier_in_any_part_of_user_refuses_the_events() {
    for user in [
        json!({ "in": { "em": "jane@shop.example" } }),
        json!({ "in": { "em": ["jane@shop.example"] } }),
        json!({ "fm": { "em": [hash("a1"), "jane@shop.example"] } }),
        json!({ "js": { "ph": "+4915112345678" } }),
        json!({ "ht": { "fn": "Jane" } }),
    ] {
        let mapped =
            map(&json!({ "obref": "b-1", "oppref": "c", "events": [order()], "user": user }));
        assert_eq!(mapped.events, []);
        assert!(mapped.visit.is_none());
        let shown = format!("{mapped:?}");
        assert!(
            !shown.contains("jane") && !shown.contains("Jane") && !shown.contains("4915"),
            "{shown}"
        );
    }
    let mut event = order();
    event["id"] = "jane@shop.example".into();
    let mapped = map(&json!({ "obref": "b-1", "events": [event] }));
    assert!(mapped.events.is_empty() && !format!("{mapped:?}").contains("jane"));
}

#[test]
fn place_that_the_api_refuses_is_left_out() {
    let user = json!({ "in": { "co": "Germany", "ct": "x".repeat(200), "rg": "jane@shop.example", "pc": "26_789" } });
    let event = one(&json!({ "obref": "b-1", "events": [order()], "user": user }));
    assert_eq!(violations(&event.to_string()), [""; 0]);
    for name in ["countries", "cities", "regions", "postal_codes"] {
        assert!(event["user"].get(name).is_none(), "{name}");
    }
}

#[test]
fn cookie_gives_the_click_that_the_batch_lacks() {
    let click = |body: &Value| {
        let mapped = map_with(body, |context| context.oppref_cookie = Some("cookie"));
        let event: Value = serde_json::from_str(&mapped.events[0].json).unwrap();
        assert_eq!(mapped.visit.unwrap().oppref, event["oppref"]);
        event["oppref"].clone()
    };
    assert_eq!(
        click(&json!({ "obref": "b-1", "events": [order()] })),
        "cookie"
    );
    assert_eq!(
        click(&json!({ "obref": "b-1", "oppref": "", "events": [order()] })),
        "cookie"
    );
    assert_eq!(
        click(&json!({ "obref": "b-1", "oppref": "own", "events": [order()] })),
        "own"
    );
}

#[test]
fn source_url_is_public_and_of_the_site() {
    for (url, expected) in [
        (
            json!("https://www.shop.example/a?email=jane#x"),
            "https://www.shop.example/a",
        ),
        (json!("https://other.example/a"), "https://shop.example"),
        (json!("about:blank"), "https://shop.example"),
        (json!("file:///a"), "https://shop.example"),
        (Value::Null, "https://shop.example"),
    ] {
        let mut event = order();
        event["source_url"] = url;
        assert_eq!(
            one(&json!({ "obref": "b", "events": [event] }))["source_url"],
            expected
        );
    }
}

#[test]
fn timestamps_of_a_wrong_clock_are_moved() {
    let mapped = map_with(&json!({ "obref": "b", "events": [order()] }), |context| {
        context.clock_shift_ms = -86_400_000;
    });
    assert_eq!(mapped.events[0].timestamp_ms, NOW - 1_000 - 86_400_000);
    assert!(
        mapped.events[0]
            .json
            .contains(&(NOW - 86_401_000).to_string())
    );
}

#[test]
fn internal_and_invalid_events_are_left_out() {
    let mut invalid = order();
    invalid["data"]["amount"] = json!(25.99);
    let internal = |name: &str| json!({ "type": name, "timestamp_ms": 1, "id": "i", "data": {} });
    let body = json!({
        "obref": "b", "oppref": "c",
        "events": [internal("openai::sdk_init"), invalid, order(), internal("oai::diagnostic")],
    });
    let mapped = map(&body);
    assert_eq!(
        (
            mapped.events.len(),
            mapped.internal,
            mapped.violations.len()
        ),
        (1, 2, 1)
    );
    assert_eq!(mapped.violations[0][0].field, "data.amount");
    assert!(mapped.visit.is_some());
}

#[test]
fn opt_out_of_the_visitor_wins() {
    let mut event = order();
    event["opt_out"] = false.into();
    let mapped = map_with(&json!({ "obref": "b", "events": [event] }), |context| {
        context.opt_out = true
    });
    assert!(mapped.events[0].json.contains(r#""opt_out":true"#));
}

#[test]
fn image_tag_becomes_an_event() {
    let tag = |query: &str| image_tag::parse(&format!("pid=p&{query}"), NOW).unwrap();
    let order = "event=order_created&event_id=o-1&oppref=c&data[type]=contents&data[amount]=5&data[currency]=EUR";
    let mapped = with_context(
        |context| context.obref_cookie = Some("b-1"),
        |context| from_image_tag(tag(order), Some("https://shop.example/a?b"), context),
    );
    let event: Value = serde_json::from_str(&mapped.events[0].json).unwrap();
    assert_eq!(violations(&mapped.events[0].json), [""; 0]);
    assert_eq!(
        (&event["id"], &event["oppref"], &event["user"]["obref"]),
        (&json!("o-1"), &json!("c"), &json!("b-1"))
    );
    assert_eq!(event["source_url"], "https://shop.example/a");
    let ids: Vec<String> = (0..2)
        .map(|_| {
            let page = tag("event=page_viewed&data[type]=contents");
            with_context(
                |_| {},
                |context| from_image_tag(page, None, context).events.remove(0).id,
            )
        })
        .collect();
    assert!(ids[0].len() == 32 && ids[0] != ids[1], "{ids:?}");
}

fn backend(event: &Value) -> Value {
    let parsed = ServerEvent::parse(&event.to_string(), NOW);
    assert_eq!(parsed.violations, []);
    serde_json::from_str(&from_backend(&parsed).unwrap().json).unwrap()
}

fn server_order() -> Value {
    json!({
        "type": "order_created", "id": "o-1", "timestamp_ms": NOW, "action_source": "web",
        "source_url": "https://shop.example/thanks",
        "user": { "emails_sha256": [hash("a1")] },
        "data": { "type": "contents", "amount": 2599, "currency": "EUR" },
    })
}

#[test]
fn backend_event_keeps_what_it_has() {
    let mut event = server_order();
    event["oppref"] = "own".into();
    event["opt_out"] = false.into();
    assert_eq!(backend(&event), event);
}

#[test]
fn legacy_names_of_the_backend_become_the_present_ones() {
    let mut event = server_order();
    event["obref"] = "b-1".into();
    event["opt_out"] = Value::Null;
    event["source_url"] = "https://shop.example/thanks?email=jane".into();
    event["user"] = json!({
        "emails_sha256": [hash("a1")], "email_sha256": hash("B2"), "phone_number_sha256": [hash("c3")],
        "city": "Leer", "client_ip_address": "203.0.113.9", "countries": null,
    });
    let mapped = backend(&event);
    assert_eq!(
        mapped["user"],
        json!({
            "emails_sha256": [hash("a1"), hash("b2")], "phone_numbers_sha256": [hash("c3")],
            "cities": ["Leer"], "ip_address": "203.0.113.9", "obref": "b-1",
        })
    );
    assert_eq!(mapped["source_url"], "https://shop.example/thanks");
    assert!(mapped.get("opt_out").is_none() && mapped.get("obref").is_none());
    assert_eq!(violations(&mapped.to_string()), [""; 0]);
}

#[test]
fn halves_are_merged_without_overwriting_the_backend() {
    let browser = json!({
        "type": "order_created", "id": "o-1", "timestamp_ms": NOW - 5_000, "action_source": "web",
        "source_url": "https://shop.example/thanks", "oppref": "c", "opt_out": true,
        "user": { "obref": "b-1", "ip_address": "203.0.113.7", "user_agent": "UA", "emails_sha256": [hash("b2"), hash("a1")] },
        "data": { "type": "contents", "amount": 1, "currency": "EUR", "contents": [{ "id": "sku" }] },
    });
    let mut backend = server_order();
    backend["user"]["ip_address"] = "198.51.100.1".into();
    backend["action_source"] = "other".into();
    let merged: Value =
        serde_json::from_str(&merge(&backend.to_string(), &browser.to_string())).unwrap();
    assert_eq!(
        merged,
        json!({
            "type": "order_created", "id": "o-1", "timestamp_ms": NOW, "action_source": "other",
            "source_url": "https://shop.example/thanks", "oppref": "c", "opt_out": true,
            "user": { "obref": "b-1", "ip_address": "198.51.100.1", "user_agent": "UA", "emails_sha256": [hash("a1"), hash("b2")] },
            "data": { "type": "contents", "amount": 2599, "currency": "EUR", "contents": [{ "id": "sku" }] },
        })
    );
    assert_eq!(violations(&merged.to_string()), [""; 0]);
}

#[test]
fn amounts_of_different_currencies_are_not_mixed() {
    let event = |data: Value| json!({ "data": data }).to_string();
    let merged = |backend: Value, browser: Value| -> Value {
        let merged = merge(&event(backend), &event(browser));
        serde_json::from_str::<Value>(&merged).unwrap()["data"].clone()
    };
    let browser = json!({ "amount": 5, "currency": "USD", "contents": [{ "amount": 5 }] });
    assert_eq!(
        merged(json!({ "amount": 4, "currency": "EUR" }), browser.clone()),
        json!({ "amount": 4, "currency": "EUR" })
    );
    assert_eq!(
        merged(json!({ "currency": "usd" }), browser.clone()),
        json!({ "currency": "usd", "contents": [{ "amount": 5 }] })
    );
    assert_eq!(merged(json!({}), browser.clone()), browser);
}

fn click() -> Click {
    Click {
        oppref: "c".to_owned(),
        obref: Some("b-1".to_owned()),
        ip_address: Some("203.0.113.7".to_owned()),
        user_agent: None,
    }
}

/// Joins with a store that has a click for this link alone.
fn joined_by(event: &Value, known: &[(Link, &str)]) -> Option<(Value, Link)> {
    let known: Vec<Key> = known
        .iter()
        .map(|(link, value)| Key::link("p", *link, value))
        .collect();
    let find = |key| Ok::<_, ()>(known.contains(&key).then(click));
    let (json, link) = join(&event.to_string(), "p", find).unwrap()?;
    Some((serde_json::from_str(&json).unwrap(), link))
}

#[test]
fn click_is_found_by_id_before_obref_before_identifiers() {
    let mut event = server_order();
    event["user"] = json!({
        "obref": "b-2", "external_ids_sha256": [hash("e1")], "emails_sha256": [hash("a1"), hash("a2")],
        "phone_numbers_sha256": [hash("f1")],
    });
    let links = [
        (Link::EventId, "o-1".to_owned()),
        (Link::Obref, "b-2".to_owned()),
        (Link::ExternalId, hash("e1")),
        (Link::Email, hash("a2")),
        (Link::Phone, hash("f1")),
    ];
    for (i, (link, _)) in links.iter().enumerate() {
        let known: Vec<(Link, &str)> = links[i..]
            .iter()
            .map(|(link, value)| (*link, value.as_str()))
            .collect();
        assert_eq!(joined_by(&event, &known).unwrap().1, *link);
    }
    assert_eq!(joined_by(&event, &[]), None);
}

#[test]
fn join_adds_only_what_is_missing() {
    let mut event = server_order();
    event["user"]["obref"] = "own".into();
    let (joined, _) = joined_by(&event, &[(Link::EventId, "o-1")]).unwrap();
    assert_eq!(joined["oppref"], "c");
    assert_eq!(
        joined["user"],
        json!({ "emails_sha256": [hash("a1")], "obref": "own", "ip_address": "203.0.113.7" })
    );
    event["oppref"] = "own".into();
    assert_eq!(joined_by(&event, &[(Link::EventId, "o-1")]), None);
}
