//! Stores what was received: the database and its writer thread, the index that finds duplicates, and the live stream to
//! inspectors.

pub mod broadcast;
pub mod database;
pub mod index;
pub mod record;
pub mod writer;
