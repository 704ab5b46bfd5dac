//! Those who watch what arrives, as it arrives.

use std::convert::Infallible;
use std::sync::Arc;

use axum::response::sse;
use futures_util::stream::{self, Stream};
use serde::Serialize;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::store::Entry;

/// How many messages a slow reader may be behind before it is told that it has lost some.
const BACKLOG: usize = 64;

/// The largest message, in bytes of the entries in it. Instead of a larger one a reader is told to
/// reload, so that what waits for slow readers is bounded as well.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// A list of entries as JSON has it: `{"events":[…]}`.
#[derive(Serialize)]
pub struct Listing<'a> {
    /// In the order that the reader was promised.
    pub events: &'a [Arc<Entry>],
}

/// Hands out what arrives to any number of readers.
pub struct Live {
    readers: broadcast::Sender<Message>,
}

#[derive(Clone)]
enum Message {
    Batch(Arc<[Arc<Entry>]>),
    Reload,
    Cleared,
    Closing,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            readers: broadcast::Sender::new(BACKLOG),
        }
    }
}

impl Live {
    /// Tells the readers of one request's events.
    pub fn batch(&self, entries: Vec<Arc<Entry>>) {
        let size: usize = entries.iter().map(|entry| entry.size()).sum();
        self.send(if size <= MAX_MESSAGE {
            Message::Batch(entries.into())
        } else {
            Message::Reload
        });
    }

    /// Tells the readers that everything was forgotten.
    pub fn cleared(&self) {
        self.send(Message::Cleared);
    }

    /// Ends all streams.
    pub fn close(&self) {
        self.send(Message::Closing);
    }

    fn send(&self, message: Message) {
        // It is an error to have no reader, but none to us.
        let _ = self.readers.send(message);
    }

    /// What arrives from now on, as server-sent events:
    ///
    /// - `batch`, one request: `{"events":[…]}` in the order of the batch; its id is the last `seq`;
    /// - `lagged`: something was left out, `/events.json` has it;
    /// - `cleared`: everything was forgotten.
    pub fn stream(&self) -> impl Stream<Item = Result<sse::Event, Infallible>> + use<> {
        stream::unfold(self.readers.subscribe(), async |mut reader| {
            let event = match reader.recv().await {
                Ok(Message::Batch(entries)) => batch_event(&entries),
                Ok(Message::Reload) | Err(RecvError::Lagged(_)) => empty_event("lagged"),
                Ok(Message::Cleared) => empty_event("cleared"),
                Ok(Message::Closing) | Err(RecvError::Closed) => return None,
            };
            Some((Ok(event), reader))
        })
    }
}

fn batch_event(entries: &[Arc<Entry>]) -> sse::Event {
    let Ok(json) = serde_json::to_string(&Listing { events: entries }) else {
        return empty_event("lagged");
    };
    let last = entries.last().map_or(0, |entry| entry.seq);
    sse::Event::default()
        .event("batch")
        .id(last.to_string())
        .data(json)
}

/// With data, because a browser ignores an event that has none.
fn empty_event(name: &str) -> sse::Event {
    sse::Event::default().event(name).data("{}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::tests::{events, request};
    use axum::body;
    use axum::response::{IntoResponse, Sse};

    /// All that a stream carries until the collector stops.
    async fn text(
        stream: impl Stream<Item = Result<sse::Event, Infallible>> + Send + 'static,
    ) -> String {
        let response = Sse::new(stream).into_response();
        let bytes = body::to_bytes(response.into_body(), usize::MAX).await;
        String::from_utf8(bytes.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_reader_that_falls_behind_is_told_to_reload() {
        let live = Live::default();
        let mut store = Store::default();
        let stream = live.stream();
        for _ in 0..=BACKLOG {
            live.batch(store.add(request("a"), events(1)));
        }
        live.close();
        let text = text(stream).await;
        assert!(text.starts_with("event: lagged\ndata: {}\n\n"), "{text}");
        assert!(text.contains(&format!("id: {}\n", BACKLOG + 1)), "{text}");
    }

    #[tokio::test]
    async fn a_message_that_would_be_too_large_is_a_call_to_reload() {
        let live = Live::default();
        let stream = live.stream();
        let mut large = request("a");
        large.oppref = Some("x".repeat(MAX_MESSAGE / 2));
        live.batch(Store::default().add(large, events(2)));
        live.close();
        assert_eq!(text(stream).await, "event: lagged\ndata: {}\n\n");
    }

    #[tokio::test]
    async fn events_with_line_breaks_between_their_tokens_arrive_whole() {
        let live = Live::default();
        let stream = live.stream();
        let event = serde_json::value::RawValue::from_string("{\r\n\"a\":\r1}".to_owned());
        live.batch(Store::default().add(request("a"), vec![event.unwrap()]));
        live.close();
        let text = text(stream).await;
        // As a browser puts the lines together again.
        let data: Vec<&str> = text
            .split(['\r', '\n'])
            .filter_map(|line| line.strip_prefix("data: "))
            .collect();
        let listing: serde_json::Value = serde_json::from_str(&data.join("\n")).unwrap();
        assert_eq!(listing["events"][0]["event"]["a"], 1);
    }
}
