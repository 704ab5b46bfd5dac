//! The collector as its users meet it: over TCP, with a plain HTTP client, and as a program.

mod endpoint;

mod conversions;
mod hostile;
mod inspector;
mod pages;
mod program;
mod restart;
mod server;
mod verdicts;
