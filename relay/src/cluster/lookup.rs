//! Reads clicks of the cluster, to join them with events.

use std::collections::HashMap;

use async_nats::jetstream::kv::Operation;

use super::ClusterError;
use super::connect::Connected;
use super::entry::ClickValue;
use crate::event::{Click, Half, candidates, join};
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

    /// The event as JSON with its click, and what has led to the click. As [`join`] does.
    pub async fn join(
        &self,
        event: &StoredEvent,
        now_ms: u64,
    ) -> Result<(String, Option<Link>), ClusterError> {
        let unchanged = || (event.json.clone(), None);
        if event.halves & Half::Backend.bit() == 0 {
            return Ok(unchanged());
        }
        let mut found: HashMap<Key, Click> = HashMap::new();
        for link in candidates(&event.json, &event.pixel) {
            if let Some((_, value)) = self.click_of(link).await?
                && value.first_ms.saturating_add(CLICK_LIFE_MS) > now_ms
            {
                found.insert(link, value.click);
                // It is the first that counts.
                break;
            }
        }
        let joined = join(&event.json, &event.pixel, |key| {
            Ok::<_, std::convert::Infallible>(found.remove(&key))
        });
        Ok(match joined {
            Ok(Some((json, link))) => (json, Some(link)),
            Ok(None) | Err(_) => unchanged(),
        })
    }
}
