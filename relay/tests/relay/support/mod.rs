pub mod collector;
pub mod events;
pub mod relay;
pub mod scripted;
