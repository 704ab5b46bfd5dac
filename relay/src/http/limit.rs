//! How many requests an address may send.

use std::net::IpAddr;
use std::num::NonZeroU32;

use axum::http::StatusCode;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::error::Refused;
use crate::metrics::Refusal;

/// Counts requests by address.
pub struct Limiter(Option<DefaultKeyedRateLimiter<IpAddr>>);

impl Limiter {
    /// Allows this many requests a minute; any number if 0.
    pub fn per_minute(limit: u32) -> Self {
        Self(NonZeroU32::new(limit).map(|limit| RateLimiter::keyed(Quota::per_minute(limit))))
    }

    /// Counts a request.
    ///
    /// # Errors
    /// 429 if the address has sent too many.
    pub fn check(&self, address: IpAddr) -> Result<(), Refused> {
        match &self.0 {
            Some(limiter) if limiter.check_key(&address).is_err() => Err(Refused::new(
                Refusal::Limit,
                StatusCode::TOO_MANY_REQUESTS,
                "too many requests from this address: retry in a minute (limit_per_address)",
            )),
            _ => Ok(()),
        }
    }

    /// Forgets the addresses whose whole allowance is back, which bounds the memory.
    pub fn forget_idle(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn requests_above_the_limit_are_refused_per_address() {
        let limiter = Limiter::per_minute(3);
        for _ in 0..3 {
            assert!(limiter.check(address(1)).is_ok());
        }
        let refused = limiter.check(address(1)).unwrap_err();
        assert_eq!(refused.error.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(limiter.check(address(2)).is_ok());
        limiter.forget_idle();
        assert!(limiter.check(address(1)).is_err());
    }

    #[test]
    fn zero_means_no_limit() {
        let limiter = Limiter::per_minute(0);
        assert!((0..10_000).all(|_| limiter.check(address(1)).is_ok()));
    }
}
