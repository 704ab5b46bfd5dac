//! The pixel's endpoint: batches by `POST`, image tags by `GET`.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use oaiq_ingest::http::body::MAX_BODY_BYTES;
use oaiq_ingest::http::query::Query;
use oaiq_ingest::http::serve::Peer;
use oaiq_ingest::{image_tag, sdk_batch};

use super::Relay;
use super::cookies::Cookies;
use super::error::Refused;
use super::origin::{Page, page_of};
use crate::config::{Gpc, Origin, Trust};
use crate::event::{BrowserContext, CheckedEvent, Half, Mapped, from_batch, from_image_tag};
use crate::key::Key;
use crate::metrics::{Refusal, Source, Withheld};
use crate::store::accept::{Accepted, NewBatch, NewEvent};

/// A transparent image of one pixel.
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x21\xf9\x04\x01\0\0\0\0\
    \x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";

/// The longest user agent that is kept, in bytes.
const MAX_USER_AGENT_BYTES: usize = 1_024;

/// A visitor's clock that differs by more than this is corrected.
const MAX_CLOCK_DIFFERENCE_MS: u64 = 5 * 60 * 1_000;

/// `v1/sdk/events` below the prefix.
pub fn router(prefix: &str) -> Router<Arc<Relay>> {
    Router::new().route(
        &format!("{prefix}v1/sdk/events"),
        get(get_image_tag).post(post_batch),
    )
}

async fn post_batch(
    State(relay): State<Arc<Relay>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let request = Request::new(&relay, peer, query.as_deref(), &headers, Source::Browser);
    let result = request.batch(body).await;
    request.respond(result, StatusCode::ACCEPTED.into_response())
}

async fn get_image_tag(
    State(relay): State<Arc<Relay>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let request = Request::new(&relay, peer, query.as_deref(), &headers, Source::Image);
    let result = request.image_tag().await;
    let headers = [
        (header::CONTENT_TYPE, "image/gif"),
        // Each request is an event, so no cache may respond.
        (header::CACHE_CONTROL, "no-store"),
    ];
    request.respond(result, (headers, GIF).into_response())
}

/// What a request has led to.
enum Done<'a> {
    /// Its events are on the disk.
    Stored {
        origin: &'a Origin,
        accepted: Accepted,
        oppref: Option<String>,
        obref: Option<String>,
    },
    /// Nothing was to be stored.
    Nothing,
    /// Nothing was stored, because consent is missing.
    Withheld {
        reason: Withheld,
        /// The page, if the visitor's cookies are to be deleted.
        origin: Option<&'a Origin>,
    },
}

/// A browser's request.
struct Request<'a> {
    relay: &'a Relay,
    peer: Peer,
    raw_query: &'a str,
    query: Query,
    headers: &'a HeaderMap,
    source: Source,
    received_ms: u64,
}

impl<'a> Request<'a> {
    fn new(
        relay: &'a Relay,
        peer: Peer,
        query: Option<&'a str>,
        headers: &'a HeaderMap,
        source: Source,
    ) -> Self {
        relay.metrics.received(source);
        let raw_query = query.unwrap_or_default();
        Self {
            relay,
            peer,
            raw_query,
            query: Query::parse(raw_query),
            headers,
            source,
            received_ms: relay.clock().now_ms(),
        }
    }

