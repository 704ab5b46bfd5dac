//! How long to wait after failures.

use std::time::Duration;

/// After this many failures in a row, one event at a time is tried.
pub const BREAKER_FAILURES: u32 = 20;

/// The longest wait that a `Retry-After` can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// The failures of one pixel since its last success.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits from `min` to `max`.
    pub const fn new(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max,
            failures: 0,
        }
    }

    /// Records a failure. Returns how long to wait: between half and all of `min`, doubled with each failure. Chance keeps
    /// relays that have failed at the same time from coming back at the same time.
    pub fn fail(&mut self, retry_after: Option<Duration>, chance: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(self.failures.min(30));
        self.failures = self.failures.saturating_add(1);
        let longest = self.min.saturating_mul(doubled).min(self.max);
        let wait = longest.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
        retry_after.map_or(wait, |asked| wait.max(asked.min(MAX_RETRY_AFTER)))
    }

    /// Records a success.
    pub const fn succeed(&mut self) {
        self.failures = 0;
    }

    /// Whether there were so many failures in a row that only a probe is sent.
    pub const fn is_open(&self) -> bool {
        self.failures >= BREAKER_FAILURES
    }

    /// The failures in a row.
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_doubles_up_to_its_maximum() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(300));
        let waits: Vec<u64> = (0..11).map(|_| backoff.fail(None, 1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        backoff.succeed();
        assert_eq!(backoff.fail(None, 0.0), Duration::from_millis(500));
    }

    #[test]
    fn retry_after_makes_the_wait_longer_but_never_shorter() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(300));
        assert_eq!(
            backoff.fail(Some(Duration::from_secs(90)), 1.0).as_secs(),
            90
        );
        assert_eq!(backoff.fail(Some(Duration::ZERO), 1.0).as_secs(), 2);
        assert_eq!(backoff.fail(Some(Duration::MAX), 1.0), MAX_RETRY_AFTER);
    }

    #[test]
    fn breaker_opens_after_twenty_failures() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(300));
        for _ in 0..19 {
            backoff.fail(None, 0.5);
        }
        assert!(!backoff.is_open());
        backoff.fail(None, 0.5);
        assert!(backoff.is_open());
        backoff.succeed();
        assert!(!backoff.is_open());
    }

    #[test]
    fn any_number_of_failures_is_counted() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(300));
        backoff.failures = u32::MAX;
        assert_eq!(backoff.fail(None, 1.0).as_secs(), 300);
    }
}
