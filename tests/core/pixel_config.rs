//! The settings that OpenAI keeps for a pixel.

use crate::support::fake_browser::{LATENCY, Network, PAINT};
use crate::support::page::{CHECKOUT, DENY, GRANT, INIT, INIT_Q, LATEST, SETTINGS, Visit};

const ENABLED: &str = r#"{"automatic_advanced_matching_enabled":true}"#;
/// The second request goes this long after the first has failed.
const PAUSE: u64 = 250;
const HOLD: u64 = 5 * 60 * 1_000;

/// A page whose pixel gets these answers, after they have been told.
fn answered(answers: &[(u16, &'static str)]) -> Visit {
    let mut visit = Visit::to(CHECKOUT);
    visit.browser.touch().settings_answers.extend(answers);
    visit.call(INIT);
    visit.advance(20_000);
    visit
}

/// What the pixel told of its settings, each time.
fn outcomes(visit: &Visit) -> Vec<String> {
    let told = visit.requests().into_iter().filter_map(|sent| {
        let diagnostic = sent.diagnostic()?;
        diagnostic.get("config").map(ToString::to_string)
    });
    told.collect()
}

#[test]
fn settings_are_asked_for_once_the_page_has_been_painted() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT);
    visit.advance(PAINT - 1);
    assert!(visit.settings_asked().is_empty());
    visit.advance(1);
    assert_eq!(visit.settings_asked(), [format!("{SETTINGS}/P.json")]);
    visit.advance(60_000);
    assert_eq!(visit.settings_asked().len(), 1);
}

#[test]
fn each_pixel_asks_for_its_own() {
    let mut visit = Visit::to(CHECKOUT);
    let answers = [(404, ""), (200, ENABLED)];
    visit.browser.touch().settings_answers.extend(answers);
    visit.calls([INIT, INIT_Q]);
    visit.advance(20_000);
    assert_eq!(visit.settings_asked().len(), 2);
    for (pixel, outcome) in [("P", "not_found"), ("Q", "enabled")] {
        let diagnostic = visit.requests_of(pixel)[0].diagnostic().unwrap();
        assert_eq!(diagnostic["config"]["automatic_advanced_matching"], outcome);
    }
}

#[test]
fn an_answer_is_told_as_what_it_was() {
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
        let visit = answered(&[(status, body)]);
        let expected = format!(r#"{{"automatic_advanced_matching":"{outcome}"}}"#);
        assert_eq!(outcomes(&visit), [expected], "{status} {body}");
        assert_eq!(visit.settings_asked().len(), 1);
    }
}

#[test]
fn a_fault_of_server_or_network_is_tried_again_once_after_250_ms() {
    for status in [0, 408, 500, 503, 599] {
        for (second, outcome, succeeded) in [
            ((200, ENABLED), "enabled", true),
            ((404, ""), "not_found", true),
            ((200, "<html>"), "invalid", true),
            ((status, ""), "request_failed", false),
        ] {
            let visit = answered(&[(status, ""), second]);
            let config = format!(
                r#"{{"automatic_advanced_matching":"{outcome}","retry_attempted":true,"retry_succeeded":{succeeded}}}"#
            );
            let sent = &visit.requests()[0];
            assert!(sent.body.contains(&config), "{status} {}", sent.body);
            let asked = visit.browser.look().settings_asked.clone();
            assert_eq!(asked.len(), 2, "{status}");
            assert_eq!(asked[1].0 - asked[0].0, LATENCY + PAUSE, "{status}");
            assert_eq!(asked[0].1, asked[1].1);
        }
    }
}

#[test]
fn settings_that_come_soon_share_the_first_request() {
    let visit = answered(&[(200, ENABLED)]);
    let sent = visit.request();
    assert_eq!(sent.names(), ["openai::sdk_init", "oai::diagnostic"]);
    let diagnostic = sent.diagnostic().expect("a diagnostic");
    assert_eq!(diagnostic["is_first_visit_in_session"], true);
    assert_eq!(
        diagnostic["config"]["automatic_advanced_matching"],
        "enabled"
    );
}

