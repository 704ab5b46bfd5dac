//! Those who watch what arrives, as it arrives.

use std::convert::Infallible;
use std::sync::Arc;

use axum::response::sse;
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::store::record::{self, EventRecord};

/// How many messages a slow subscriber may be behind before it is told that it has lost some.
const BACKLOG: usize = 64;

/// The largest message, in bytes of the records in it. Instead of a larger one a subscriber is told to
/// reload, so that what waits for slow subscribers is bounded as well.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// Hands out what arrives to any number of subscribers.
pub struct Broadcaster {
    subscribers: broadcast::Sender<Message>,
}

#[derive(Clone)]
enum Message {
    Batch(Arc<[EventRecord]>),
    Reload,
    Cleared,
    Closing,
}

impl Default for Broadcaster {
    fn default() -> Self {
        Self {
            subscribers: broadcast::Sender::new(BACKLOG),
        }
    }
}

impl Broadcaster {
    /// Tells the subscribers of one request's events.
    pub fn publish(&self, records: &Arc<[EventRecord]>) {
        let size: usize = records.iter().map(EventRecord::json_size).sum();
        self.send(if size <= MAX_MESSAGE_BYTES {
            Message::Batch(Arc::clone(records))
        } else {
            Message::Reload
        });
    }

    /// Tells the subscribers that everything was forgotten.
    pub fn publish_cleared(&self) {
        self.send(Message::Cleared);
    }

    /// Ends all streams.
    pub fn close(&self) {
        self.send(Message::Closing);
    }

    fn send(&self, message: Message) {
        // It is an error to have no subscriber, but none to us.
        let _ = self.subscribers.send(message);
    }

    /// What arrives from now on, as server-sent events:
    ///
    /// - `batch`, one request: `{"events":[…]}` in the order of the batch; its id is the last `seq`;
    /// - `lagged`: something was left out, `/events.json` has it;
    /// - `cleared`: everything was forgotten.
    pub fn subscribe(&self) -> impl Stream<Item = Result<sse::Event, Infallible>> + use<> {
        stream::unfold(self.subscribers.subscribe(), async |mut subscriber| {
            let event = match subscriber.recv().await {
                Ok(Message::Batch(records)) => batch_event(&records),
                Ok(Message::Reload) | Err(RecvError::Lagged(_)) => empty_event("lagged"),
                Ok(Message::Cleared) => empty_event("cleared"),
                Ok(Message::Closing) | Err(RecvError::Closed) => return None,
            };
            Some((Ok(event), subscriber))
        })
    }
}

fn batch_event(records: &[EventRecord]) -> sse::Event {
    let last = records.last().map_or(0, |record| record.seq);
    sse::Event::default()
        .event("batch")
        .id(last.to_string())
        .data(record::to_json_list(records))
}

/// With data, because a browser ignores an event that has none.
fn empty_event(name: &str) -> sse::Event {
    sse::Event::default().event(name).data("{}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body;
    use axum::response::{IntoResponse, Sse};

    fn records(seq: u64, event: &str) -> Arc<[EventRecord]> {
        Arc::new([EventRecord {
            seq,
            batch: seq,
            request: r#"{"pixel":"P"}"#.into(),
            verdict: r#"{"verdict":"counted"}"#.into(),
            event: event.into(),
        }])
    }

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
        let broadcaster = Broadcaster::default();
        let stream = broadcaster.subscribe();
        for seq in 1..=BACKLOG as u64 + 1 {
            broadcaster.publish(&records(seq, "{}"));
        }
        broadcaster.close();
        let text = text(stream).await;
        assert!(text.starts_with("event: lagged\ndata: {}\n\n"), "{text}");
        assert!(text.contains(&format!("id: {}\n", BACKLOG + 1)), "{text}");
    }

    #[tokio::test]
    async fn a_message_that_would_be_too_large_is_a_call_to_reload() {
        let broadcaster = Broadcaster::default();
        let stream = broadcaster.subscribe();
        broadcaster.publish(&records(
            1,
            &format!("\"{}\"", "x".repeat(MAX_MESSAGE_BYTES)),
        ));
        broadcaster.close();
        assert_eq!(text(stream).await, "event: lagged\ndata: {}\n\n");
    }

    #[tokio::test]
    async fn events_with_line_breaks_between_their_tokens_arrive_whole() {
        let broadcaster = Broadcaster::default();
        let stream = broadcaster.subscribe();
        broadcaster.publish(&records(1, "{\r\n\"a\":\r1}"));
        broadcaster.close();
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
