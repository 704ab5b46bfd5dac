//! The parts of an HTTP server that do not depend on its routes.

pub mod body;
pub mod error;
pub mod query;
pub mod serve;
