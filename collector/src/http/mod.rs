//! The HTTP server: listens, reads requests and responds.

pub mod assets;
pub mod body;
pub mod error;
pub mod listen;
pub mod query;
pub mod routes;
pub mod serve;
