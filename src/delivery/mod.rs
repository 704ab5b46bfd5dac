//! From a measured event to a request: the event queue, diagnostics and the pixel config.

pub mod diagnostics;
pub mod pixel_config;
pub mod queue;
