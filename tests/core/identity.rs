//! The click and browser references, and the cookies that keep them.

use crate::support::fake_browser::{Browser, LATENCY, PAINT, Sent, uuid};
use crate::support::page::{CHECKOUT, INIT, INIT_Q, QUIET, Visit, order};

const KEPT: &str = "4e5e4050-f8cb-416c-9078-534b39100342";
const DAY: u64 = 24 * 60 * 60 * 1_000;

/// Starts a pixel there, and gives the request of its first event.
fn first_request(browser: &Browser, url: &str) -> Sent {
    browser.touch().requests.clear();
    let mut visit = browser.open(url);
    visit.call(INIT);
    visit.call(&order("a"));
    visit.advance(QUIET + LATENCY);
    visit.request()
}

fn click(browser: &Browser, url: &str) -> Option<String> {
    first_request(browser, url).batch().oppref
}

fn with_cookie(cookie: &str) -> Browser {
    let browser = Browser::new();
    browser.set_cookie_at("shop.example.test", cookie);
    browser
}

#[test]
fn a_click_in_the_address_is_told_and_kept() {
    let browser = Browser::new();
    let told = click(&browser, "https://shop.example.test/?a=1&oppref=click-1");
    assert_eq!(told.as_deref(), Some("click-1"));
    assert_eq!(
        browser.written("__oppref"),
        ["__oppref=click-1; Path=/; Max-Age=2592000; SameSite=Lax; Domain=example.test; Secure"]
    );
    assert_eq!(click(&browser, CHECKOUT).as_deref(), Some("click-1"));
    let other = click(&browser, "https://blog.example.test/");
    assert_eq!(other.as_deref(), Some("click-1"));
}

#[test]
fn a_click_lives_for_thirty_days_and_a_browser_reference_for_365() {
    let browser = Browser::new();
    let first = first_request(&browser, "https://shop.example.test/?oppref=click-1").batch();
    browser.touch().now += 30 * DAY;
    let later = first_request(&browser, CHECKOUT).batch();
    assert_eq!(later.oppref, None);
    assert_eq!(later.obref, first.obref);
    browser.touch().now += 335 * DAY;
    let much_later = first_request(&browser, CHECKOUT).batch();
    assert!(much_later.obref.is_some());
    assert_ne!(much_later.obref, first.obref);
}

#[test]
fn a_click_in_the_address_wins_over_the_kept_one() {
    let browser = with_cookie("__oppref=old; Domain=example.test");
    let told = click(&browser, "https://shop.example.test/?oppref=new");
    assert_eq!(told.as_deref(), Some("new"));
    assert_eq!(browser.cookie("__oppref").as_deref(), Some("new"));
}

#[test]
fn a_new_click_is_still_the_one_on_the_next_page_where_an_old_one_is_kept_for_the_host() {
    for old in [
        &["__oppref=old"][..],
        // the copy that is written anew keeps its place before the host's (RFC 6265, 5.3)
        &["__oppref=older; Domain=example.test", "__oppref=old"],
        &["__oppref=old; Domain=shop.example.test"],
        &[
            "__oppref=older; Domain=example.test",
            "__oppref=old; Domain=shop.example.test",
        ],
    ] {
        let browser = Browser::new();
        for cookie in old {
            browser.set_cookie_at("shop.example.test", cookie);
        }
        let told = click(&browser, "https://shop.example.test/?oppref=new");
        assert_eq!(told.as_deref(), Some("new"), "{old:?}");
        let told = click(&browser, CHECKOUT);
        assert_eq!(told.as_deref(), Some("new"), "{old:?}");
    }
}

#[test]
fn an_empty_click_does_not_count() {
    for query in [
        "?oppref=",
        "?oppref",
        "?xoppref=a",
        "?OPPREF=a",
        "#?oppref=a",
    ] {
        let url = format!("https://shop.example.test/{query}");
        let browser = with_cookie("__oppref=kept; Domain=example.test");
        assert_eq!(click(&browser, &url).as_deref(), Some("kept"), "{query}");
        assert_eq!(click(&Browser::new(), &url), None, "{query}");
    }
    assert_eq!(click(&with_cookie("__oppref="), CHECKOUT), None);
}

#[test]
fn a_click_with_special_characters_survives() {
    let browser = Browser::new();
    let url = "https://shop.example.test/?oppref=a%20b%2Bc%26d%3De%3Bf%25%22%5C%C3%BC+%F0%9F%A7%80";
    let expected = "a b+c&d=e;f%\"\\ü 🧀";
    assert_eq!(click(&browser, url).as_deref(), Some(expected));
    assert_eq!(
        browser.cookie("__oppref").as_deref(),
        Some("a%20b%2Bc%26d%3De%3Bf%25%22%5C%C3%BC%20%F0%9F%A7%80")
    );
    assert_eq!(click(&browser, CHECKOUT).as_deref(), Some(expected));
}

