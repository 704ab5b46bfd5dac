//! Gives a backend's event the click that it lacks.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::browser::identifier_links;
use crate::key::{Key, Link};

/// A click from the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Click {
    /// The click ID.
    pub oppref: String,
    /// The browser ID.
    pub obref: Option<String>,
    /// The visitor's address.
    pub ip_address: Option<String>,
    /// The visitor's user agent.
    pub user_agent: Option<String>,
}

/// Looks for the click of an event that has none: by the same ID, else by `user.obref`, else by a hashed external ID, email
/// address or phone number. Returns the event with the click, and what has led to it. What the backend gave is not
/// overwritten.
///
/// # Errors
/// Those of `find`.
pub fn join<E>(
    json: &str,
    pixel: &str,
    mut find: impl FnMut(Key) -> Result<Option<Click>, E>,
) -> Result<Option<(String, Link)>, E> {
    let Ok(mut event) = serde_json::from_str::<Map<String, Value>>(json) else {
        // It is the relay's own JSON, so this cannot happen.
        return Ok(None);
    };
    if event.contains_key("oppref") {
        return Ok(None);
    }
    for (link, key) in keys(&event, pixel) {
        if let Some(click) = find(key)? {
            add(&mut event, click);
            return Ok(Some((Value::Object(event).to_string(), link)));
        }
    }
    Ok(None)
}

/// The keys by which [`join`] would look for a click, in this order.
pub fn candidates(json: &str, pixel: &str) -> Vec<Key> {
    match serde_json::from_str::<Map<String, Value>>(json) {
        Ok(event) if !event.contains_key("oppref") => keys(&event, pixel)
            .into_iter()
            .map(|(_, key)| key)
            .collect(),
        _ => Vec::new(),
    }
}

/// The keys of the hashed identifiers that name the person in an event.
pub fn person_links(json: &str, pixel: &str) -> Vec<Key> {
    let event = serde_json::from_str::<Map<String, Value>>(json).unwrap_or_default();
    match event.get("user") {
        Some(Value::Object(user)) => {
            let links = identifier_links(pixel, user).into_iter();
            links.map(|(_, key)| key).collect()
        }
        _ => Vec::new(),
    }
}

fn keys(event: &Map<String, Value>, pixel: &str) -> Vec<(Link, Key)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(ToOwned::to_owned);
    let mut keys = Vec::new();
    if let Some(id) = text(event.get("id")) {
        keys.push((Link::EventId, Key::link(pixel, Link::EventId, &id)));
    }
    if let Some(Value::Object(user)) = event.get("user") {
        if let Some(obref) = text(user.get("obref")) {
            keys.push((Link::Obref, Key::link(pixel, Link::Obref, &obref)));
        }
        keys.extend(identifier_links(pixel, user));
    }
    keys
}

fn add(event: &mut Map<String, Value>, click: Click) {
    event.insert("oppref".to_owned(), click.oppref.into());
    let user = event
        .entry("user")
        .or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(user) = user else { return };
    for (name, value) in [
        ("obref", click.obref),
        ("ip_address", click.ip_address),
        ("user_agent", click.user_agent),
    ] {
        if let Some(value) = value {
            user.entry(name).or_insert_with(|| value.into());
        }
    }
}
