//! Where requests arrive: what is kept of them, and who is told.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::response::sse;
use futures_util::Stream;
use serde_json::value::RawValue;

use crate::live::Live;
use crate::store::{Entry, Request, Store};

/// The store and its watchers, kept in step: the watchers are told while the store is locked, so that
/// they learn of everything in the order of its numbers.
#[derive(Default)]
pub struct Inbox {
    store: Mutex<Store>,
    live: Live,
}

impl Inbox {
    /// Takes the events of one request.
    pub fn receive(&self, request: Request, events: Vec<Box<RawValue>>) {
        let mut store = self.store();
        let entries = store.add(request, events);
        self.live.batch(entries);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut store = self.store();
        store.clear();
        self.live.cleared();
    }

    /// See [`Store::newest`].
    pub fn newest(&self, pixel: Option<&str>, limit: usize) -> Vec<Arc<Entry>> {
        self.store().newest(pixel, limit)
    }

    /// See [`Live::stream`].
    pub fn stream(&self) -> impl Stream<Item = Result<sse::Event, Infallible>> + use<> {
        self.live.stream()
    }

    /// Ends the streams of all who watch, so that the collector can stop.
    pub fn close_streams(&self) {
        self.live.close();
    }

    /// A panic under the lock would be a fault of ours in one request; the others go on.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
