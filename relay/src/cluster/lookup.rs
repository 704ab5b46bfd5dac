//! Reads clicks of the cluster, to join them with events.

use async_nats::jetstream::kv::Operation;

use super::ClusterError;
use super::connect::Connected;
use super::entry::ClickValue;
use crate::event::{Half, Unjoined};
use crate::key::{Key, Link};
use crate::store::handover::StoredEvent;
use crate::store::maintain::CLICK_LIFE_MS;

impl Connected {
    /// The value of a key in a bucket.
    pub async fn get(
        bucket: &async_nats::jetstream::kv::Store,
        key: String,
    ) -> Result<Option<Vec<u8>>, ClusterError> {
        let entry = bucket
            .entry(key)
            .await
            .map_err(|error| ClusterError::new("NATS does not answer", &error))?;
        Ok(entry
            .filter(|entry| entry.operation == Operation::Put)
            .map(|entry| entry.value.to_vec()))
    }

    /// The click that a link leads to, with its key.
    pub async fn click_of(&self, link: Key) -> Result<Option<(Key, ClickValue)>, ClusterError> {
        let Some(click) = Self::get(&self.links, link.to_hex()).await? else {
            return Ok(None);
        };
        let Some(key) = std::str::from_utf8(&click).ok().and_then(Key::from_hex) else {
            return Ok(None);
        };
        let value = Self::get(&self.clicks, key.to_hex()).await?;
        let value = value.and_then(|value| serde_json::from_slice(&value).ok());
        Ok(value.map(|value| (key, value)))
    }

    /// The event as JSON with its click, and what has led to the click. As [`join`](crate::event::join) does.
    pub async fn join(
        &self,
        event: &StoredEvent,
        now_ms: u64,
    ) -> Result<(String, Option<Link>), ClusterError> {
        let is_backends = event.halves & Half::Backend.bit() != 0;
        let unjoined = is_backends.then(|| Unjoined::parse(&event.json, &event.pixel));
        if let Some((unjoined, links)) = unjoined.flatten() {
            for (link, key) in links {
                if let Some((_, value)) = self.click_of(key).await?
                    && value.first_ms.saturating_add(CLICK_LIFE_MS) > now_ms
                {
                    return Ok((unjoined.with(value.click), Some(link)));
                }
            }
        }
        Ok((event.json.clone(), None))
    }
}
