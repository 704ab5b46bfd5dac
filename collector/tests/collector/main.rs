//! The collector as its users meet it: over TCP, with a plain HTTP client, and as a program.

mod endpoint;
mod folders;
mod hostile;
mod inspector;
mod program;
mod server;
