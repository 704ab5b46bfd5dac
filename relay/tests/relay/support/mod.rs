pub mod collector;
pub mod events;
pub mod nats;
pub mod process;
pub mod relay;
pub mod scripted;
