//! The image tag: one event in the address of a picture, for pages that run no script.
//!
//! `…/v1/sdk/events?pid=&event=&event_id=&oppref=&data[type]=&data[amount]=&data[contents][0][id]=…`

use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::ingest::rules;
use crate::store::index::DedupKey;
use crate::store::record::Violation;

/// How deep `data[a][b]…` is followed. The protocol needs three; a longer chain could exhaust the stack.
const MAX_DEPTH: usize = 8;

/// What an image tag says.
#[derive(Debug, PartialEq)]
pub struct ImageTag {
    /// The pixel, `pid`.
    pub pixel: String,
    /// The click reference, if there is one that is not empty.
    pub oppref: Option<String>,
    /// The one event, as a batch would hold it.
    pub event: Event,
}

/// The event of an image tag. An image tag gives neither time nor address.
#[derive(Debug, PartialEq, Serialize)]
pub struct Event {
    /// The event's name, `event`.
    #[serde(rename = "type")]
    pub name: String,
    /// When it arrived, in milliseconds since the epoch.
    pub timestamp_ms: u64,
    /// `event_id`. Absent where the tag gives none; duplicates of it cannot be recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Parameters that are no part of the protocol, as text, so that a misspelt one is seen.
    #[serde(flatten)]
    pub others: Map<String, Value>,
    /// What the parameters `data[…]` say. Text, except that `amount` and `quantity` are integers where
    /// they can be.
    pub data: Map<String, Value>,
}

impl Event {
    /// What is wrong with it.
    pub fn violations(&self) -> Vec<Violation> {
        let mut options = Map::new();
        for option in ["custom_event_name", "opt_out"] {
            if let Some(value) = self.others.get(option) {
                options.insert(option.to_owned(), value.clone());
            }
        }
        let data = Value::Object(self.data.clone());
        rules::schema_violations(&self.name.as_str().into(), Some(&data), &options)
    }

    /// What duplicates are recognised by.
    pub fn key(&self, pixel: &str) -> Option<DedupKey> {
        let own = self.others.get("custom_event_name").and_then(Value::as_str);
        let name = rules::dedup_name(&self.name, own);
        self.id.as_deref().map(|id| DedupKey::new(pixel, &name, id))
    }
}

/// Reads the query of an image tag that arrived at `received_ms`.
///
/// # Errors
/// When `pid` or `event` is missing or empty, and for a parameter named like a part of the event on
/// the wire, which is a mistake for the image tag's own name.
pub fn parse(query: &str, received_ms: u64) -> Result<ImageTag, ApiError> {
    let query = Query::parse(query);
    let needed = |name: &str, what: &str| match query.get_non_empty(name) {
        Some(value) => Ok(value.to_owned()),
        None => Err(ApiError::bad_request(format!(
            "the image tag's address has no `{name}`, {what}"
        ))),
    };
    let pixel = needed("pid", "the pixel's id")?;
    let name = needed("event", "the event's name")?;

    let mut data = Map::new();
    let mut others = Map::new();
    for (name, value) in query.iter() {
        if let Some(path) = data_path(name)
            && insert(&mut data, &path, value)
        {
            continue;
        }
        match name {
            "pid" | "event" | "event_id" | "oppref" => {}
            // The script's own parameters; they say nothing about the event.
            "st" | "sv" | "t" | "ec" => {}
            "type" | "timestamp_ms" | "id" | "data" => {
                return Err(ApiError::bad_request(format!(
                    "`{name}` is no parameter of the image tag: the event's name is `event`, \
                     its id `event_id`, its data `data[type]`, `data[amount]` and so on"
                )));
            }
            _ => {
                others
                    .entry(name)
                    .or_insert_with(|| Value::String(value.to_owned()));
            }
        }
    }
    for value in data.values_mut() {
        make_lists(value);
    }
    Ok(ImageTag {
        pixel,
        oppref: query.get_non_empty("oppref").map(ToOwned::to_owned),
        event: Event {
            name,
            timestamp_ms: received_ms,
            id: query.get_non_empty("event_id").map(ToOwned::to_owned),
            others,
            data,
        },
    })
}

/// `data[contents][0][id]` → `["contents", "0", "id"]`; `None` for any other name.
fn data_path(name: &str) -> Option<Vec<&str>> {
    let inner = name.strip_prefix("data[")?.strip_suffix(']')?;
    let path: Vec<&str> = inner.split("][").take(MAX_DEPTH + 1).collect();
    let sound = |part: &&str| !part.is_empty() && !part.contains(['[', ']']);
    (path.len() <= MAX_DEPTH && path.iter().all(sound)).then_some(path)
}

/// Puts `value` at `path`. False where something else is there already.
fn insert(object: &mut Map<String, Value>, path: &[&str], value: &str) -> bool {
    match path {
        [] => false,
        [name] if object.contains_key(*name) => false,
        [name] => {
            object.insert((*name).to_owned(), scalar(name, value));
            true
        }
        [name, rest @ ..] => {
            let inner = object
                .entry(*name)
                .or_insert_with(|| Value::Object(Map::new()));
            match inner {
                Value::Object(inner) => insert(inner, rest, value),
                _ => false,
            }
        }
    }
}

fn scalar(name: &str, value: &str) -> Value {
    match (name, value.parse::<i64>()) {
        ("amount" | "quantity", Ok(number)) => number.into(),
        _ => value.into(),
    }
}

