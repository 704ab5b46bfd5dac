//! The collector on the network: listening, reading requests, answering them.

pub mod assets;
pub mod body;
pub mod error;
pub mod listen;
pub mod query;
pub mod routes;
pub mod serve;
