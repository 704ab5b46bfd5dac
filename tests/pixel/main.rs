//! Visits to pages that carry the pixel, in a browser that the test holds in its hands: it turns the clock, answers
//! the requests and owns the cookies. `protocol.md` is what these tests hold the pixel to.

mod browser;
mod cookies;
mod visit;

mod batching;
mod clock;
mod commands;
mod consent;
mod debugging;
mod diagnostics;
mod hostile;
mod identity;
mod leaving;
mod outbox;
mod pixels;
mod properties;
mod sessions;
mod settings;
mod types;
mod user;
mod wire_form;
