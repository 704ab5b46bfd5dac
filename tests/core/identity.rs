//! The click ID and the browser ID, and their cookies.

use crate::support::fake_browser::{FakeBrowser, LATENCY_MS, PAINT_MS, SentRequest, uuid};
use crate::support::page::{CHECKOUT_URL, IDLE_FLUSH_MS, INIT_P, INIT_Q, Page, order};

const STORED_ID: &str = "4e5e4050-f8cb-416c-9078-534b39100342";
const DAY: u64 = 24 * 60 * 60 * 1_000;

/// Starts a pixel at that URL and returns the request with its first event.
fn first_request(browser: &FakeBrowser, url: &str) -> SentRequest {
    browser.state_mut().requests.clear();
    let mut page = browser.open(url);
    page.call(INIT_P);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS + LATENCY_MS);
    page.request()
}

fn sent_click_id(browser: &FakeBrowser, url: &str) -> Option<String> {
    first_request(browser, url).batch().oppref
}

fn with_cookie(cookie: &str) -> FakeBrowser {
    let browser = FakeBrowser::new();
    browser.set_cookie_on("shop.example.test", cookie);
    browser
}

#[test]
fn click_id_in_the_url_is_sent_and_stored() {
    let browser = FakeBrowser::new();
    let sent = sent_click_id(&browser, "https://shop.example.test/?a=1&oppref=click-1");
    assert_eq!(sent.as_deref(), Some("click-1"));
    assert_eq!(
        browser.cookie_writes("__oppref"),
        ["__oppref=click-1; Path=/; Max-Age=2592000; SameSite=Lax; Domain=example.test; Secure"]
    );
    assert_eq!(
        sent_click_id(&browser, CHECKOUT_URL).as_deref(),
        Some("click-1")
    );
    let other = sent_click_id(&browser, "https://blog.example.test/");
    assert_eq!(other.as_deref(), Some("click-1"));
}

#[test]
fn click_id_lives_30_days_and_browser_id_365() {
    let browser = FakeBrowser::new();
    let first = first_request(&browser, "https://shop.example.test/?oppref=click-1").batch();
    browser.state_mut().now += 30 * DAY;
    let later = first_request(&browser, CHECKOUT_URL).batch();
    assert_eq!(later.oppref, None);
    assert_eq!(later.obref, first.obref);
    browser.state_mut().now += 335 * DAY;
    let much_later = first_request(&browser, CHECKOUT_URL).batch();
    assert!(much_later.obref.is_some());
    assert_ne!(much_later.obref, first.obref);
}

#[test]
fn click_id_in_the_url_replaces_the_stored_one() {
    let browser = with_cookie("__oppref=old; Domain=example.test");
    let sent = sent_click_id(&browser, "https://shop.example.test/?oppref=new");
    assert_eq!(sent.as_deref(), Some("new"));
    assert_eq!(browser.cookie("__oppref").as_deref(), Some("new"));
}

#[test]
fn new_click_id_wins_over_an_old_host_cookie_on_the_next_page() {
    for old in [
        &["__oppref=old"][..],
        // a cookie that is overwritten keeps its creation time, so it stays before the host's cookie (RFC 6265, 5.3)
        &["__oppref=older; Domain=example.test", "__oppref=old"],
        &["__oppref=old; Domain=shop.example.test"],
        &[
            "__oppref=older; Domain=example.test",
            "__oppref=old; Domain=shop.example.test",
        ],
    ] {
        let browser = FakeBrowser::new();
        for cookie in old {
            browser.set_cookie_on("shop.example.test", cookie);
        }
        let sent = sent_click_id(&browser, "https://shop.example.test/?oppref=new");
        assert_eq!(sent.as_deref(), Some("new"), "{old:?}");
        let sent = sent_click_id(&browser, CHECKOUT_URL);
        assert_eq!(sent.as_deref(), Some("new"), "{old:?}");
    }
}

#[test]
fn empty_click_id_is_ignored() {
    for query in [
        "?oppref=",
        "?oppref",
        "?xoppref=a",
        "?OPPREF=a",
        "#?oppref=a",
    ] {
        let url = format!("https://shop.example.test/{query}");
        let browser = with_cookie("__oppref=stored; Domain=example.test");
        assert_eq!(
            sent_click_id(&browser, &url).as_deref(),
            Some("stored"),
            "{query}"
        );
        assert_eq!(sent_click_id(&FakeBrowser::new(), &url), None, "{query}");
    }
    assert_eq!(sent_click_id(&with_cookie("__oppref="), CHECKOUT_URL), None);
}

