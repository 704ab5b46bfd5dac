//! Reads and checks the events of a request, and passes them to the store.
//!
//! [`sdk_batch`], [`image_tag`] and [`conversions_api`] parse one kind of request each; [`rules`] has the checks that
//! they share. [`pipeline`] numbers the events, finds duplicates and queues them for storage.

pub mod conversions_api;
pub mod image_tag;
pub mod ordered_fields;
pub mod pipeline;
pub mod rules;
pub mod sdk_batch;

pub use pipeline::{EvaluatedEvent, Evaluation, Ingest};
