//! Events of the site's backend, in the form that the Conversions API documents now.

use oaiq_ingest::conversions_api::{ServerEvent, current_name};
use oaiq_ingest::rules;
use serde_json::{Map, Value};

use super::CheckedEvent;
use super::url::public_url;

/// Brings a valid event into the present form: without nulls, with lists under their present names, `obref` in `user`, and
/// a `source_url` without query and fragment. What the backend gave is kept otherwise.
pub fn from_backend(event: &ServerEvent) -> Option<CheckedEvent> {
    let mut fields: Map<String, Value> = serde_json::from_str(&event.text).ok()?;
    fields.retain(|_, value| !value.is_null());
    let mut user = match fields.remove("user") {
        Some(Value::Object(user)) => with_current_names(user),
        _ => Map::new(),
    };
    if let Some(obref) = fields.remove("obref") {
        user.entry("obref").or_insert(obref);
    }
    let obref = user
        .get("obref")
        .and_then(Value::as_str)
        .map(ToOwned::to_owned);
    if !user.is_empty() {
        fields.insert("user".to_owned(), user.into());
    }
    if let Some(Value::String(url)) = fields.get("source_url")
        && let Some(public) = public_url(url)
    {
        fields.insert("source_url".to_owned(), public.into());
    }
    let timestamp_ms = fields
        .get("timestamp_ms")
        .and_then(rules::as_whole_number)?;
    Some(CheckedEvent {
        name: rules::dedup_name(&event.name, event.custom_event_name.as_deref()).into_owned(),
        id: event.id.clone(),
        timestamp_ms: timestamp_ms.try_into().ok()?,
        obref,
        json: Value::Object(fields).to_string(),
    })
}

/// `user` with the present names. A value under a legacy name comes after those under the present one.
fn with_current_names(user: Map<String, Value>) -> Map<String, Value> {
    let mut current = Map::new();
    let mut legacy = Vec::new();
    for (name, value) in user {
        match current_name(&name) {
            _ if value.is_null() => {}
            Some(replacement) => legacy.push((replacement, value)),
            None => _ = current.insert(name, value),
        }
    }
    for (name, value) in legacy {
        let is_single = matches!(name, "ip_address" | "user_agent");
        match current.get_mut(name) {
            None if is_single || value.is_array() => _ = current.insert(name.to_owned(), value),
            None => _ = current.insert(name.to_owned(), vec![value].into()),
            Some(Value::Array(list)) => {
                let values = match value {
                    Value::Array(values) => values,
                    one => vec![one],
                };
                list.extend(values);
            }
            Some(_) => {}
        }
    }
    for (_, name, _) in super::HASHED {
        if let Some(Value::Array(hashes)) = current.get_mut(name) {
            lowercase(hashes);
        }
    }
    current
}

/// The API ignores a hash in uppercase.
fn lowercase(hashes: &mut [Value]) {
    for hash in hashes {
        if let Value::String(hash) = hash {
            hash.make_ascii_lowercase();
        }
    }
}
