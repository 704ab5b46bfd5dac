//! The HTTP server: listens, reads requests and responds.

pub mod assets;
pub mod listen;
pub mod routes;
pub mod serve;

pub use oaiq_ingest::http::{body, error, query};
