//! Those who watch what arrives, as it arrives.

use std::convert::Infallible;
use std::sync::Arc;

use axum::response::sse;
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::store::record::{self, Entry};

/// How many messages a slow reader may be behind before it is told that it has lost some.
const BACKLOG: usize = 64;

/// The largest message, in bytes of the entries in it. Instead of a larger one a reader is told to
/// reload, so that what waits for slow readers is bounded as well.
const MAX_MESSAGE: usize = 1024 * 1024;

/// Hands out what arrives to any number of readers.
pub struct Live {
    readers: broadcast::Sender<Message>,
}

#[derive(Clone)]
enum Message {
    Batch(Arc<[Entry]>),
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
    pub fn batch(&self, entries: &Arc<[Entry]>) {
        let size: usize = entries.iter().map(Entry::size).sum();
        self.send(if size <= MAX_MESSAGE {
            Message::Batch(Arc::clone(entries))
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

fn batch_event(entries: &[Entry]) -> sse::Event {
    let last = entries.last().map_or(0, |entry| entry.seq);
    sse::Event::default()
        .event("batch")
        .id(last.to_string())
        .data(record::listing(entries))
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

    fn entries(seq: u64, event: &str) -> Arc<[Entry]> {
        Arc::new([Entry {
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
        let live = Live::default();
        let stream = live.stream();
        for seq in 1..=BACKLOG as u64 + 1 {
            live.batch(&entries(seq, "{}"));
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
        live.batch(&entries(1, &format!("\"{}\"", "x".repeat(MAX_MESSAGE))));
        live.close();
        assert_eq!(text(stream).await, "event: lagged\ndata: {}\n\n");
    }

    #[tokio::test]
    async fn events_with_line_breaks_between_their_tokens_arrive_whole() {
        let live = Live::default();
        let stream = live.stream();
        live.batch(&entries(1, "{\r\n\"a\":\r1}"));
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
