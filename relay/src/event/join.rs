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

/// An event of the backend that lacks its click.
pub struct Unjoined(Map<String, Value>);

impl Unjoined {
    /// Reads an event, and what may lead to its click, in the order in which it counts: the same ID, `user.obref`, a hashed
    /// external ID, email address or phone number. None if the event has a click.
    pub fn parse(json: &str, pixel: &str) -> Option<(Self, Vec<(Link, Key)>)> {
        // It is the relay's own JSON, so it can be read.
        let event: Map<String, Value> = serde_json::from_str(json).ok()?;
        if event.contains_key("oppref") {
            return None;
        }
        let links = keys(&event, pixel);
        Some((Self(event), links))
    }

    /// The event with the click. What the backend gave is not overwritten.
    pub fn with(mut self, click: Click) -> String {
        add(&mut self.0, click);
        Value::Object(self.0).to_string()
    }
}

/// Looks for the click of an event that has none. Returns the event with the click, and what has led to it.
///
/// # Errors
/// Those of `find`.
pub fn join<E>(
    json: &str,
    pixel: &str,
    find: impl Fn(Key) -> Result<Option<Click>, E>,
) -> Result<Option<(String, Link)>, E> {
    let Some((event, links)) = Unjoined::parse(json, pixel) else {
        return Ok(None);
    };
    for (link, key) in links {
        if let Some(click) = find(key)? {
            return Ok(Some((event.with(click), link)));
        }
    }
    Ok(None)
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
