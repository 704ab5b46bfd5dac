//! What has been received: the database, the index by which events are counted once, and the stream to inspectors.

pub mod broadcast;
pub mod database;
pub mod index;
pub mod record;
