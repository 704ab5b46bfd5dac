//! A pixel's settings, which OpenAI keeps for it.
//!
//! The one setting so far says whether forms of the page may be read for identifiers. This pixel reads none; it tells
//! how the settings arrived, as the protocol asks.

use crate::delivery::diagnostics::SettingsOutcome;
use crate::delivery::queue::NEVER;
use crate::mem::thin;

/// Settings are asked for again after this many milliseconds.
const HOLD: u64 = 5 * 60 * 1_000;
/// The pause before a second request, in milliseconds.
const RETRY_PAUSE: u64 = 250;

/// How far a pixel has come with its settings.
#[derive(Debug)]
pub struct Settings {
    /// When they are worth asking for again.
    stale: u64,
    wanted: bool,
    retried: bool,
    /// When a second request is due.
    retry_at: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            stale: 0,
            wanted: false,
            retried: false,
            retry_at: NEVER,
        }
    }
}

impl Settings {
    /// Should they be asked for? From then on they are wanted until [`Settings::take_wanted`].
    pub fn want(&mut self, now: u64) -> bool {
        if now < self.stale {
            return false;
        }
        *self = Self {
            stale: now + HOLD,
            wanted: true,
            ..Self::default()
        };
        true
    }

    /// Are they wanted and not yet asked for?
    pub fn take_wanted(&mut self) -> bool {
        core::mem::take(&mut self.wanted)
    }

    /// When the second request is due; [`NEVER`] if none is.
    pub fn retry_due(&self) -> u64 {
        self.retry_at
    }

    /// Is the second request due? From then on it counts as made.
    pub fn retry(&mut self, now: u64) -> bool {
        let due = self.retry_at <= now;
        if due {
            self.retry_at = NEVER;
        }
        due
    }

    /// Takes an answer in: its status, 0 where there was none, and the one setting, if the answer had it. `None` if it
    /// is worth a second request.
    pub fn answered(
        &mut self,
        status: u16,
        enabled: Option<bool>,
        now: u64,
    ) -> Option<SettingsOutcome> {
        let outcome = match status {
            200..=299 => match enabled {
                Some(true) => thin!("enabled"),
                Some(false) => thin!("disabled"),
                None => thin!("invalid"),
            },
            404 => thin!("not_found"),
            0 | 408 | 500..=599 if !self.retried => {
                self.retried = true;
                self.retry_at = now + RETRY_PAUSE;
                return None;
            }
            _ => thin!("request_failed"),
        };
        Some(SettingsOutcome {
            automatic_advanced_matching: outcome,
            retry_succeeded: self.retried.then_some(outcome != thin!("request_failed")),
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
            let outcome = Settings::default().answered(status, enabled, 0).unwrap();
            assert_eq!(
                outcome,
                SettingsOutcome {
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
            let mut settings = Settings::default();
            assert!(settings.want(0));
            assert_eq!(settings.answered(status, None, 1_000), None);
            assert!(!settings.retry(1_249));
            assert!(settings.retry(1_250));
            assert!(!settings.retry(1_251));
            let failed = settings.answered(status, None, 2_000).unwrap();
            assert_eq!(failed.automatic_advanced_matching, thin!("request_failed"));
            assert_eq!(failed.retry_succeeded, Some(false));
        }
        let mut settings = Settings::default();
        settings.answered(500, None, 0);
        assert_eq!(
            settings.answered(404, None, 0).unwrap().retry_succeeded,
            Some(true)
        );
    }

    #[test]
    fn settings_hold_for_five_minutes() {
        let mut settings = Settings::default();
        assert!(settings.want(1_000));
        assert!(!settings.want(300_999));
        assert!(settings.want(301_000));
    }
}
