//! The relay from outside, between a browser or a backend and a real collector that stands in for OpenAI.

mod backend;
mod browser;
mod cli;
mod cluster;
mod cluster_failover;
mod consent;
mod delivery;
mod files;
mod operating;
mod support;
