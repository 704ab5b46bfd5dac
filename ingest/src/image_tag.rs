//! Parses an image tag: one event in the query of an image URL, for pages that run no script.
//!
//! `…/v1/sdk/events?pid=&event=&event_id=&oppref=&data[type]=&data[amount]=&data[contents][0][id]=…`

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::remarks::Violation;
use crate::rules;

/// The maximum depth of `data[a][b]…`. The protocol needs three; unlimited depth could exhaust the stack.
const MAX_DEPTH: usize = 8;

/// A parsed image tag.
#[derive(Debug, PartialEq)]
pub struct ImageTag {
    /// The pixel ID, `pid`.
    pub pixel: String,
    /// The click ID, if it is not empty.
    pub oppref: Option<String>,
    /// The event, in the form of a batch's events.
    pub event: Event,
}

/// The event of an image tag. It has no time of its own and no URL.
#[derive(Debug, PartialEq, Serialize)]
pub struct Event {
    /// The event's name, `event`.
    #[serde(rename = "type")]
    pub name: String,
    /// When it was received, in milliseconds since the Unix epoch.
    pub timestamp_ms: u64,
    /// `event_id`. Without it, duplicates cannot be recognized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// All other parameters, as text. They are stored so that a misspelled one can be seen.
    #[serde(flatten)]
    pub other_params: Map<String, Value>,
    /// The parameters `data[…]`. Values are text, except that `amount` and `quantity` are integers if possible.
    pub data: Map<String, Value>,
}

impl Event {
    /// The rules that it breaks.
    pub fn violations(&self) -> Vec<Violation> {
        let options = rules::options_among(&self.other_params);
        let data = Value::Object(self.data.clone());
        rules::schema_violations(&self.name.as_str().into(), Some(&data), &options)
    }

    /// Its name for deduplication.
    pub fn dedup_name(&self) -> Cow<'_, str> {
        let own = self
            .other_params
            .get("custom_event_name")
            .and_then(Value::as_str);
        rules::dedup_name(&self.name, own)
    }
}

/// Parses the query of an image tag received at `received_ms`.
///
/// # Errors
/// 400 if `pid` or `event` is missing or empty, or if a parameter has the name of a field of the wire format: the image tag
/// has other names for these.
pub fn parse(query: &str, received_ms: u64) -> Result<ImageTag, ApiError> {
    let query = Query::parse(query);
    let required = |name: &str, what: &str| match query.get_non_empty(name) {
        Some(value) => Ok(value.to_owned()),
        None => Err(ApiError::bad_request(format!(
            "the image tag's URL has no `{name}`, {what}"
        ))),
    };
    let pixel = required("pid", "the pixel ID")?;
    let name = required("event", "the event's name")?;

    let mut data = Map::new();
    let mut other_params = Map::new();
    for (name, value) in query.iter() {
        if let Some(path) = data_path(name)
            && insert(&mut data, &path, value)
        {
            continue;
        }
        match name {
            "pid" | "event" | "event_id" | "oppref" => {}
            // The script's own parameters, which are not part of the event.
            "st" | "sv" | "t" | "ec" => {}
            "type" | "timestamp_ms" | "id" | "data" => {
                return Err(ApiError::bad_request(format!(
                    "`{name}` is not a parameter of the image tag: send the event's name as `event`, its ID as \
                     `event_id`, and its data as `data[type]`, `data[amount]` and so on"
                )));
            }
            _ => {
                other_params
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
            other_params,
            data,
        },
    })
}

/// Splits `data[contents][0][id]` into `["contents", "0", "id"]`. `None` for any other name.
fn data_path(name: &str) -> Option<Vec<&str>> {
    let inner = name.strip_prefix("data[")?.strip_suffix(']')?;
    let path: Vec<&str> = inner.split("][").take(MAX_DEPTH + 1).collect();
    let is_valid = |part: &&str| !part.is_empty() && !part.contains(['[', ']']);
    (path.len() <= MAX_DEPTH && path.iter().all(is_valid)).then_some(path)
}

/// Inserts `value` at `path`. Returns false if the place is taken.
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

/// Turns objects whose keys are all numbers into lists, sorted by key. Missing numbers leave no holes: `[contents][7]`
/// alone becomes a list of one.
fn make_lists(value: &mut Value) {
    let Value::Object(object) = value else { return };
    object.values_mut().for_each(make_lists);
    let indexes: Option<Vec<u64>> = object.keys().map(|key| key.parse().ok()).collect();
    if let Some(indexes) = indexes {
        let values = std::mem::take(object).into_iter().map(|(_, value)| value);
        let mut items: Vec<(u64, Value)> = indexes.into_iter().zip(values).collect();
        items.sort_by_key(|(index, _)| *index);
        *value = items.into_iter().map(|(_, value)| value).collect();
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
    fn order_in_a_url_becomes_an_event_in_the_wire_format() {
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
    fn percent_encoded_names_equal_plain_ones() {
        assert_eq!(
            event("data%5Btype%5D=contents&data%5Bcontents%5D%5B0%5D%5Bquantity%5D=2"),
            event("data[type]=contents&data[contents][0][quantity]=2"),
        );
    }

    #[test]
    fn contents_become_a_list_sorted_by_index() {
        let event = event(
            "data[contents][10][id]=c&data[contents][2][id]=b&data[contents][0][id]=a&data[contents][0][amount]=5",
        );
        let expected = json!([{ "id": "a", "amount": 5 }, { "id": "b" }, { "id": "c" }]);
        assert_eq!(event["data"]["contents"], expected);
    }

    #[test]
    fn non_integer_amount_stays_text() {
        let event = event("data[amount]=19.99&data[plan_id]=7&data[quantity]=-1");
        assert_eq!(
            event["data"],
            json!({ "amount": "19.99", "plan_id": "7", "quantity": -1 })
        );
    }

    #[test]
    fn unknown_parameters_are_stored_under_their_names() {
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
    fn missing_pixel_or_event_is_rejected_by_name() {
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
    fn wire_format_names_are_rejected_with_the_right_names() {
        let error = parse("pid=p&event=custom&data={}", 0).unwrap_err().message;
        assert!(error.contains("`data[type]`"), "{error}");
    }

    #[test]
    fn path_beyond_the_depth_limit_is_not_followed() {
        let name = format!("data{}", "[a]".repeat(20_000));
        assert_eq!(event(&format!("{name}=1"))[&name], "1");
        let name = format!("data{}", "[a]".repeat(MAX_DEPTH));
        assert!(event(&format!("{name}=1"))["data"]["a"].is_object());
    }

    #[test]
    fn huge_index_allocates_nothing() {
        let event = event("data[contents][18446744073709551615][id]=a");
        assert_eq!(event["data"]["contents"], json!([{ "id": "a" }]));
    }

    proptest! {
        #[test]
        fn arbitrary_query_never_panics(query in ".*") {
            let _ = parse(&query, 0);
            if let Ok(tag) = parse(&format!("pid=p&event=custom&{query}"), 0) {
                let _ = (tag.event.violations(), tag.event.dedup_name());
            }
        }

        #[test]
        fn arbitrary_query_of_tag_tokens_becomes_a_valid_event(
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
