//! The pixel config that OpenAI serves.

use crate::support::fake_browser::{LATENCY_MS, Network, PAINT_MS};
use crate::support::page::{
    CHECKOUT_URL, CONFIG_URL, CONSENT_DENY, CONSENT_GRANT, INIT_P, INIT_Q, MAX_FLUSH_MS, Page,
};

const ENABLED: &str = r#"{"automatic_advanced_matching_enabled":true}"#;
/// Delay of the retry after a failed config request, in milliseconds.
const CONFIG_RETRY_MS: u64 = 250;
const CONFIG_TTL_MS: u64 = 5 * 60 * 1_000;

/// A page whose pixel got these config responses and has reported them.
fn with_config_responses(responses: &[(u16, &'static str)]) -> Page {
    let mut page = Page::open(CHECKOUT_URL);
    page.browser.state_mut().config_responses.extend(responses);
    page.call(INIT_P);
    page.advance(20_000);
    page
}

/// A page whose first config request has just failed.
fn before_config_retry() -> Page {
    let mut page = Page::open(CHECKOUT_URL);
    page.browser
        .state_mut()
        .config_responses
        .push_back((500, ""));
    page.call(INIT_P);
    page.advance(PAINT_MS + LATENCY_MS);
    page
}

/// The config outcomes that the pixel reported, in order.
fn outcomes(page: &Page) -> Vec<String> {
    let outcomes = page.requests().into_iter().filter_map(|sent| {
        let diagnostic = sent.diagnostic()?;
        diagnostic.get("config").map(ToString::to_string)
    });
    outcomes.collect()
}

#[test]
fn config_is_requested_after_first_paint() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P);
    page.advance(PAINT_MS - 1);
    assert!(page.config_requests().is_empty());
    page.advance(1);
    assert_eq!(page.config_requests(), [format!("{CONFIG_URL}/P.json")]);
    page.advance(60_000);
    assert_eq!(page.config_requests().len(), 1);
}

#[test]
fn each_pixel_requests_its_own_config() {
    let mut page = Page::open(CHECKOUT_URL);
    let responses = [(404, ""), (200, ENABLED)];
    page.browser.state_mut().config_responses.extend(responses);
    page.call_all([INIT_P, INIT_Q]);
    page.advance(20_000);
    assert_eq!(page.config_requests().len(), 2);
    for (pixel, outcome) in [("P", "not_found"), ("Q", "enabled")] {
        let diagnostic = page.requests_for(pixel)[0].diagnostic().unwrap();
        assert_eq!(diagnostic["config"]["automatic_advanced_matching"], outcome);
    }
}

#[test]
fn config_response_is_reported_by_its_outcome() {
    for (status, body, outcome) in [
        (200, ENABLED, "enabled"),
        (
            200,
            r#"{"automatic_advanced_matching_enabled":false}"#,
            "disabled",
        ),
        (200, r#"{"nope":1}"#, "invalid"),
        (
            200,
            r#"{"automatic_advanced_matching_enabled":"true"}"#,
            "invalid",
        ),
        (200, "<html>", "invalid"),
        (200, "", "invalid"),
        (404, "", "not_found"),
        (404, ENABLED, "not_found"),
        (403, "", "request_failed"),
        (429, "", "request_failed"),
        (304, "", "request_failed"),
    ] {
        let page = with_config_responses(&[(status, body)]);
        let expected = format!(r#"{{"automatic_advanced_matching":"{outcome}"}}"#);
        assert_eq!(outcomes(&page), [expected], "{status} {body}");
        assert_eq!(page.config_requests().len(), 1);
    }
}

#[test]
fn first_config_failure_is_retried_once_after_250_ms() {
    for status in [0, 408, 500, 503, 599] {
        for (second, outcome, succeeded) in [
            ((200, ENABLED), "enabled", true),
            ((404, ""), "not_found", true),
            ((200, "<html>"), "invalid", true),
            ((status, ""), "request_failed", false),
        ] {
            let page = with_config_responses(&[(status, ""), second]);
            let config = format!(
                r#"{{"automatic_advanced_matching":"{outcome}","retry_attempted":true,"retry_succeeded":{succeeded}}}"#
            );
            let sent = &page.requests()[0];
            assert!(sent.body.contains(&config), "{status} {}", sent.body);
            let requested = page.browser.state().config_requests.clone();
            assert_eq!(requested.len(), 2, "{status}");
            assert_eq!(
                requested[1].0 - requested[0].0,
                LATENCY_MS + CONFIG_RETRY_MS,
                "{status}"
            );
            assert_eq!(requested[0].1, requested[1].1);
        }
    }
}

#[test]
fn early_config_outcome_shares_the_first_request() {
    let page = with_config_responses(&[(200, ENABLED)]);
    let sent = page.request();
    assert_eq!(sent.names(), ["openai::sdk_init", "oai::diagnostic"]);
    let diagnostic = sent.diagnostic().expect("a diagnostic");
    assert_eq!(diagnostic["is_first_visit_in_session"], true);
    assert_eq!(
        diagnostic["config"]["automatic_advanced_matching"],
        "enabled"
    );
}

#[test]
fn late_config_outcome_is_sent_alone_with_identity() {
    let mut page = Page::open_idle();
    let began = page.browser.state().monotonic_ms;
    page.config_response(0, 200, ENABLED);
    page.advance(MAX_FLUSH_MS);
    let sent = page.request();
    assert_eq!(sent.at, began + MAX_FLUSH_MS);
    assert!(!sent.is_anonymous && sent.batch().obref.is_some());
    assert!(sent.body.contains(
        r#""schema_version":1,"dropped_event_count":0,"dropped_event_reason_counts":{},"dropped_event_name_counts":{},"dropped_event_phase_counts":{},"config":{"automatic_advanced_matching":"enabled"}}}"#
    ));
}

#[test]
fn config_is_valid_for_five_minutes() {
    let mut page = with_config_responses(&[(200, ENABLED)]);
    page.advance(CONFIG_TTL_MS - 20_000 - 1);
    page.call(INIT_P);
    assert_eq!(page.config_requests().len(), 1);
    page.advance(1);
    page.call(INIT_P);
    page.advance(PAINT_MS);
    assert_eq!(page.config_requests().len(), 2);
}

#[test]
fn config_is_not_requested_while_denied() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([CONSENT_DENY, INIT_P, INIT_P, INIT_Q]);
    page.advance(CONFIG_TTL_MS);
    page.call_all([INIT_P, INIT_Q]);
    page.advance(1_000);
    assert!(page.config_requests().is_empty());
    page.call(CONSENT_GRANT);
    page.advance(PAINT_MS);
    assert_eq!(page.config_requests().len(), 2);
}

#[test]
fn grant_after_denial_uses_the_config_that_still_holds() {
    let mut page = with_config_responses(&[(200, ENABLED)]);
    page.call_all([CONSENT_DENY, CONSENT_GRANT]);
    page.advance(20_000);
    assert_eq!(page.config_requests().len(), 1);
}

#[test]
fn grant_after_denial_requests_a_config_that_has_not_arrived() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P);
    page.advance(PAINT_MS);
    page.call_all([CONSENT_DENY, CONSENT_GRANT]);
    page.advance(PAINT_MS);
    assert_eq!(page.config_requests().len(), 2);
}

