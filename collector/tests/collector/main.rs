//! The collector as its users meet it: over TCP, with a plain HTTP client, and as a program.

mod events;

mod assets;
mod cli;
mod conversions;
mod inspector;
mod limits;
mod persistence;
mod support;
mod verdicts;
