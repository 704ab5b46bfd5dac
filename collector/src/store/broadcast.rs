//! Streams new events to inspectors.

use std::convert::Infallible;
use std::sync::Arc;

use axum::response::sse;
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::store::record::{self, EventRecord};

/// How many messages a slow subscriber may fall behind before it misses some and gets `lagged`.
const BACKLOG: usize = 64;

/// The largest message, in bytes. Instead of a larger one, `lagged` is sent, which bounds the memory that slow subscribers
/// hold.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// Sends each new batch to any number of subscribers.
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
    /// Publishes the events of one request.
    pub fn publish(&self, records: &Arc<[EventRecord]>) {
        let size: usize = records.iter().map(EventRecord::json_size).sum();
        self.send(if size <= MAX_MESSAGE_BYTES {
            Message::Batch(Arc::clone(records))
        } else {
            Message::Reload
        });
    }

    /// Publishes that all events were deleted.
    pub fn publish_cleared(&self) {
        self.send(Message::Cleared);
    }

    /// Ends all streams.
    pub fn close(&self) {
        self.send(Message::Closing);
    }

    fn send(&self, message: Message) {
        // Fails only if there is no subscriber.
        let _ = self.subscribers.send(message);
    }

    /// Everything published from now on, as server-sent events:
    ///
    /// - `batch`, one request: `{"events":[…]}` in the order of the batch; the message ID is the last `seq`;
    /// - `lagged`: some events were left out; reload `/events.json`;
    /// - `cleared`: all events were deleted.
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

/// Has data, because browsers ignore a message without any.
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

    /// Everything in a stream until it is closed.
    async fn text(
        stream: impl Stream<Item = Result<sse::Event, Infallible>> + Send + 'static,
    ) -> String {
        let response = Sse::new(stream).into_response();
        let bytes = body::to_bytes(response.into_body(), usize::MAX).await;
        String::from_utf8(bytes.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn slow_subscriber_gets_lagged() {
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
    async fn oversized_batch_is_replaced_by_lagged() {
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
    async fn events_with_line_breaks_between_tokens_arrive_intact() {
        let broadcaster = Broadcaster::default();
        let stream = broadcaster.subscribe();
        broadcaster.publish(&records(1, "{\r\n\"a\":\r1}"));
        broadcaster.close();
        let text = text(stream).await;
        // A browser joins the lines in the same way.
        let data: Vec<&str> = text
            .split(['\r', '\n'])
            .filter_map(|line| line.strip_prefix("data: "))
            .collect();
        let listing: serde_json::Value = serde_json::from_str(&data.join("\n")).unwrap();
        assert_eq!(listing["events"][0]["event"]["a"], 1);
    }
}
