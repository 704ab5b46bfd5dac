//! Deletes what the cluster has of a person.

use std::collections::{BTreeMap, BTreeSet};

use async_nats::jetstream::kv::{Operation, Store};
use futures_util::StreamExt;

use super::ClusterError;
use super::connect::Connected;
use super::entry::{self, ClickValue, State};
use crate::key::Key;
use crate::store::forget::Erasure;

impl Connected {
    /// Notes that something belongs to a person, so that [`Connected::erase`] finds it.
    pub async fn note(&self, person: Key, what: &str) -> Result<(), ClusterError> {
        let key = format!("{}.{what}", person.to_hex());
        let put = self.people.put(key, "".into()).await;
        put.map(drop)
            .map_err(|error| ClusterError::new("NATS does not store a key", &error))
    }

    /// Deletes what was stored about a person up to the erasure's time.
    ///
    /// An identifier leads to clicks, a click to the browser, and the browser to everything that it has sent, as in the store.
    pub async fn erase(&self, erasure: &Erasure) -> Result<(), ClusterError> {
        let mut people: BTreeSet<Key> = erasure.visitors.iter().copied().collect();
        let mut clicks: BTreeMap<Key, ClickValue> = BTreeMap::new();
        for link in &erasure.links {
            people.insert(*link);
            if let Some((key, value)) = self.click_of(*link).await? {
                people.insert(value.visitor.unwrap_or(key));
                clicks.insert(key, value);
            }
        }
        let mut notes = Vec::new();
        for person in &people {
            notes.extend(self.notes(*person).await?);
        }
        for (_, what) in &notes {
            if let Some(key) = what.strip_prefix("c.").and_then(Key::from_hex) {
                let value = Self::get(&self.clicks, key.to_hex()).await?;
                if let Some(value) = value.and_then(|value| serde_json::from_slice(&value).ok()) {
                    clicks.insert(key, value);
                }
            }
        }
        clicks.retain(|_, value| value.first_ms <= erasure.until_ms);
        for (person, what) in notes {
            let is_gone = match what.split_once('.') {
                Some(("e", event)) => self.erase_event(event, erasure.until_ms).await?,
                Some(("l", link)) => self.erase_link(link, &clicks).await?,
                Some(("c", click)) => {
                    Key::from_hex(click).is_none_or(|key| clicks.contains_key(&key))
                }
                _ => true,
            };
            if is_gone {
                remove(&self.people, &format!("{}.{what}", person.to_hex())).await?;
            }
        }
        for link in erasure.links.iter().chain(&erasure.obref_links) {
            self.erase_link(&link.to_hex(), &clicks).await?;
        }
        // Last: if this fails before, the next attempt still finds what leads here.
        for click in clicks.keys() {
            remove(&self.clicks, &click.to_hex()).await?;
        }
        Ok(())
    }

    /// What belongs to a person.
    async fn notes(&self, person: Key) -> Result<Vec<(Key, String)>, ClusterError> {
        let failed =
            |error| ClusterError::new("NATS does not say what belongs to a person", &error);
        let prefix = format!("{}{}.", self.people.prefix, person.to_hex());
        let mut subjects = self
            .people
            .stream
            .info_with_subjects(format!("{prefix}>"))
            .await
            .map_err(failed)?;
        let mut notes = Vec::new();
        while let Some(subject) = subjects.next().await {
            let (subject, _) = subject.map_err(failed)?;
            if let Some(what) = subject.strip_prefix(&prefix) {
                notes.push((person, what.to_owned()));
            }
        }
        Ok(notes)
    }

    /// Deletes an event that was not delivered yet. False if it is to be kept.
    async fn erase_event(&self, key: &str, until_ms: u64) -> Result<bool, ClusterError> {
        let failed = |error| ClusterError::new("NATS does not answer", &error);
        let Some(entry) = self.events.entry(key).await.map_err(failed)? else {
            return Ok(true);
        };
        if entry.operation != Operation::Put {
            return Ok(true);
        }
        match entry::decode(&entry.value) {
            Ok(State::Pending(event)) if event.received_ms <= until_ms => {
                // If its other half has arrived just now, this fails and is tried again.
                self.events
                    .delete_expect_revision(key, Some(entry.revision))
                    .await
                    .map_err(|error| ClusterError::new("NATS does not delete an event", &error))?;
                Ok(true)
            }
            Ok(State::Pending(_)) => Ok(false),
            Ok(State::Delivered) | Err(_) => Ok(true),
        }
    }

    /// Deletes a link to one of these clicks, or to none. False if it leads elsewhere.
    async fn erase_link(
        &self,
        link: &str,
        clicks: &BTreeMap<Key, ClickValue>,
    ) -> Result<bool, ClusterError> {
        let Some(click) = Self::get(&self.links, link.to_owned()).await? else {
            return Ok(true);
        };
        let click = std::str::from_utf8(&click).ok().and_then(Key::from_hex);
        if let Some(click) = click
            && !clicks.contains_key(&click)
            && Self::get(&self.clicks, click.to_hex()).await?.is_some()
        {
            return Ok(false);
        }
        remove(&self.links, link).await?;
        Ok(true)
    }
}

/// Removes a key without a trace.
async fn remove(bucket: &Store, key: &str) -> Result<(), ClusterError> {
    let purged = bucket
        .stream
        .purge()
        .filter(format!("{}{key}", bucket.prefix))
        .await;
    purged
        .map(drop)
        .map_err(|error| ClusterError::new("NATS does not delete a key", &error))
}
