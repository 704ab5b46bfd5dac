//! The pixel's batches and image tags as events of the Conversions API.

use std::net::IpAddr;

use oaiq::explain::redact_identifiers;
use oaiq::wire;
use oaiq_ingest::conversions_api::is_valid_place;
use oaiq_ingest::image_tag::ImageTag;
use oaiq_ingest::remarks::Violation;
use oaiq_ingest::rules;
use oaiq_ingest::sdk_batch::Batch;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::url::public_url;
use super::{CheckedEvent, HASHED, MAX_HASHES, PLACES};
use crate::config::Origin;
use crate::key::{Key, Link};
use crate::store::accept::Visit;

/// The parts of the pixel's `user`, in the order in which their identifiers count: what the site gave, then what was read
/// from forms, from JavaScript and from the page.
const USER_PARTS: [&str; 4] = ["in", "fm", "js", "ht"];

/// What a browser's request says besides its body.
#[derive(Debug, Clone)]
pub struct BrowserContext<'a> {
    /// The pixel ID.
    pub pixel: &'a str,
    /// What to add to timestamps, because the visitor's clock is wrong.
    pub clock_shift_ms: i64,
    /// The page's origin.
    pub origin: &'a Origin,
    /// The origins of the configuration.
    pub origins: &'a [Origin],
    /// The cookie `__oppref`.
    pub oppref_cookie: Option<&'a str>,
    /// The cookie `__obref`.
    pub obref_cookie: Option<&'a str>,
    /// The visitor's address.
    pub ip_address: Option<IpAddr>,
    /// The header `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// Whether the visitor has opted out of targeting.
    pub opt_out: bool,
}

/// What a request becomes.
#[derive(Debug, Default)]
pub struct Mapped {
    /// The click that the visit leaves.
    pub visit: Option<Visit>,
    /// The browser ID.
    pub obref: Option<String>,
    /// The valid events.
    pub events: Vec<CheckedEvent>,
    /// The rules that the others break.
    pub violations: Vec<Vec<Violation>>,
    /// How many events are the pixel's own, which the Conversions API does not take.
    pub internal: usize,
}

/// An event as it is sent.
#[derive(Serialize)]
struct Outgoing<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    id: &'a str,
    timestamp_ms: u64,
    action_source: &'static str,
    source_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_event_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opt_out: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oppref: Option<&'a str>,
    user: &'a RawValue,
    data: &'a Map<String, Value>,
}

/// Maps a batch. Its events are checked already; the identifiers that the pixel has read from forms are checked here.
pub fn from_batch(batch: Batch, context: &BrowserContext) -> Mapped {
    let mut mapped = Mapped::default();
    let user: Map<String, Value> = batch
        .user
        .and_then(|user| serde_json::from_str(user.get()).ok())
        .unwrap_or_default();
    let (identifiers, mut user_violations) = user_fields(&user);
    user_violations.splice(0..0, batch.user_violations);
    let oppref = batch.oppref.filter(|oppref| !oppref.is_empty());
    let oppref = oppref.as_deref().or(context.oppref_cookie);
    let obref = batch.obref.filter(|obref| !obref.trim().is_empty());
    let visitor = Visitor::new(context, identifiers, oppref, obref.as_deref());

    for event in batch.events {
        if rules::is_internal(&event.name) {
            mapped.internal += 1;
            continue;
        }
        let mut violations = event.violations;
        violations.extend(user_violations.iter().cloned());
        violations.extend(raw_id_violation(&event.id));
        if violations.is_empty() {
            match serde_json::from_str(event.text.get()) {
                Ok(event) => mapped.events.push(visitor.outgoing(&event)),
                // It was parsed before, so this cannot happen.
                Err(error) => violations.push(Violation::new("event", error.to_string(), "JSON")),
            }
        }
        if !violations.is_empty() {
            mapped.violations.push(violations);
        }
    }
    if mapped.violations.is_empty() || !mapped.events.is_empty() {
        mapped.visit = visitor.visit();
    }
    mapped.obref = obref;
    mapped
}

/// Maps an image tag. Without an ID of its own, the event gets a random one.
pub fn from_image_tag(tag: ImageTag, referer: Option<&str>, context: &BrowserContext) -> Mapped {
    let mut mapped = Mapped::default();
    let oppref = tag.oppref.as_deref().or(context.oppref_cookie);
    let visitor = Visitor::new(context, Map::new(), oppref, context.obref_cookie);
    mapped.obref = context.obref_cookie.map(ToOwned::to_owned);
    let mut violations = tag.event.violations();
    let options = tag.event.other_params;
    let id = tag
        .event
        .id
        .unwrap_or_else(|| format!("{:032x}", rand::random::<u128>()));
    violations.extend(rules::id_violation(&id));
    violations.extend(raw_id_violation(&id));
    if !violations.is_empty() {
        mapped.violations.push(violations);
        return mapped;
    }
    let event = wire::Event {
        name: tag.event.name,
        timestamp_ms: tag.event.timestamp_ms,
        id,
        source_url: referer.map(ToOwned::to_owned),
        referrer_url: None,
        opt_out: options.get("opt_out").and_then(Value::as_bool),
        custom_event_name: options
            .get("custom_event_name")
            .and_then(Value::as_str)
            .map(ToOwned::to_owned),
        data: tag.event.data,
    };
    mapped.events.push(visitor.outgoing(&event));
    mapped.visit = visitor.visit();
    mapped
}

/// What the events of one request have in common.
struct Visitor<'a> {
    context: &'a BrowserContext<'a>,
    oppref: Option<&'a str>,
    obref: Option<&'a str>,
    user: Map<String, Value>,
    user_json: Box<RawValue>,
}

