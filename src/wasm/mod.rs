//! The pixel in a real page: the one place that knows of JavaScript.

#[cfg(feature = "debug")]
mod debug;
#[cfg(not(feature = "debug"))]
mod page;
