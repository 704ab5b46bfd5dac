//! Parses the body of `POST /v1/events`.

use serde_json::Value;
use serde_json::value::RawValue;

use super::event::ServerEvent;
use crate::http::error::ApiError;
use crate::ordered_fields::OrderedFields;
use crate::rules;

/// How many events one request may have.
const MAX_EVENTS: usize = 1_000;

/// The longest `integration_source`.
const MAX_SOURCE_BYTES: usize = 64;

/// The members of the body.
const MEMBERS: [&str; 3] = ["events", "validate_only", "integration_source"];

/// A parsed request body.
#[derive(Debug)]
pub struct ConversionsBody {
    /// Whether the events are only checked and not counted.
    pub validate_only: bool,
    /// The normalized `integration_source`: who sends on behalf of the advertiser.
    pub integration_source: Option<String>,
    /// The events, at least one, in the order of the request.
    pub events: Vec<ServerEvent>,
}

/// Parses a body received at `now_ms`.
///
/// # Errors
/// 400 if the body does not have the documented shape. Invalid events are no error; see [`ServerEvent::violations`].
pub fn parse(body: &[u8], now_ms: u64) -> Result<ConversionsBody, ApiError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        ApiError::bad_request(format!("the body is not UTF-8: {error}"))
            .with_param("body", "invalid_json")
    })?;
    let members: OrderedFields<&RawValue> = serde_json::from_str(text).map_err(|error| {
        let problem = match error.classify() {
            serde_json::error::Category::Data => "is JSON, but not an object".to_owned(),
            _ => format!("is not JSON: {error}"),
        };
        ApiError::bad_request(format!(
            r#"the body {problem}; expected {{"events": [...]}}"#
        ))
        .with_param("body", "invalid_json")
    })?;
    if let Some((unknown, _)) = members
        .0
        .iter()
        .find(|(name, _)| !MEMBERS.contains(&name.as_str()))
    {
        let name = rules::display_name(unknown);
        return Err(ApiError::bad_request(format!(
            "unknown member `{name}` of the body; allowed: {}",
            MEMBERS.map(|member| format!("`{member}`")).join(", ")
        ))
        .with_param(name, "unknown_parameter"));
    }
    if let Some(repeated) = members.duplicates().first() {
        return Err(
            ApiError::bad_request(format!("the body has `{repeated}` more than once"))
                .with_param(*repeated, "repeated_parameter"),
        );
    }
    let validate_only = match members.get("validate_only").map(|value| value.get()) {
        None | Some("null" | "false") => false,
        Some("true") => true,
        Some(_) => {
            return Err(
                ApiError::bad_request("`validate_only` must be true or false")
                    .with_param("validate_only", "invalid_validate_only"),
            );
        }
    };
    let integration_source = match members.get("integration_source") {
        None => None,
        Some(value) => integration_source(value.get())?,
    };
    let events = members
        .get("events")
        .and_then(|events| serde_json::from_str::<Vec<&RawValue>>(events.get()).ok())
        .ok_or_else(|| {
            ApiError::bad_request("the body has no `events`, or it is not a list")
                .with_param("events", "missing_events")
        })?;
    match events.len() {
        0 => {
            return Err(ApiError::bad_request("`events` is an empty list")
                .with_param("events", "missing_events"));
        }
        1..=MAX_EVENTS => {}
        count => {
            return Err(ApiError::bad_request(format!(
                "`events` has {count} events, but a request may have at most {MAX_EVENTS}: split it into several requests"
            ))
            .with_param("events", "too_many_events"));
        }
    }
    Ok(ConversionsBody {
        validate_only,
        integration_source,
        events: events
            .into_iter()
            .map(|event| ServerEvent::parse(event.get(), now_ms))
            .collect(),
    })
}