impl<'a> Visitor<'a> {
    fn new(
        context: &'a BrowserContext<'a>,
        mut user: Map<String, Value>,
        oppref: Option<&'a str>,
        obref: Option<&'a str>,
    ) -> Self {
        if let Some(obref) = obref {
            user.insert("obref".to_owned(), obref.into());
        }
        if let Some(address) = context.ip_address {
            user.insert("ip_address".to_owned(), address.to_string().into());
        }
        if let Some(agent) = context.user_agent {
            user.insert("user_agent".to_owned(), agent.into());
        }
        // A map of strings and lists of strings can be serialized.
        let user_json = to_raw_value(&user).unwrap_or_default();
        Self {
            context,
            oppref,
            obref,
            user,
            user_json,
        }
    }

    fn outgoing(&self, event: &wire::Event) -> CheckedEvent {
        let context = self.context;
        let timestamp_ms = event
            .timestamp_ms
            .saturating_add_signed(context.clock_shift_ms);
        let source_url = event.source_url.as_deref().and_then(public_url);
        // The relay signs for the site's own pages only.
        let source_url = source_url.filter(|url| {
            Origin::of_url(url).is_some_and(|origin| context.origins.contains(&origin))
        });
        let outgoing = Outgoing {
            name: &event.name,
            id: &event.id,
            timestamp_ms,
            action_source: "web",
            source_url: source_url
                .as_deref()
                .unwrap_or_else(|| context.origin.as_str()),
            custom_event_name: event.custom_event_name.as_deref(),
            opt_out: match context.opt_out {
                true => Some(true),
                false => event.opt_out,
            },
            oppref: self.oppref,
            user: &self.user_json,
            data: &event.data,
        };
        CheckedEvent {
            name: rules::dedup_name(&event.name, event.custom_event_name.as_deref()).into_owned(),
            id: event.id.clone(),
            timestamp_ms,
            obref: self.obref.map(ToOwned::to_owned),
            // A map with text keys can be serialized.
            json: serde_json::to_string(&outgoing).unwrap_or_default(),
        }
    }

    fn visit(&self) -> Option<Visit> {
        let pixel = self.context.pixel;
        let oppref = self.oppref?;
        let mut links: Vec<Key> = self
            .obref
            .map(|obref| Key::link(pixel, Link::Obref, obref))
            .into_iter()
            .collect();
        links.extend(
            identifier_links(pixel, &self.user)
                .into_iter()
                .map(|(_, key)| key),
        );
        Some(Visit {
            oppref: oppref.to_owned(),
            obref: self.obref.map(ToOwned::to_owned),
            ip_address: self.context.ip_address,
            user_agent: self.context.user_agent.map(ToOwned::to_owned),
            links,
        })
    }
}

/// The keys of the hashed identifiers in a `user` of the Conversions API, in the order in which they count.
pub fn identifier_links(pixel: &str, user: &Map<String, Value>) -> Vec<(Link, Key)> {
    HASHED
        .iter()
        .filter_map(|(_, name, link)| Some((user.get(*name)?.as_array()?, (*link)?)))
        .flat_map(|(hashes, link)| {
            let hashes = hashes.iter().filter_map(Value::as_str);
            hashes.map(move |hash| (link, Key::link(pixel, link, hash)))
        })
        .collect()
}

/// `user` of a batch in the form of the Conversions API, and its violations. A place that the API would refuse is left out:
/// it is not worth losing the event.
fn user_fields(user: &Map<String, Value>) -> (Map<String, Value>, Vec<Violation>) {
    let mut fields = Map::new();
    let mut violations = Vec::new();
    for (short, name, _) in HASHED {
        let mut hashes: Vec<String> = Vec::new();
        for part in USER_PARTS {
            let values = match user.get(part).and_then(|part| part.get(short)) {
                None | Some(Value::Null) => continue,
                Some(Value::Array(values)) => values.as_slice(),
                Some(value) => std::slice::from_ref(value),
            };
            for value in values {
                match value.as_str() {
                    Some(hash) if rules::is_sha256_hex(hash) => {
                        let hash = hash.to_ascii_lowercase();
                        if hashes.len() < MAX_HASHES && !hashes.contains(&hash) {
                            hashes.push(hash);
                        }
                    }
                    _ => violations.push(rules::not_hashed(format!("user.{part}.{short}"))),
                }
            }
        }
        if !hashes.is_empty() {
            fields.insert(name.to_owned(), hashes.into());
        }
    }
    for (short, name) in PLACES {
        let mut places: Vec<&str> = Vec::new();
        for part in USER_PARTS {
            let values = match user.get(part).and_then(|part| part.get(short)) {
                Some(Value::Array(values)) => values.as_slice(),
                Some(value) => std::slice::from_ref(value),
                None => continue,
            };
            for place in values.iter().filter_map(Value::as_str) {
                let is_raw_identifier = redact_identifiers(place) != place;
                if is_valid_place(name, place) && !is_raw_identifier && !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        places.truncate(MAX_HASHES);
        if !places.is_empty() {
            fields.insert(name.to_owned(), places.into());
        }
    }
    violations.truncate(rules::MAX_VIOLATIONS);
    (fields, violations)
}

/// An email address or phone number as ID would leave the site unhashed.
pub fn raw_id_violation(id: &str) -> Option<Violation> {
    (redact_identifiers(id) != id).then(|| {
        Violation::new(
            "id",
            rules::REDACTED,
            "an ID that does not contain an email address or phone number, such as the order's number",
        )
        .of_kind("not_hashed")
    })
}
