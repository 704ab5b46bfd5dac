//! The body of one `POST /v1/sdk/events`, checked.

use oaiq::wire;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::refusal::Refusal;

/// A batch that has the wire's shape, with its parts as they came: unknown fields, the order of keys
/// and the spelling of numbers are kept.
#[derive(Debug)]
pub struct Batch {
    /// The browser reference.
    pub obref: Option<String>,
    /// The click reference.
    pub oppref: Option<String>,
    /// Who the site says the visitor is.
    pub user: Option<Box<RawValue>>,
    /// The events, at least one, in the order of the batch.
    pub events: Vec<Box<RawValue>>,
}

/// The parts of a batch that are shown as they came.
#[derive(Deserialize)]
struct AsReceived<'a> {
    #[serde(borrow, default)]
    user: Option<&'a RawValue>,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

/// Reads a body. `announced` is the query's `ec`, the number of events that the sender counted.
pub fn parse(body: &[u8], announced: Option<&str>) -> Result<Batch, Refusal> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Refusal::bad_request(format!("the body is not UTF-8 text: {error}")))?;
    let batch: wire::Batch = serde_json::from_str(text).map_err(not_a_batch)?;
    let as_received: AsReceived = serde_json::from_str(text).map_err(not_a_batch)?;

    let count = batch.events.len();
    if count == 0 {
        return Err(Refusal::bad_request("the body is a batch without events"));
    }
    if let Some(announced) = announced
        && announced.parse() != Ok(count)
    {
        return Err(Refusal::bad_request(format!(
            "the query's ec={announced} is not the number of events in the body, which is {count}"
        )));
    }
    Ok(Batch {
        obref: batch.obref,
        oppref: batch.oppref,
        user: as_received.user.map(ToOwned::to_owned),
        events: as_received
            .events
            .into_iter()
            .map(ToOwned::to_owned)
            .collect(),
    })
}

fn not_a_batch(error: serde_json::Error) -> Refusal {
    let what = match error.classify() {
        serde_json::error::Category::Data => "is JSON, but no batch",
        _ => "is not JSON",
    };
    Refusal::bad_request(format!("the body {what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str =
        r#"{"type":"page_viewed","timestamp_ms":1,"id":"e","z":1,"a":1.50,"data":{}}"#;

    fn error(body: &[u8], announced: Option<&str>) -> String {
        parse(body, announced).unwrap_err().error
    }

    #[test]
    fn an_event_is_kept_as_it_came_with_unknown_fields_and_order() {
        let body = format!(r#"{{"events":[{EVENT}],"user":{{"in":{{"em":"x","co":"y"}}}}}}"#);
        let batch = parse(body.as_bytes(), Some("1")).unwrap();
        assert_eq!(batch.events[0].get(), EVENT);
        let user = batch.user.unwrap();
        assert_eq!(user.get(), r#"{"in":{"em":"x","co":"y"}}"#);
    }

    #[test]
    fn parts_that_are_null_count_as_absent() {
        let body = format!(r#"{{"obref":null,"events":[{EVENT}],"user":null}}"#);
        let batch = parse(body.as_bytes(), None).unwrap();
        assert!(batch.obref.is_none() && batch.user.is_none());
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        let broken = error(b"{\"events\":[\n{]}", None);
        assert!(
            broken.contains("not JSON") && broken.contains("line 2 column 2"),
            "{broken}"
        );
        let shape = error(br#"{"events":[{"type":"a","timestamp_ms":"1"}]}"#, None);
        assert!(
            shape.contains("no batch") && shape.contains("line 1 column"),
            "{shape}"
        );
        let field = error(br#"{"events":[{"type":"a","timestamp_ms":1}]}"#, None);
        assert!(field.contains("missing field `id`"), "{field}");
        let text = error(b"{\"events\":\"\xff\"}", None);
        assert!(
            text.contains("not UTF-8") && text.contains("index 11"),
            "{text}"
        );
    }

    #[test]
    fn a_count_that_is_not_the_number_of_events_is_refused() {
        let body = format!(r#"{{"events":[{EVENT},{EVENT}]}}"#);
        for wrong in ["1", "3", "", "two", "-2", "2.0"] {
            let text = error(body.as_bytes(), Some(wrong));
            assert!(
                text.contains(&format!("ec={wrong} ")) && text.ends_with("is 2"),
                "{text}"
            );
        }
        assert!(parse(body.as_bytes(), Some("2")).is_ok());
        assert!(error(br#"{"events":[]}"#, Some("0")).contains("without events"));
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        let deep = format!("{{\"events\":{}", "[".repeat(500_000));
        assert!(error(deep.as_bytes(), None).contains("line 1"));
        let data = format!(
            r#"{{"events":[{{"type":"a","timestamp_ms":1,"id":"e","data":{{"x":{}"#,
            "[".repeat(500_000)
        );
        assert!(error(data.as_bytes(), None).contains("recursion limit"));
    }
}