    async fn batch(&self, body: Body) -> Result<Done<'a>, Refused> {
        let client = self.relay.client_address(self.peer, self.headers);
        self.relay.limiter.check(client.counted_as)?;
        let page = self.page()?;
        let body = self
            .relay
            .body_reader
            .read(self.headers, body, MAX_BODY_BYTES)
            .await?;
        self.require_pixel()?;
        let cookies = Cookies::read(self.headers);
        if let Some(reason) = self.missing_consent(&cookies) {
            return self.withhold(reason, page, &cookies).await;
        }
        // Timestamps are checked by the clock that has made them.
        let clock_shift_ms = self.clock_shift_ms();
        let visitors_now_ms = self
            .received_ms
            .saturating_add_signed(clock_shift_ms.saturating_neg());
        let batch = sdk_batch::parse(&body.bytes, self.query.get("ec"), visitors_now_ms)?;
        if batch.obref.is_none() && batch.oppref.is_none() && batch.user.is_none() {
            return self.withhold(Withheld::Stripped, page, &cookies).await;
        }
        let Page::Listed(origin) = page else {
            return Err(unlisted_origin());
        };
        let mapped = from_batch(
            batch,
            &BrowserContext {
                obref_cookie: None,
                ..self.context(origin, &cookies, client.address, clock_shift_ms)
            },
        );
        self.relay
            .metrics
            .internal
            .increment(mapped.internal as u64);
        let done = self.store(origin, mapped).await;
        // Its permit also covers the parsed events, which are gone only now.
        drop(body);
        done
    }

    async fn image_tag(&self) -> Result<Done<'a>, Refused> {
        let client = self.relay.client_address(self.peer, self.headers);
        self.relay.limiter.check(client.counted_as)?;
        let page = self.page()?;
        self.require_pixel()?;
        let cookies = Cookies::read(self.headers);
        if let Some(reason) = self.missing_consent(&cookies) {
            return self.withhold(reason, page, &cookies).await;
        }
        let Page::Listed(origin) = page else {
            return Err(unlisted_origin());
        };
        let tag = image_tag::parse(self.raw_query, self.received_ms)?;
        let referer = self.headers.get(header::REFERER);
        let referer = referer.and_then(|referer| referer.to_str().ok());
        let context = self.context(origin, &cookies, client.address, 0);
        let mapped = from_image_tag(tag, referer, &context);
        self.store(origin, mapped).await
    }

    fn context<'b>(
        &'b self,
        origin: &'b Origin,
        cookies: &'b Cookies,
        ip_address: Option<std::net::IpAddr>,
        clock_shift_ms: i64,
    ) -> BrowserContext<'b> {
        let agent = self.headers.get(header::USER_AGENT);
        let agent = agent.and_then(|agent| agent.to_str().ok()).map(str::trim);
        BrowserContext {
            pixel: self.pixel(),
            clock_shift_ms,
            origin,
            origins: &self.relay.config.origins.0,
            oppref_cookie: cookies.oppref.as_deref(),
            obref_cookie: cookies.obref.as_deref(),
            ip_address,
            // ASCII, so it can be cut anywhere.
            user_agent: agent
                .filter(|agent| !agent.is_empty())
                .map(|agent| &agent[..agent.len().min(MAX_USER_AGENT_BYTES)]),
            opt_out: self.has_gpc() && self.relay.config.consent.gpc == Gpc::OptOut,
        }
    }

    /// Stores the valid events. If there are none, but others, the request is refused.
    async fn store(&self, origin: &'a Origin, mapped: Mapped) -> Result<Done<'a>, Refused> {
        let Mapped {
            visit,
            obref,
            events,
            violations,
            internal: _,
        } = mapped;
        for violation in violations.iter().flatten().take(10) {
            tracing::warn!(
                pixel = self.pixel(),
                field = violation.field,
                code = violation.kind.as_deref(),
                "a browser's event was refused"
            );
        }
        if let (true, Some(first)) = (
            events.is_empty(),
            violations.first().and_then(|all| all.first()),
        ) {
            let message = format!("no event was accepted. {}", first.to_sentence(&first.field));
            return Err(Refused::new(
                Refusal::Invalid,
                StatusCode::BAD_REQUEST,
                message,
            ));
        }
        self.relay
            .metrics
            .refused(self.source, Refusal::Invalid, violations.len());
        if events.is_empty() && visit.is_none() {
            return Ok(Done::Nothing);
        }
        let oppref = visit.as_ref().map(|visit| visit.oppref.clone());
        let accepted = store_events(
            self.relay,
            self.source,
            self.pixel(),
            self.received_ms,
            visit,
            events,
        )
        .await?;
        Ok(Done::Stored {
            origin,
            accepted,
            oppref,
            obref,
        })
    }

    /// Deletes what earlier visits have left.
    async fn withhold(
        &self,
        reason: Withheld,
        page: Page<'a>,
        cookies: &Cookies,
    ) -> Result<Done<'a>, Refused> {
        self.relay.forget_visitor(cookies).await?;
        let origin = match page {
            Page::Listed(origin) if cookies.has_visitor() => Some(origin),
            _ => None,
        };
        Ok(Done::Withheld { reason, origin })
    }

    fn missing_consent(&self, cookies: &Cookies) -> Option<Withheld> {
        if cookies.is_denied {
            Some(Withheld::Denied)
        } else if self.has_gpc() && self.relay.config.consent.gpc == Gpc::Deny {
            Some(Withheld::Gpc)
        } else {
            None
        }
    }

    fn has_gpc(&self) -> bool {
        self.headers
            .get("sec-gpc")
            .is_some_and(|value| value.as_bytes().trim_ascii() == b"1")
    }

    fn page(&self) -> Result<Page<'a>, Refused> {
        match page_of(self.headers, &self.relay.config.origins.0) {
            Page::Unlisted => Err(unlisted_origin()),
            page => Ok(page),
        }
    }

    fn pixel(&self) -> &str {
        self.query.get("pid").unwrap_or_default()
    }

    fn require_pixel(&self) -> Result<(), Refused> {
        match self.pixel() {
            "" => Err(Refused::new(
                Refusal::Invalid,
                StatusCode::BAD_REQUEST,
                "the URL has no `pid`, the pixel ID: …/v1/sdk/events?pid=PIXEL",
            )),
            pixel if !self.relay.knows_pixel(pixel) => Err(Refused::unknown_pixel()),
            _ => Ok(()),
        }
    }

    /// What to add to the visitor's clock, if it is far off. The query's `t` is the visitor's time when the request was made.
    fn clock_shift_ms(&self) -> i64 {
        let now_ms = self.received_ms;
        match self.query.get("t").and_then(|t| t.parse::<u64>().ok()) {
            Some(t) if t.abs_diff(now_ms) > MAX_CLOCK_DIFFERENCE_MS => {
                i64::try_from(i128::from(now_ms) - i128::from(t)).unwrap_or(0)
            }
            _ => 0,
        }
    }

    fn respond(&self, result: Result<Done, Refused>, mut success: Response) -> Response {
        let metrics = &self.relay.metrics;
        match result {
            Ok(Done::Stored {
                origin,
                accepted,
                oppref,
                obref,
            }) => {
                if self.may_set_cookies() {
                    let click = oppref.as_deref().zip(accepted.click_first_ms);
                    self.relay.cookie_setter(origin).set(
                        success.headers_mut(),
                        click,
                        obref.as_deref(),
                        self.received_ms,
                    );
                }
                success
            }
            Ok(Done::Nothing) => success,
            Ok(Done::Withheld { reason, origin }) => {
                metrics.withheld(reason);
                if let Some(origin) = origin {
                    self.relay
                        .cookie_setter(origin)
                        .delete(success.headers_mut());
                }
                success
            }
            Err(refused) => {
                metrics.refused(self.source, refused.reason, 1);
                refused.log();
                let mut response = refused.error.response();
                if refused.reason == Refusal::Limit {
                    let headers = response.headers_mut();
                    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
                }
                response
            }
        }
    }

    /// In requests of other sites, they would be cookies of a third party.
    fn may_set_cookies(&self) -> bool {
        let site = self.headers.get("sec-fetch-site");
        self.relay.config.cookie.set && site.is_none_or(|site| site != "cross-site")
    }
}