/// Trims and lowercases `integration_source`.
fn integration_source(json: &str) -> Result<Option<String>, ApiError> {
    let invalid = |given: String| {
        ApiError::bad_request(format!(
            "`integration_source` is {given}; it must be 1 to {MAX_SOURCE_BYTES} characters of a-z, 0-9, `.`, `_` and `-`, and begin with a letter or digit"
        ))
        .with_param("integration_source", "invalid_integration_source")
    };
    let source = match serde_json::from_str(json) {
        Ok(Value::Null) => return Ok(None),
        Ok(Value::String(text)) => text.trim().to_lowercase(),
        Ok(other) => return Err(invalid(rules::display(&other))),
        Err(_) => return Err(invalid("nested too deeply".to_owned())),
    };
    let is_alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_valid = source.len() <= MAX_SOURCE_BYTES
        && source.bytes().next().as_ref().is_some_and(is_alphanumeric)
        && source
            .bytes()
            .all(|byte| is_alphanumeric(&byte) || b"._-".contains(&byte));
    if is_valid {
        Ok(Some(source))
    } else {
        Err(invalid(rules::display(&source.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::NOW;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn parsed(body: impl ToString) -> Result<ConversionsBody, ApiError> {
        parse(body.to_string().as_bytes(), NOW)
    }

    fn error(body: impl ToString) -> String {
        parsed(body).unwrap_err().message
    }

    #[test]
    fn body_of_another_shape_is_rejected_with_the_expected_shape() {
        assert!(error("{").contains("not JSON"));
        assert!(error("[]").contains("not an object"));
        assert!(error("{}").contains("no `events`"));
        assert!(error(json!({ "events": {} })).contains("no `events`"));
        assert!(error(json!({ "events": [] })).contains("empty list"));
        assert!(error(json!({ "events": [1], "validate": true })).contains("`validate`"));
        assert!(error(json!({ "events": [1], "validate_only": "yes" })).contains("true or false"));
        assert!(error(json!({ "events": vec![1; 1001] })).contains("1001 events"));
        assert!(error(r#"{"events":[1],"events":[2]}"#).contains("more than once"));
        assert!(!parsed(json!({ "events": [1] })).unwrap().validate_only);
        let validated = json!({ "events": [1], "validate_only": true });
        assert!(parsed(validated).unwrap().validate_only);
    }

    #[test]
    fn integration_source_is_normalized_and_checked() {
        let source = |source: Value| {
            parsed(json!({ "events": [1], "integration_source": source }))
                .map(|body| body.integration_source)
        };
        for (sent, normalized) in [
            (json!("shopify"), Some("shopify")),
            (json!(" Woo_Commerce-9.1\n"), Some("woo_commerce-9.1")),
            (json!("0"), Some("0")),
            (json!("A".repeat(64)), Some(&*"a".repeat(64))),
            (Value::Null, None),
        ] {
            assert_eq!(source(sent).unwrap().as_deref(), normalized);
        }
        for invalid in [
            json!(""),
            json!("  "),
            json!(".a"),
            json!("-a"),
            json!("_a"),
            json!("a b"),
            json!("a/b"),
            json!("ä"),
            json!("a".repeat(65)),
            json!(7),
            json!(["shopify"]),
        ] {
            let error = source(invalid.clone()).unwrap_err();
            assert_eq!(
                error.param.as_deref(),
                Some("integration_source"),
                "{invalid}"
            );
            assert!(error.message.contains("1 to 64"), "{}", error.message);
        }
        let message = source(json!("jane@example.com")).unwrap_err().message;
        assert!(!message.contains("jane"), "{message}");
    }

    #[test]
    fn deep_nesting_is_rejected() {
        assert!(error("[".repeat(500_000)).contains("JSON"));
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        let message = error(format!(r#"{{"events":[1],"integration_source":{deep}}}"#));
        assert!(message.contains("nested too deeply"), "{message}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..512)) {
            let _ = parse(&body, NOW);
        }

        #[test]
        fn arbitrary_json_tokens_never_panic(body in r#"\{"events":\[[\[\]{}",:ux\\0-9a.e+\- ]{0,64}\]\}"#) {
            let _ = parse(body.as_bytes(), NOW);
        }

        #[test]
        fn arbitrary_integration_source_is_rejected_or_normalized(source in any::<String>()) {
            if let Ok(Some(known)) = integration_source(&Value::from(source.as_str()).to_string()) {
                prop_assert_eq!(&known, &source.trim().to_lowercase());
                prop_assert!(known.len() <= 64 && known.is_ascii());
            }
        }
    }
}
