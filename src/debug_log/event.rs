//! An event as the debug log reads it from its wire form.

use crate::debug_log::messages::pluralize;
use crate::explain::{display_value, money, redact_identifiers, truncate};
use crate::mem::thin;
use crate::raw_json::RawJson;

/// What messages and tables show of an event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    /// Its type; of a custom event `custom "its_name"`.
    pub name: String,
    pub id: String,
    /// Its data in a few words: `contents, USD 25.99, 2 items`.
    pub data: String,
    /// When it was measured, in milliseconds since the epoch.
    pub timestamp_ms: u64,
}

impl Event {
    pub fn from_wire(wire: RawJson) -> Self {
        let text = |name| redact_identifiers(wire.get(name).to_thin_string().as_str());
        let kind = text(thin!("type"));
        let custom_name = text(thin!("custom_event_name"));
        Self {
            id: text(thin!("id")),
            data: describe_data(wire.get(thin!("data"))),
            timestamp_ms: wire.get(thin!("timestamp_ms")).as_u64(),
            name: if custom_name.is_empty() {
                kind
            } else {
                format!("custom \"{custom_name}\"")
            },
        }
    }

    /// The events of a request body or of an outbox record.
    pub fn all_from_wire(body: RawJson) -> Vec<Self> {
        let mut events = Vec::new();
        let mut next = body.get(thin!("events")).first_child();
        while let Some(event) = next {
            events.push(Self::from_wire(event));
            next = event.next_sibling();
        }
        events
    }

    /// Whether it reports the pixel's own status, which is no conversion.
    pub fn is_internal(&self) -> bool {
        self.name.starts_with("openai::") || self.name.starts_with("oai::")
    }

    /// `order_created "o-1"`
    pub fn describe(&self) -> String {
        format!("{} \"{}\"", self.name, truncate(self.id.clone(), 40))
    }

    /// The key by which duplicates are recognized, on one line.
    pub fn dedup_key(&self) -> String {
        format!("{} {}", self.name, self.id).replace('\n', " ")
    }
}

/// What is equal in an event that was probably measured twice, under different IDs.
#[derive(Debug)]
pub(super) struct Fingerprint {
    pub name: String,
    pub url: String,
    pub data: String,
    pub timestamp_ms: u64,
}

impl Fingerprint {
    pub fn from_wire(wire: RawJson) -> Self {
        let name = wire.get(thin!("type")).to_thin_string();
        let custom_name = wire.get(thin!("custom_event_name")).to_thin_string();
        Self {
            name: format!("{} {}", name.as_str(), custom_name.as_str()),
            url: wire
                .get(thin!("source_url"))
                .to_thin_string()
                .as_str()
                .into(),
            data: wire.get(thin!("data")).raw_text().as_str().into(),
            timestamp_ms: wire.get(thin!("timestamp_ms")).as_u64(),
        }
    }
}

fn describe_data(data: RawJson) -> String {
    let mut parts = vec![data.get(thin!("type")).to_thin_string().as_str().to_owned()];
    let amount = data.get(thin!("amount"));
    if amount.is_defined()
        && let Ok(minor) = amount.raw_text().as_str().parse()
    {
        let currency = data.get(thin!("currency")).to_thin_string();
        parts.push(money::format(minor, currency.as_str()));
    }
    let plan = data.get(thin!("plan_id"));
    if plan.is_defined() {
        parts.push(format!("plan {}", display_value(plan)));
    }
    let contents = data.get(thin!("contents"));
    if contents.is_defined() {
        let mut count = 0;
        let mut next = contents.first_child();
        while let Some(item) = next {
            count += 1;
            next = item.next_sibling();
        }
        parts.push(pluralize(count, "item"));
    }
    parts.retain(|part| !part.is_empty());
    redact_identifiers(&parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::ThinString;

    fn read(wire: &str) -> Event {
        let wire = ThinString::from(wire);
        Event::from_wire(RawJson::new(wire.as_thin()))
    }

    #[test]
    fn an_event_is_described_by_its_name_id_and_data() {
        let event = read(
            r#"{"type":"order_created","timestamp_ms":5,"id":"o-1","data":{"type":"contents","amount":2599,"currency":"USD","contents":[{},{}]}}"#,
        );
        assert_eq!(event.describe(), "order_created \"o-1\"");
        assert_eq!(event.data, "contents, USD 25.99, 2 items");
        assert_eq!(event.timestamp_ms, 5);
        assert!(!event.is_internal());
    }

    #[test]
    fn a_custom_event_is_described_by_its_own_name() {
        let event = read(
            r#"{"type":"custom","custom_event_name":"quiz_done","id":"q","data":{"type":"custom","plan_id":"gold"}}"#,
        );
        assert_eq!(event.describe(), "custom \"quiz_done\" \"q\"");
        assert_eq!(event.data, "custom, plan \"gold\"");
    }

    #[test]
    fn an_event_is_described_without_identifiers() {
        let event =
            read(r#"{"type":"lead_created","id":"me@a.test","data":{"plan_id":"+15551234567"}}"#);
        assert_eq!(event.describe(), "lead_created \"(an email address)\"");
        assert_eq!(event.data, "plan \"(a phone number)\"");
    }
}