/// Turns an object whose keys are all numbers into a list in their order. Numbers left out leave no
/// hole: `[contents][7]` alone is a list of one.
fn make_lists(value: &mut Value) {
    let Value::Object(object) = value else { return };
    object.values_mut().for_each(make_lists);
    let places: Option<Vec<u64>> = object.keys().map(|key| key.parse().ok()).collect();
    if let Some(places) = places {
        let values = std::mem::take(object).into_iter().map(|(_, value)| value);
        let mut placed: Vec<(u64, Value)> = places.into_iter().zip(values).collect();
        placed.sort_by_key(|(place, _)| *place);
        *value = placed.into_iter().map(|(_, value)| value).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn event(query: &str) -> Value {
        let tag = parse(&format!("pid=p&event=custom&{query}"), 7).unwrap();
        serde_json::to_value(tag.event).unwrap()
    }

    #[test]
    fn an_order_in_an_address_becomes_an_event_as_on_the_wire() {
        let tag = parse(
            "pid=PIXEL&event=order_created&event_id=o-1&oppref=click%201&data[type]=contents\
             &data[amount]=1999&data[currency]=EUR",
            1_700_000_000_000,
        )
        .unwrap();
        assert_eq!(tag.pixel, "PIXEL");
        assert_eq!(tag.oppref.as_deref(), Some("click 1"));
        assert_eq!(
            serde_json::to_string(&tag.event).unwrap(),
            r#"{"type":"order_created","timestamp_ms":1700000000000,"id":"o-1","data":{"amount":1999,"currency":"EUR","type":"contents"}}"#
        );
    }

    #[test]
    fn encoded_names_are_read_like_plain_ones() {
        assert_eq!(
            event("data%5Btype%5D=contents&data%5Bcontents%5D%5B0%5D%5Bquantity%5D=2"),
            event("data[type]=contents&data[contents][0][quantity]=2"),
        );
    }

    #[test]
    fn contents_become_a_list_in_the_order_of_their_numbers() {
        let event = event(
            "data[contents][10][id]=c&data[contents][2][id]=b&data[contents][0][id]=a&data[contents][0][amount]=5",
        );
        let expected = json!([{ "id": "a", "amount": 5 }, { "id": "b" }, { "id": "c" }]);
        assert_eq!(event["data"]["contents"], expected);
    }

    #[test]
    fn amounts_that_are_no_integers_stay_as_given() {
        let event = event("data[amount]=19.99&data[plan_id]=7&data[quantity]=-1");
        assert_eq!(
            event["data"],
            json!({ "amount": "19.99", "plan_id": "7", "quantity": -1 })
        );
    }

    #[test]
    fn parameters_that_are_not_understood_are_shown_under_their_own_name() {
        let event = event("custom_event_name=x&data[]=1&data[a]=1&data[a][b]=2&data[c=3&datab]=4");
        assert_eq!(event["data"], json!({ "a": "1" }));
        for (name, value) in [
            ("custom_event_name", "x"),
            ("data[]", "1"),
            ("data[a][b]", "2"),
            ("data[c", "3"),
            ("datab]", "4"),
        ] {
            assert_eq!(event[name], value, "{name}");
        }
    }

    #[test]
    fn an_address_without_pixel_or_event_is_refused_by_name() {
        for (query, missing) in [
            ("event=custom", "`pid`"),
            ("pid=&event=custom", "`pid`"),
            ("pid=p", "`event`"),
            ("", "`pid`"),
        ] {
            let error = parse(query, 0).unwrap_err().message;
            assert!(error.contains(missing), "{query}: {error}");
        }
    }

    #[test]
    fn names_of_the_wire_are_refused_with_the_right_ones() {
        let error = parse("pid=p&event=custom&data={}", 0).unwrap_err().message;
        assert!(error.contains("`data[type]`"), "{error}");
    }

    #[test]
    fn a_chain_too_deep_is_not_followed() {
        let name = format!("data{}", "[a]".repeat(20_000));
        assert_eq!(event(&format!("{name}=1"))[&name], "1");
        let name = format!("data{}", "[a]".repeat(MAX_DEPTH));
        assert!(event(&format!("{name}=1"))["data"]["a"].is_object());
    }

    #[test]
    fn a_huge_place_costs_no_memory() {
        let event = event("data[contents][18446744073709551615][id]=a");
        assert_eq!(event["data"]["contents"], json!([{ "id": "a" }]));
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused(query in ".*") {
            let _ = parse(&query, 0);
            if let Ok(tag) = parse(&format!("pid=p&event=custom&{query}"), 0) {
                let _ = (tag.event.violations(), tag.event.key("p"));
            }
        }

        #[test]
        fn any_query_of_the_tags_own_letters_becomes_an_event_that_can_be_shown(
            query in "((data|contents|amount|id|[0-9]|\\[|\\]|%5B|%5D|%|&|=){0,40})"
        ) {
            if let Ok(tag) = parse(&format!("pid=p&event=custom&{query}"), 0) {
                for violation in tag.event.violations() {
                    prop_assert!(!violation.field.is_empty() && violation.field.len() < 1000 && violation.given.len() < 1000);
                }
                let text = serde_json::to_string(&tag.event).unwrap();
                let back: oaiq::wire::Event =
                    serde_json::from_str(&text.replacen('{', r#"{"id":"e","#, 1)).unwrap();
                prop_assert_eq!(back.name, "custom");
            }
        }
    }
}
