//! Visits to pages that carry the pixel, in a browser that the test holds in its hands: it turns the clock, answers
//! the requests and owns the cookies. `protocol.md` is what these tests hold the pixel to.

mod clock;
mod commands;
mod consent;
mod debug_events;
mod diagnostics;
mod fuzz_inputs;
mod identity;
mod multi_pixel;
mod outbox;
mod page_hide;
mod pixel_config;
mod properties;
mod queue;
mod session_markers;
mod support;
mod types;
mod user;
mod wire_format;
