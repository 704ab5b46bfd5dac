//! The module's exports and host calls: the only code that knows of JavaScript.

#[cfg(feature = "debug")]
mod debug;
#[cfg(not(feature = "debug"))]
#[allow(unsafe_code)]
mod page;
