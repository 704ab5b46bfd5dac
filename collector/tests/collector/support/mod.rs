//! A collector on a port of its own, and a client for it.

pub mod server;
