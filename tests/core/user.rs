//! User data that the site passes to `init`.

use sha2::{Digest, Sha256};

use crate::support::page::{
    CHECKOUT_URL, IDLE_FLUSH_MS, INIT_P, INVALID_CALL, MAX_FLUSH_MS, Page, order,
};

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn init(user: &str) -> String {
    format!(r#"["init",{{"pixelId":"P","user":{user}}}]"#)
}

/// The `user` member of the next request's body, verbatim.
fn user_of_next(page: &mut Page) -> String {
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    let body = page.request().body;
    page.browser.state_mut().requests.clear();
    match body.split_once(r#","user":"#) {
        Some((_, user)) => user.strip_suffix('}').expect("the body's end").into(),
        None => String::new(),
    }
}

#[test]
fn identifiers_are_hashed_in_wire_order() {
    let mut page = Page::open_idle();
    page.call(&init(
        r#"{"last_name_sha256":"O'Neil","first_name_sha256":" Zoë ","phone_number_sha256":"+49 (170) 123-4567","email_sha256":" Jane.Doe@Example.COM ","zip_code":"24103","region":"SH","city":"Kiel","country":"DE","external_id_sha256":"U-1"}"#,
    ));
    let user = user_of_next(&mut page);
    assert_eq!(
        user,
        format!(
            r#"{{"in":{{"eid":"{}","co":"DE","ct":"Kiel","rg":"SH","pc":"24103","em":"{}","ph":"{}","fn":"{}","ln":"{}"}}}}"#,
            sha256("U-1"),
            sha256("jane.doe@example.com"),
            sha256("491701234567"),
            sha256("zoë"),
            sha256("oneil"),
        )
    );
}

#[test]
fn hashed_values_of_the_site_are_sent_unchanged() {
    let mut page = Page::open_idle();
    let hash = sha256("jane.doe@example.com");
    page.call(&init(&format!(
        r#"{{"email_sha256":"{}"}}"#,
        hash.to_uppercase()
    )));
    assert_eq!(
        user_of_next(&mut page),
        format!(r#"{{"in":{{"em":"{hash}"}}}}"#)
    );
}

#[test]
fn unusable_values_are_left_out() {
    let mut page = Page::open_idle();
    page.call(&init(
        r#"{"email_sha256":"jane.doe","phone_number_sha256":5,"city":"","region":null,"postal_code":"","zip_code":"24103","country":x"symbol","email":"jane@example.com"}"#,
    ));
    assert_eq!(user_of_next(&mut page), r#"{"in":{"pc":"24103"}}"#);
}

#[test]
fn user_is_absent_when_no_value_is_usable() {
    for user in [
        "{}",
        "null",
        "u",
        "5",
        r#""jane@example.com""#,
        r#"["jane@example.com"]"#,
        r#"{"email":"jane@example.com"}"#,
        r#"{"email_sha256":["jane@example.com"]}"#,
    ] {
        let mut page = Page::open_idle();
        page.call(&init(user));
        assert_eq!(user_of_next(&mut page), "", "{user}");
    }
}

#[test]
fn later_user_replaces_the_whole_earlier_one() {
    let mut page = Page::open_idle();
    page.call(&init(r#"{"country":"DE","city":"Kiel"}"#));
    page.call(&init(r#"{"city":"Ulm"}"#));
    assert_eq!(user_of_next(&mut page), r#"{"in":{"ct":"Ulm"}}"#);
}

#[test]
fn init_without_user_keeps_the_user() {
    let mut page = Page::open_idle();
    page.call(&init(r#"{"city":"Ulm"}"#));
    page.call(r#"["init",{"pixelId":"P"}]"#);
    page.call(r#"["init",{"debug":false}]"#);
    assert_eq!(user_of_next(&mut page), r#"{"in":{"ct":"Ulm"}}"#);
}

#[test]
fn user_null_removes_the_user() {
    for none in ["null", "u", "{}"] {
        let mut page = Page::open_idle();
        page.call(&init(r#"{"city":"Ulm"}"#));
        assert_eq!(user_of_next(&mut page), r#"{"in":{"ct":"Ulm"}}"#);
        page.call(&init(none));
        assert_eq!(user_of_next(&mut page), "", "{none}");
    }
}

#[test]
fn user_goes_only_with_page_events() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(&init(r#"{"city":"Ulm"}"#));
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(
        page.request().names(),
        ["openai::sdk_init", "oai::diagnostic"]
    );
    assert_eq!(page.request().batch().user, None);
    page.drain();
    page.call(INVALID_CALL);
    page.advance(10_000);
    assert_eq!(page.request().batch().user, None);
    page.drain();
    assert_eq!(user_of_next(&mut page), r#"{"in":{"ct":"Ulm"}}"#);
}

#[test]
fn user_set_after_the_event_goes_with_it() {
    let mut page = Page::open_idle();
    page.call(&order("a"));
    page.call(&init(r#"{"city":"Ulm"}"#));
    page.advance(IDLE_FLUSH_MS);
    assert!(page.request().batch().user.is_some());
}

#[test]
fn only_a_request_with_events_of_an_identified_visitor_may_have_user_data() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P);
    page.advance(IDLE_FLUSH_MS);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    page.call(INVALID_CALL);
    page.advance(MAX_FLUSH_MS);
    let may_have_user: Vec<_> = page
        .requests()
        .iter()
        .map(|sent| (sent.names().len(), sent.may_have_user))
        .collect();
    // a start with its diagnostic, an order, a diagnostic
    assert_eq!(may_have_user, [(2, false), (1, true), (1, false)]);
}

#[test]
fn request_of_recovered_events_may_have_no_user_data() {
    let mut next = Page::after_crash(CHECKOUT_URL, &["a"], CHECKOUT_URL);
    next.call(INIT_P);
    next.advance(60_000);
    let requests = next.requests();
    let recovered = requests
        .iter()
        .find(|sent| sent.measured_ids() == ["a"])
        .expect("the order");
    assert!(!recovered.may_have_user);
}
