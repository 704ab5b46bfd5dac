//! Sends requests to the Conversions API.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;

use super::response::{Answer, RawResponse};
use crate::config::Secret;
use crate::event::Half;
use crate::store::claim::DueEvent;

/// Who sends on behalf of the advertiser.
const INTEGRATION_SOURCE: &str = "oaiq-relay";

/// Says for each event who has sent it and how the relay has found its click: `browser`, `backend`, `both`, and `+obref` and
/// the like. Only for a collector on this machine, whose inspector shows it. OpenAI does not get it.
const TRACE_HEADER: &str = "x-oaiq-relay";

/// How much of a response is read.
const MAX_RESPONSE_BYTES: usize = 256 * 1024;

/// OpenAI's endpoints. Its clones share connections.
#[derive(Debug, Clone)]
pub struct Upstream {
    client: reqwest::Client,
    events_url: String,
    config_url: String,
    is_on_loopback: bool,
}

impl Upstream {
    /// Endpoints at these URLs.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(url: &str, config_url: &str, timeout: Duration) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(10)))
            .redirect(Policy::none())
            .user_agent(concat!("oaiq-relay/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("cannot set up TLS: {}", in_words(&error)))?;
        Ok(Self {
            client,
            events_url: format!("{url}/v1/events"),
            config_url: config_url.to_owned(),
            is_on_loopback: is_on_loopback(url),
        })
    }

    /// Sends events of a pixel.
    pub async fn send(&self, pixel: &str, key: &Secret, events: &[DueEvent]) -> Answer {
        let mut body = format!(r#"{{"integration_source":"{INTEGRATION_SOURCE}","events":["#);
        for (i, event) in events.iter().enumerate() {
            if i > 0 {
                body.push(',');
            }
            body += &event.json;
        }
        body += "]}";
        let trace = self.is_on_loopback.then(|| trace_of(events));
        match self.post_with(pixel, key, body, trace).await {
            Ok(response) => response.answer(events.len()),
            Err(why) => Answer::TryLater { after: None, why },
        }
    }

    /// Posts a body to the Conversions API.
    ///
    /// # Errors
    /// Why there is no response.
    pub async fn post(
        &self,
        pixel: &str,
        key: &Secret,
        body: String,
    ) -> Result<RawResponse, String> {
        self.post_with(pixel, key, body, None).await
    }

    async fn post_with(
        &self,
        pixel: &str,
        key: &Secret,
        body: String,
        trace: Option<String>,
    ) -> Result<RawResponse, String> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.expose()))
            .map_err(|_| "the key cannot be sent in a header".to_owned())?;
        bearer.set_sensitive(true);
        let mut request = self
            .client
            .post(&self.events_url)
            .query(&[("pid", pixel)])
            .header(AUTHORIZATION, bearer)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        if let Some(trace) = trace {
            request = request.header(TRACE_HEADER, trace);
        }
        read(request).await
    }

    /// Fetches the settings of a pixel.
    ///
    /// # Errors
    /// Why there is no response.
    pub async fn pixel_config(
        &self,
        pixel: &str,
        timeout: Duration,
    ) -> Result<RawResponse, String> {
        let pixel =
            percent_encoding::utf8_percent_encode(pixel, percent_encoding::NON_ALPHANUMERIC);
        let request = self
            .client
            .get(format!("{}/{pixel}.json", self.config_url))
            .timeout(timeout);
        read(request).await
    }
}

fn is_on_loopback(url: &str) -> bool {
    let url = url::Url::parse(url).ok();
    match url.as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn trace_of(events: &[DueEvent]) -> String {
    let words = events.iter().map(|event| {
        let sender = match Half::all_in(event.halves) {
            (true, true) => "both",
            (true, false) => "browser",
            _ => "backend",
        };
        let link = event.joined_by.map(|link| format!("+{}", link.name()));
        sender.to_owned() + &link.unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(",")
}

async fn read(request: reqwest::RequestBuilder) -> Result<RawResponse, String> {
    let mut response = request.send().await.map_err(|error| in_words(&error))?;
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while body.len() < MAX_RESPONSE_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // The status is what matters. If OpenAI has accepted the events, the rest of its answer is not needed.
            Err(error) if response.status().is_success() => {
                tracing::debug!("the response ended early: {}", in_words(&error));
                break;
            }
            Err(error) => return Err(in_words(&error)),
        }
    }
    body.truncate(MAX_RESPONSE_BYTES);
    Ok(RawResponse {
        status: response.status().as_u16(),
        retry_after: text(&headers, RETRY_AFTER.as_str()),
        request_id: text(&headers, "x-request-id"),
        date: text(&headers, "date"),
        body,
    })
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// An error with its causes, without the URL, which has the pixel's ID.
fn in_words(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the request failed"
    };
    let mut words = what.to_owned();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words += &format!(": {error}");
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_on_loopback() {
        for url in [
            "http://localhost:8787",
            "http://127.0.0.1",
            "http://[::1]:8787/x",
        ] {
            assert!(is_on_loopback(url), "{url}");
        }
        for url in [
            "https://bzr.openai.com",
            "http://127.0.0.1.example",
            "http://10.0.0.1",
        ] {
            assert!(!is_on_loopback(url), "{url}");
        }
    }
}
