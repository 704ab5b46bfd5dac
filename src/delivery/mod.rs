//! The way of an event from its call to the endpoint: queue, diagnostics and the pixel's configuration.

pub mod diagnostics;
pub mod pixel_config;
pub mod queue;