#[test]
fn pixel_of_a_recovered_record_requests_no_config() {
    let mut next = Page::after_crash(CHECKOUT_URL, &["a"], CHECKOUT_URL);
    next.browser.state_mut().config_requests.clear();
    next.call(INIT_Q);
    next.advance(20_000);
    next.call_all([CONSENT_DENY, CONSENT_GRANT]);
    next.advance(20_000);
    let requested = next.config_requests();
    assert!(
        requested.iter().all(|url| url.ends_with("/Q.json")),
        "{requested:?}"
    );
}

#[test]
fn denial_before_first_paint_cancels_the_config_request() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([INIT_P, CONSENT_DENY]);
    page.advance(60_000);
    assert!(page.config_requests().is_empty());
}

#[test]
fn denial_of_another_tab_before_first_paint_cancels_the_config_request() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P);
    page.browser.store_consent("false");
    page.advance(60_000);
    assert!(page.config_requests().is_empty());
}

#[test]
fn cookie_denial_cancels_the_config_retry() {
    let mut page = before_config_retry();
    page.browser
        .set_cookie_on("shop.example.test", "__oaiq_consent=false");
    page.advance(60_000);
    assert_eq!(page.config_requests().len(), 1);
}

#[test]
fn denial_cancels_the_config_retry() {
    let mut page = before_config_retry();
    page.call(CONSENT_DENY);
    page.advance(60_000);
    assert_eq!(page.config_requests().len(), 1);
}

#[test]
fn config_response_after_denial_is_not_reported() {
    let mut page = Page::open_idle();
    page.call(CONSENT_DENY);
    page.config_response(0, 200, ENABLED);
    page.config_response(0, 500, "");
    page.advance(60_000);
    assert!(page.requests().is_empty());
    assert_eq!(page.config_requests().len(), 1);
}

#[test]
fn config_response_for_an_unknown_pixel_changes_nothing() {
    let mut page = Page::open(CHECKOUT_URL);
    page.config_response(0, 200, ENABLED);
    page.call(INIT_P);
    page.drain();
    for pixel in [1, 7, usize::MAX] {
        page.config_response(pixel, 200, ENABLED);
    }
    page.advance(60_000);
    assert!(page.requests().is_empty());
}

#[test]
fn failed_config_is_reported_when_the_network_is_back() {
    let mut page = Page::open(CHECKOUT_URL);
    let responses = [(0, ""), (0, "")];
    page.browser.state_mut().config_responses.extend(responses);
    page.set_network(Network::Down);
    page.call(INIT_P);
    page.advance(3_000);
    page.set_network(Network::Up);
    page.advance(10_000);
    let config = r#"{"automatic_advanced_matching":"request_failed","retry_attempted":true,"retry_succeeded":false}"#;
    assert_eq!(outcomes(&page), [config, config]);
    let delivered = page.requests().into_iter().map(|sent| sent.delivered);
    assert_eq!(delivered.collect::<Vec<_>>(), [Some(false), Some(true)]);
}