#[test]
fn settings_that_come_late_are_told_alone_and_with_identity() {
    let mut visit = Visit::settled();
    let began = visit.browser.look().ticks;
    visit.settings_arrive(0, 200, ENABLED);
    visit.advance(LATEST);
    let sent = visit.request();
    assert_eq!(sent.at, began + LATEST);
    assert!(!sent.stripped && sent.batch().obref.is_some());
    assert!(sent.body.contains(
        r#""schema_version":1,"dropped_event_count":0,"dropped_event_reason_counts":{},"dropped_event_name_counts":{},"dropped_event_phase_counts":{},"config":{"automatic_advanced_matching":"enabled"}}}"#
    ));
}

#[test]
fn settings_hold_for_five_minutes() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT);
    visit.advance(HOLD - 1);
    visit.call(INIT);
    visit.advance(1);
    assert_eq!(visit.settings_asked().len(), 1);
    visit.call(INIT);
    visit.advance(PAINT);
    assert_eq!(visit.settings_asked().len(), 2);
}

#[test]
fn nobody_asks_while_consent_is_denied() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([DENY, INIT, INIT, INIT_Q]);
    visit.advance(HOLD);
    visit.calls([INIT, INIT_Q]);
    visit.advance(1_000);
    assert!(visit.settings_asked().is_empty());
    visit.call(GRANT);
    visit.advance(PAINT);
    assert_eq!(visit.settings_asked().len(), 2);
}

#[test]
fn a_grant_after_a_denial_asks_again() {
    let mut visit = Visit::settled();
    visit.calls([DENY, GRANT]);
    visit.advance(PAINT);
    assert_eq!(visit.settings_asked().len(), 2);
}

#[test]
fn a_denial_before_the_paint_stops_the_question() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([INIT, DENY]);
    visit.advance(60_000);
    assert!(visit.settings_asked().is_empty());
}

#[test]
fn a_denial_that_another_tab_stored_before_the_paint_stops_the_question() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT);
    visit
        .browser
        .touch()
        .local
        .insert("oaiq_consent".into(), "false".into());
    visit.advance(60_000);
    assert!(visit.settings_asked().is_empty());
}

#[test]
fn a_denial_found_only_in_a_cookie_stops_the_second_question() {
    let mut visit = Visit::to(CHECKOUT);
    visit.browser.touch().settings_answers.push_back((500, ""));
    visit.call(INIT);
    visit.advance(PAINT + LATENCY);
    visit
        .browser
        .set_cookie_at("shop.example.test", "__oaiq_consent=false");
    visit.advance(60_000);
    assert_eq!(visit.settings_asked().len(), 1);
}

#[test]
fn a_denial_stops_the_second_question() {
    let mut visit = Visit::to(CHECKOUT);
    visit.browser.touch().settings_answers.push_back((500, ""));
    visit.call(INIT);
    visit.advance(PAINT + LATENCY);
    visit.call(DENY);
    visit.advance(60_000);
    assert_eq!(visit.settings_asked().len(), 1);
}

#[test]
fn an_answer_that_comes_after_a_denial_is_not_told() {
    let mut visit = Visit::settled();
    visit.call(DENY);
    visit.settings_arrive(0, 200, ENABLED);
    visit.settings_arrive(0, 500, "");
    visit.advance(60_000);
    assert!(visit.requests().is_empty());
    assert_eq!(visit.settings_asked().len(), 1);
}

#[test]
fn an_answer_for_no_pixel_changes_nothing() {
    let mut visit = Visit::to(CHECKOUT);
    visit.settings_arrive(0, 200, ENABLED);
    visit.call(INIT);
    visit.settle();
    for pixel in [1, 7, usize::MAX] {
        visit.settings_arrive(pixel, 200, ENABLED);
    }
    visit.advance(60_000);
    assert!(visit.requests().is_empty());
}

#[test]
fn settings_that_nobody_could_fetch_are_told_when_the_network_is_back() {
    let mut visit = Visit::to(CHECKOUT);
    let answers = [(0, ""), (0, "")];
    visit.browser.touch().settings_answers.extend(answers);
    visit.network(Network::Down);
    visit.call(INIT);
    visit.advance(3_000);
    visit.network(Network::Up);
    visit.advance(10_000);
    let config = r#"{"automatic_advanced_matching":"request_failed","retry_attempted":true,"retry_succeeded":false}"#;
    assert_eq!(outcomes(&visit), [config, config]);
    let answers = visit.requests().into_iter().map(|sent| sent.arrived);
    assert_eq!(answers.collect::<Vec<_>>(), [Some(false), Some(true)]);
}