#[test]
fn click_id_with_special_characters_survives() {
    let browser = FakeBrowser::new();
    let url = "https://shop.example.test/?oppref=a%20b%2Bc%26d%3De%3Bf%25%22%5C%C3%BC+%F0%9F%A7%80";
    let expected = "a b+c&d=e;f%\"\\ü 🧀";
    assert_eq!(sent_click_id(&browser, url).as_deref(), Some(expected));
    assert_eq!(
        browser.cookie("__oppref").as_deref(),
        Some("a%20b%2Bc%26d%3De%3Bf%25%22%5C%C3%BC%20%F0%9F%A7%80")
    );
    assert_eq!(
        sent_click_id(&browser, CHECKOUT_URL).as_deref(),
        Some(expected)
    );
}

#[test]
fn browser_id_is_created_and_stored() {
    let browser = FakeBrowser::new();
    let first = first_request(&browser, CHECKOUT_URL).batch().obref;
    // after the UUIDs of the pixel's own event and of the order
    let reference = uuid(2);
    assert_eq!(first.as_deref(), Some(reference.as_str()));
    let expected = format!(
        "__obref={reference}; Path=/; Max-Age=31536000; SameSite=Lax; Domain=example.test; Secure"
    );
    assert_eq!(browser.cookie_writes("__obref"), [expected]);
    assert_eq!(first_request(&browser, CHECKOUT_URL).batch().obref, first);
}

#[test]
fn stored_browser_id_is_not_rewritten() {
    let browser = with_cookie(&format!("__obref={STORED_ID}; Domain=example.test"));
    let sent = first_request(&browser, CHECKOUT_URL).batch().obref;
    assert_eq!(sent.as_deref(), Some(STORED_ID));
    assert!(browser.state().cookies.written.is_empty());
}

#[test]
fn malformed_browser_id_is_replaced_on_every_domain() {
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
            let sent = first_request(&browser, CHECKOUT_URL).batch().obref;
            assert_eq!(sent, Some(uuid(2)), "{found}{domain}");
            assert_eq!(browser.cookie("__obref"), sent, "{found}{domain}");
        }
    }
}

#[test]
fn blocked_cookies_send_no_browser_id() {
    let browser = FakeBrowser::new();
    browser.state_mut().cookies.blocked = true;
    let batch = first_request(&browser, "https://shop.example.test/?oppref=click-1").batch();
    assert_eq!(batch.obref, None);
    assert_eq!(batch.oppref.as_deref(), Some("click-1"));
}

#[test]
fn page_without_a_host_stores_what_the_browser_allows() {
    for url in ["about:blank", "file:///home/me/page.html", ""] {
        let batch = first_request(&FakeBrowser::new(), url).batch();
        assert_eq!(batch.oppref, None, "{url}");
    }
}

#[test]
fn no_storage_is_touched_before_init() {
    let browser = with_cookie("__oppref=stored; Domain=example.test");
    let mut page = browser.open("https://shop.example.test/?oppref=click-1");
    page.call(&order("early"));
    page.advance(60_000);
    assert!(browser.state().cookies.written.is_empty());
}

#[test]
fn landing_page_click_id_is_used_after_the_url_changed_before_init() {
    let mut page = Page::open("https://shop.example.test/?oppref=click-1");
    page.push_state(CHECKOUT_URL);
    page.call(INIT_P);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    let sent = page.request().batch().oppref;
    assert_eq!(sent.as_deref(), Some("click-1"));
}

#[test]
fn start_reads_no_storage_before_first_paint() {
    // each read may be a round trip to another process
    let known = with_cookie(&format!("__obref={STORED_ID}; Domain=example.test"));
    for (browser, reads) in [(known, 2), (FakeBrowser::new(), 3)] {
        let mut page = browser.open("https://shop.example.test/?oppref=click-1");
        page.call_all([INIT_P, INIT_Q, INIT_P]);
        for _ in 0..10 {
            page.call(&order("a"));
        }
        page.advance(PAINT_MS - 1);
        assert_eq!(browser.state().cookies.reads.get(), 0);
        assert!(browser.state().cookies.written.is_empty());
        assert_eq!(browser.state().storage_reads.get(), 0);
        page.advance(1);
        assert_eq!(browser.state().cookies.reads.get(), reads);
        assert!(!browser.state().cookies.written.is_empty());
    }
}

#[test]
fn leaving_before_first_paint_stores_the_click_id() {
    let mut page = Page::open("https://shop.example.test/?oppref=click-1");
    page.call(INIT_P);
    page.call(&order("a"));
    page.hide();
    let batch = page.request().batch();
    assert_eq!(batch.oppref.as_deref(), Some("click-1"));
    assert_eq!(page.browser.cookie("__obref"), batch.obref);
    assert_eq!(page.browser.cookie("__oppref").as_deref(), Some("click-1"));
}
