//! A first-party server in front of OpenAI's Conversions API: it takes the events of the pixel and of the site's own servers,
//! keeps them until they are delivered, and gives each event of the backend the click that it lacks.
//!
//! Data flows in one direction. [`http`] takes a request and checks it, [`event`] brings its events into the form of the
//! Conversions API, [`store`] puts them on the disk, and [`forward`] delivers them.

pub mod cli;
pub mod clock;
pub mod cluster;
pub mod commands;
pub mod config;
pub mod event;
pub mod forward;
pub mod http;
pub mod key;
pub mod metrics;
pub mod person;
pub mod server;
pub mod store;
