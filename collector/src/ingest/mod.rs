//! Passes the checked events of a request to the store.
//!
//! `oaiq_ingest` parses and checks requests. [`pipeline`] numbers the events, finds duplicates and queues them for storage.

pub mod pipeline;

pub use oaiq_ingest::{conversions_api, image_tag, rules, sdk_batch};
pub use pipeline::{EvaluatedEvent, Evaluation, Ingest};
