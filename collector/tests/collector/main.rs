//! The collector from outside: over TCP, with a plain HTTP client, and as a program.

mod assets;
mod cli;
mod conversions;
mod events;
mod inspector;
mod limits;
mod persistence;
mod support;
mod verdicts;
