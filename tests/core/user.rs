//! Who the site says the visitor is.

use sha2::{Digest, Sha256};

use crate::support::page::{CHECKOUT, QUIET, REFUSED, Visit, order};

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn init(user: &str) -> String {
    format!(r#"["init",{{"pixelId":"P","user":{user}}}]"#)
}

/// The part `user` of the next request, as it stands in the body.
fn user_of_next(visit: &mut Visit) -> String {
    visit.call(&order("a"));
    visit.advance(QUIET);
    let body = visit.request().body;
    visit.browser.touch().requests.clear();
    match body.split_once(r#","user":"#) {
        Some((_, user)) => user.strip_suffix('}').expect("the body's end").into(),
        None => String::new(),
    }
}

#[test]
fn what_names_a_person_is_hashed_and_goes_in_the_order_of_the_wire() {
    let mut visit = Visit::settled();
    visit.call(&init(
        r#"{"last_name_sha256":"O'Neil","first_name_sha256":" Zoë ","phone_number_sha256":"+49 (170) 123-4567","email_sha256":" Jane.Doe@Example.COM ","zip_code":"24103","region":"SH","city":"Kiel","country":"DE","external_id_sha256":"U-1"}"#,
    ));
    let user = user_of_next(&mut visit);
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
fn what_was_hashed_by_the_site_goes_as_it_is() {
    let mut visit = Visit::settled();
    let hash = sha256("jane.doe@example.com");
    visit.call(&init(&format!(
        r#"{{"email_sha256":"{}"}}"#,
        hash.to_uppercase()
    )));
    assert_eq!(
        user_of_next(&mut visit),
        format!(r#"{{"in":{{"em":"{hash}"}}}}"#)
    );
}

#[test]
fn what_is_not_usable_is_left_out_and_the_rest_goes() {
    let mut visit = Visit::settled();
    visit.call(&init(
        r#"{"email_sha256":"jane.doe","phone_number_sha256":5,"city":"","region":null,"postal_code":"","zip_code":"24103","country":x"symbol","email":"jane@example.com"}"#,
    ));
    assert_eq!(user_of_next(&mut visit), r#"{"in":{"pc":"24103"}}"#);
}

#[test]
fn no_user_is_told_where_nothing_of_it_is_usable() {
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
        let mut visit = Visit::settled();
        visit.call(&init(user));
        assert_eq!(user_of_next(&mut visit), "", "{user}");
    }
}

#[test]
fn a_later_user_replaces_the_whole_of_it() {
    let mut visit = Visit::settled();
    visit.call(&init(r#"{"country":"DE","city":"Kiel"}"#));
    visit.call(&init(r#"{"city":"Ulm"}"#));
    assert_eq!(user_of_next(&mut visit), r#"{"in":{"ct":"Ulm"}}"#);
}

#[test]
fn an_init_without_a_user_leaves_it() {
    let mut visit = Visit::settled();
    visit.call(&init(r#"{"city":"Ulm"}"#));
    visit.call(r#"["init",{"pixelId":"P"}]"#);
    visit.call(r#"["init",{"debug":false}]"#);
    assert_eq!(user_of_next(&mut visit), r#"{"in":{"ct":"Ulm"}}"#);
}

#[test]
fn a_user_of_null_removes_it() {
    for none in ["null", "u", "{}"] {
        let mut visit = Visit::settled();
        visit.call(&init(r#"{"city":"Ulm"}"#));
        assert_eq!(user_of_next(&mut visit), r#"{"in":{"ct":"Ulm"}}"#);
        visit.call(&init(none));
        assert_eq!(user_of_next(&mut visit), "", "{none}");
    }
}

#[test]
fn a_user_goes_with_events_of_the_page_alone() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(&init(r#"{"city":"Ulm"}"#));
    visit.advance(QUIET);
    assert_eq!(
        visit.request().names(),
        ["openai::sdk_init", "oai::diagnostic"]
    );
    assert_eq!(visit.request().batch().user, None);
    visit.settle();
    visit.call(REFUSED);
    visit.advance(10_000);
    assert_eq!(visit.request().batch().user, None);
    visit.settle();
    assert_eq!(user_of_next(&mut visit), r#"{"in":{"ct":"Ulm"}}"#);
}

#[test]
fn a_user_given_after_the_event_goes_with_it() {
    let mut visit = Visit::settled();
    visit.call(&order("a"));
    visit.call(&init(r#"{"city":"Ulm"}"#));
    visit.advance(QUIET);
    assert!(visit.request().batch().user.is_some());
}