#[test]
fn a_browser_gets_a_reference_that_it_keeps() {
    let browser = Browser::new();
    let first = first_request(&browser, CHECKOUT).batch().obref;
    // after those of the pixel's own event and of the order's
    let reference = uuid(2);
    assert_eq!(first.as_deref(), Some(reference.as_str()));
    let expected = format!(
        "__obref={reference}; Path=/; Max-Age=31536000; SameSite=Lax; Domain=example.test; Secure"
    );
    assert_eq!(browser.written("__obref"), [expected]);
    assert_eq!(first_request(&browser, CHECKOUT).batch().obref, first);
}

#[test]
fn a_kept_reference_is_not_written_again() {
    let browser = with_cookie(&format!("__obref={KEPT}; Domain=example.test"));
    let told = first_request(&browser, CHECKOUT).batch().obref;
    assert_eq!(told.as_deref(), Some(KEPT));
    assert!(browser.look().cookies.written.is_empty());
}

#[test]
fn anything_else_found_as_a_reference_is_deleted_everywhere_and_made_anew() {
    for found in [
        "not-a-uuid",
        "",
        "4E5E4050-F8CB-416C-9078-534B39100342",
        "4e5e4050-f8cb-116c-9078-534b39100342",
        "4e5e4050-f8cb-416c-7078-534b39100342",
        "%22%7D%2C",
    ] {
        for domain in ["", "; Domain=example.test", "; Domain=shop.example.test"] {
            let browser = with_cookie(&format!("__obref={found}{domain}"));
            let told = first_request(&browser, CHECKOUT).batch().obref;
            assert_eq!(told, Some(uuid(2)), "{found}{domain}");
            assert_eq!(browser.cookie("__obref"), told, "{found}{domain}");
        }
    }
}

#[test]
fn where_cookies_are_blocked_no_browser_reference_is_sent() {
    let browser = Browser::new();
    browser.touch().cookies.blocked = true;
    let batch = first_request(&browser, "https://shop.example.test/?oppref=click-1").batch();
    assert_eq!(batch.obref, None);
    assert_eq!(batch.oppref.as_deref(), Some("click-1"));
}

#[test]
fn a_page_of_no_host_keeps_what_its_browser_lets_it() {
    for url in ["about:blank", "file:///home/me/page.html", ""] {
        let batch = first_request(&Browser::new(), url).batch();
        assert_eq!(batch.oppref, None, "{url}");
    }
}

#[test]
fn nothing_is_read_or_written_before_a_pixel_starts() {
    let browser = with_cookie("__oppref=kept; Domain=example.test");
    let mut visit = browser.open("https://shop.example.test/?oppref=click-1");
    visit.call(&order("early"));
    visit.advance(60_000);
    assert!(browser.look().cookies.written.is_empty());
}

#[test]
fn the_click_of_the_landing_page_counts_where_the_address_has_changed_before_init() {
    let mut visit = Visit::to("https://shop.example.test/?oppref=click-1");
    visit.push_state(CHECKOUT);
    visit.call(INIT);
    visit.call(&order("a"));
    visit.advance(QUIET);
    let told = visit.request().batch().oppref;
    assert_eq!(told.as_deref(), Some("click-1"));
}

#[test]
fn a_start_looks_at_no_cookie_and_no_store_until_the_page_has_been_painted() {
    // each look may be a round trip to another process
    let known = with_cookie(&format!("__obref={KEPT}; Domain=example.test"));
    for (browser, reads) in [(known, 2), (Browser::new(), 3)] {
        let mut visit = browser.open("https://shop.example.test/?oppref=click-1");
        visit.calls([INIT, INIT_Q, INIT]);
        for _ in 0..10 {
            visit.call(&order("a"));
        }
        visit.advance(PAINT - 1);
        assert_eq!(browser.look().cookies.reads.get(), 0);
        assert!(browser.look().cookies.written.is_empty());
        assert_eq!(browser.look().stores_read.get(), 0);
        visit.advance(1);
        assert_eq!(browser.look().cookies.reads.get(), reads);
        assert!(!browser.look().cookies.written.is_empty());
    }
}

#[test]
fn a_visitor_who_leaves_before_the_paint_keeps_the_click_all_the_same() {
    let mut visit = Visit::to("https://shop.example.test/?oppref=click-1");
    visit.call(INIT);
    visit.call(&order("a"));
    visit.leave();
    let batch = visit.request().batch();
    assert_eq!(batch.oppref.as_deref(), Some("click-1"));
    assert_eq!(visit.browser.cookie("__obref"), batch.obref);
    assert_eq!(visit.browser.cookie("__oppref").as_deref(), Some("click-1"));
}