fn unlisted_origin() -> Refused {
    Refused::new(
        Refusal::Origin,
        StatusCode::FORBIDDEN,
        "the page's origin is not listed: add it to `origins` in the relay's configuration",
    )
}

/// Stores events of either half, and counts them.
pub async fn store_events(
    relay: &Relay,
    source: Source,
    pixel: &str,
    received_ms: u64,
    visit: Option<crate::store::accept::Visit>,
    events: Vec<CheckedEvent>,
) -> Result<Accepted, Refused> {
    let half = match source {
        Source::Browser | Source::Image => Half::Browser,
        Source::Backend => Half::Backend,
    };
    let count = events.len();
    let events = events.into_iter().map(|event| {
        let waits = half == Half::Browser && relay.config.trust_of(&event.name) == Trust::Backend;
        let wait_ms = match waits {
            true => relay.config.trust_timeout.as_millis(),
            false => u64::try_from(relay.config.hold_of(&event.name).as_millis()).unwrap_or(0),
        };
        NewEvent {
            key: event.key(pixel),
            id_link: event.id_link(pixel),
            visitor: event.obref.as_deref().map(Key::visitor),
            timestamp_ms: event.timestamp_ms,
            due_ms: received_ms.saturating_add(wait_ms),
            waits_for_backend: waits,
            json: event.json,
        }
    });
    let batch = NewBatch {
        pixel: pixel.to_owned(),
        half,
        received_ms,
        visit,
        events: events.collect(),
    };
    let start = Instant::now();
    let accepted = relay.store.accept(batch).await?;
    let metrics = &relay.metrics;
    metrics.store_seconds.record(start.elapsed().as_secs_f64());
    metrics.accepted(source, count);
    metrics.duplicates.increment(accepted.duplicates as u64);
    metrics.merged.increment(accepted.merged as u64);
    Ok(accepted)
}
