//! Reads and checks what pixels and servers send, for the servers that receive it: the collector and the relay.
//!
//! [`http`] serves connections and reads requests within limits. [`sdk_batch`], [`image_tag`] and [`conversions_api`]
//! parse one kind of request each; [`rules`] has the checks that they share.

pub mod conversions_api;
pub mod http;
pub mod image_tag;
pub mod ordered_fields;
pub mod remarks;
pub mod rules;
pub mod sdk_batch;
pub mod stop;
