//! The tracker in a fake browser, whose clock, network, cookies and storage the test controls.
//! The expected behavior is described in `docs/protocol.md`.

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
mod user;
mod wire_format;
