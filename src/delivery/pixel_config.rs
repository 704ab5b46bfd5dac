//! A pixel's settings, which OpenAI keeps for it.
//!
//! The one setting so far says whether forms of the page may be read for identifiers. This pixel reads none; it tells
//! how the settings arrived, as the protocol asks.

use crate::delivery::diagnostics::ConfigOutcome;
use crate::delivery::queue::NEVER;
use crate::mem::thin;

/// PixelConfig are asked for again after this many milliseconds.
const TTL_MS: u64 = 5 * 60 * 1_000;
/// The pause before a second request, in milliseconds.
const RETRY_DELAY_MS: u64 = 250;

/// How far a pixel has come with its config.
#[derive(Debug)]
pub struct PixelConfig {
    /// When they are worth asking for again.
    refresh_at: u64,
    requested: bool,
    has_retried: bool,
    /// When a second request is due.
    retry_at: u64,
}

impl Default for PixelConfig {
    fn default() -> Self {
        Self {
            refresh_at: 0,
            requested: false,
            has_retried: false,
            retry_at: NEVER,
        }
    }
}

impl PixelConfig {
    /// Should they be asked for? From then on they are wanted until [`PixelConfig::take_request`].
    pub fn request_if_stale(&mut self, now: u64) -> bool {
        if now < self.refresh_at {
            return false;
        }
        *self = Self {
            refresh_at: now + TTL_MS,
            requested: true,
            ..Self::default()
        };
        true
    }

    /// Are they wanted and not yet asked for?
    pub fn take_request(&mut self) -> bool {
        core::mem::take(&mut self.requested)
    }

    /// When the second request is due; [`NEVER`] if none is.
    pub fn retry_at(&self) -> u64 {
        self.retry_at
    }

    /// Is the second request due? From then on it counts as made.
    pub fn take_due_retry(&mut self, now: u64) -> bool {
        let due = self.retry_at <= now;
        if due {
            self.retry_at = NEVER;
        }
        due
    }

    /// Takes an answer in: its status, 0 where there was none, and the one setting, if the answer had it. `None` if it
    /// is worth a second request.
    pub fn on_response(
        &mut self,
        status: u16,
        enabled: Option<bool>,
        now: u64,
    ) -> Option<ConfigOutcome> {
        let outcome = match status {
            200..=299 => match enabled {
                Some(true) => thin!("enabled"),
                Some(false) => thin!("disabled"),
                None => thin!("invalid"),
            },
            404 => thin!("not_found"),
            0 | 408 | 500..=599 if !self.has_retried => {
                self.has_retried = true;
                self.retry_at = now + RETRY_DELAY_MS;
                return None;
            }
            _ => thin!("request_failed"),
        };
        Some(ConfigOutcome {
            automatic_advanced_matching: outcome,
            retry_succeeded: self
                .has_retried
                .then_some(outcome != thin!("request_failed")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_is_told_as_what_it_was() {
        for (status, enabled, told) in [
            (200, Some(true), thin!("enabled")),
            (200, Some(false), thin!("disabled")),
            (200, None, thin!("invalid")),
            (404, None, thin!("not_found")),
            (404, Some(true), thin!("not_found")),
            (403, None, thin!("request_failed")),
        ] {
            let outcome = PixelConfig::default()
                .on_response(status, enabled, 0)
                .unwrap();
            assert_eq!(
                outcome,
                ConfigOutcome {
                    automatic_advanced_matching: told,
                    retry_succeeded: None
                },
                "{status} {enabled:?}"
            );
        }
    }

    #[test]
    fn a_fault_of_the_server_or_the_network_is_tried_again_once() {
        for status in [0, 408, 500, 503] {
            let mut config = PixelConfig::default();
            assert!(config.request_if_stale(0));
            assert_eq!(config.on_response(status, None, 1_000), None);
            assert!(!config.take_due_retry(1_249));
            assert!(config.take_due_retry(1_250));
            assert!(!config.take_due_retry(1_251));
            let failed = config.on_response(status, None, 2_000).unwrap();
            assert_eq!(failed.automatic_advanced_matching, thin!("request_failed"));
            assert_eq!(failed.retry_succeeded, Some(false));
        }
        let mut config = PixelConfig::default();
        config.on_response(500, None, 0);
        assert_eq!(
            config.on_response(404, None, 0).unwrap().retry_succeeded,
            Some(true)
        );
    }

    #[test]
    fn settings_hold_for_five_minutes() {
        let mut config = PixelConfig::default();
        assert!(config.request_if_stale(1_000));
        assert!(!config.request_if_stale(300_999));
        assert!(config.request_if_stale(301_000));
    }
}
