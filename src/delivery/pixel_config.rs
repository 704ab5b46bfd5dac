//! A pixel's config, which OpenAI hosts: when it is requested, and what is reported about it.
//!
//! Its one setting so far says whether the page may be read for identifiers. www/pixel/requests.js acts on it; where it is
//! enabled, www/matching/ renews the config before it ends.

use crate::delivery::diagnostics::ConfigOutcome;
use crate::delivery::queue::NEVER;
use crate::mem::thin;

/// The config is requested again after this many milliseconds.
const TTL_MS: u64 = 5 * 60 * 1_000;
/// The delay before the second request, in milliseconds.
const RETRY_DELAY_MS: u64 = 250;

/// The state of a pixel's config.
#[derive(Debug)]
pub struct PixelConfig {
    /// When to request it again.
    refresh_at: u64,
    requested: bool,
    has_retried: bool,
    /// When the second request is due.
    retry_at: u64,
    has_arrived: bool,
}

impl Default for PixelConfig {
    fn default() -> Self {
        Self {
            refresh_at: 0,
            requested: false,
            has_retried: false,
            retry_at: NEVER,
            has_arrived: false,
        }
    }
}

impl PixelConfig {
    /// Whether to request the config. If so, [`PixelConfig::take_request`] returns true once.
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

    /// Whether there is a request to be made; false from then on.
    pub fn take_request(&mut self) -> bool {
        core::mem::take(&mut self.requested)
    }

    /// When the second request is due; [`NEVER`] if there is none.
    pub fn retry_at(&self) -> u64 {
        self.retry_at
    }

    /// Whether the second request is due. If so, it counts as made.
    pub fn take_due_retry(&mut self, now: u64) -> bool {
        let due = self.retry_at <= now;
        if due {
            self.retry_at = NEVER;
        }
        due
    }

    /// Consent is denied. A config that has arrived is used again after a grant, for as long as it holds.
    pub fn on_denial(&mut self) {
        if !self.has_arrived {
            *self = Self::default();
        }
    }

    /// Evaluates a response: its HTTP status, 0 if there was none, and the setting, if it had it. Returns `None` if there
    /// will be a second request.
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
        self.has_arrived = true;
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
    fn response_is_reported_by_its_status_and_setting() {
        for (status, enabled, outcome_name) in [
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
                    automatic_advanced_matching: outcome_name,
                    retry_succeeded: None
                },
                "{status} {enabled:?}"
            );
        }
    }

    #[test]
    fn server_or_network_error_is_retried_once() {
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
    fn config_is_fresh_for_five_minutes() {
        let mut config = PixelConfig::default();
        assert!(config.request_if_stale(1_000));
        assert!(!config.request_if_stale(300_999));
        assert!(config.request_if_stale(301_000));
    }

    #[test]
    fn config_that_has_arrived_outlasts_a_denial() {
        let mut config = PixelConfig::default();
        config.request_if_stale(0);
        config.on_response(200, Some(true), 0);
        config.on_denial();
        assert!(!config.request_if_stale(299_999));
        assert!(config.request_if_stale(300_000));
    }

    #[test]
    fn config_that_has_not_arrived_is_requested_again_after_a_denial() {
        let mut config = PixelConfig::default();
        config.request_if_stale(0);
        config.on_denial();
        assert!(config.request_if_stale(1));
        config.on_response(500, None, 2);
        config.on_denial();
        assert!(config.request_if_stale(3));
    }
}
