//! A pixel's settings, which OpenAI keeps for it.
//!
//! The one setting so far says whether forms of the page may be read for identifiers. This pixel reads none; it tells
//! how the settings arrived, as the protocol asks.

use crate::diagnostics::SettingsOutcome;
use crate::value::Value;

/// Settings are asked for again after this many milliseconds.
const HOLD: u64 = 5 * 60 * 1_000;
/// The pause before a second request, in milliseconds.
const RETRY_PAUSE: u64 = 250;

/// How far a pixel has come with its settings.
#[derive(Debug, Default)]
pub struct Settings {
    asked: Option<u64>,
    wanted: bool,
    retry_at: Option<u64>,
    retried: bool,
    /// May forms be read? Known once the settings have arrived.
    pub automatic_advanced_matching: Option<bool>,
}

impl Settings {
    /// Should they be asked for? From then on they are wanted until [`Settings::take_wanted`].
    pub fn want(&mut self, now: u64) -> bool {
        if self.asked.is_some_and(|asked| now < asked + HOLD) {
            return false;
        }
        *self = Self {
            asked: Some(now),
            wanted: true,
            ..Self::default()
        };
        true
    }

    /// Are they wanted and not yet asked for?
    pub fn take_wanted(&mut self) -> bool {
        core::mem::take(&mut self.wanted)
    }

    /// When the second request is due.
    pub fn retry_due(&self) -> Option<u64> {
        self.retry_at
    }

    /// Is the second request due? From then on it counts as made.
    pub fn retry(&mut self, now: u64) -> bool {
        let due = self.retry_at.is_some_and(|at| at <= now);
        if due {
            self.retry_at = None;
        }
        due
    }

    /// Takes an answer in; `status` is 0 where there was none. `None` if it is worth a second request.
    pub fn answered(&mut self, status: u16, body: &str, now: u64) -> Option<SettingsOutcome> {
        let enabled = Value::parse(body).and_then(|body| {
            match body.get("automatic_advanced_matching_enabled") {
                Some(Value::Bool(enabled)) => Some(*enabled),
                _ => None,
            }
        });
        let outcome = match (status, enabled) {
            (200..=299, Some(true)) => "enabled",
            (200..=299, Some(false)) => "disabled",
            (200..=299, None) => "invalid",
            (404, _) => "not_found",
            (0 | 408 | 500..=599, _) if !self.retried => {
                self.retried = true;
                self.retry_at = Some(now + RETRY_PAUSE);
                return None;
            }
            _ => "request_failed",
        };
        if outcome.ends_with("abled") {
            self.automatic_advanced_matching = enabled;
        }
        Some(SettingsOutcome {
            automatic_advanced_matching: outcome,
            retry_succeeded: self.retried.then_some(outcome != "request_failed"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_is_told_as_what_it_was() {
        for (status, body, told) in [
            (
                200,
                r#"{"automatic_advanced_matching_enabled": true}"#,
                "enabled",
            ),
            (
                200,
                r#"{"automatic_advanced_matching_enabled":false,"more":[1.5,"x"]}"#,
                "disabled",
            ),
            (200, r#"{"nope":1}"#, "invalid"),
            (
                200,
                r#"{"automatic_advanced_matching_enabled":"true"}"#,
                "invalid",
            ),
            (200, "<html>", "invalid"),
            (404, "", "not_found"),
            (403, "", "request_failed"),
        ] {
            let outcome = Settings::default().answered(status, body, 0).unwrap();
            assert_eq!(
                outcome,
                SettingsOutcome {
                    automatic_advanced_matching: told,
                    retry_succeeded: None
                },
                "{body}"
            );
        }
    }

    #[test]
    fn a_fault_of_the_server_or_the_network_is_tried_again_once() {
        for status in [0, 408, 500, 503] {
            let mut settings = Settings::default();
            assert!(settings.want(0));
            assert_eq!(settings.answered(status, "", 1_000), None);
            assert!(!settings.retry(1_249));
            assert!(settings.retry(1_250));
            assert!(!settings.retry(1_251));
            let failed = settings.answered(status, "", 2_000).unwrap();
            assert_eq!(failed.automatic_advanced_matching, "request_failed");
            assert_eq!(failed.retry_succeeded, Some(false));
        }
        let mut settings = Settings::default();
        settings.answered(500, "", 0);
        assert_eq!(
            settings.answered(404, "", 0).unwrap().retry_succeeded,
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
