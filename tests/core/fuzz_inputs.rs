//! Property tests with text that the script never writes and with hostile values.

use proptest::prelude::*;

use crate::support::fake_browser::{FakeBrowser, Network};
use crate::support::page::{
    CHECKOUT_URL, CONSENT_GRANT, IDLE_FLUSH_MS, INIT_P, Page, order, quote_json,
};

/// Whether the pixel still measures events.
fn still_works(page: &mut Page) -> bool {
    page.set_network(Network::Up);
    page.call_all([CONSENT_GRANT, INIT_P]);
    page.call(&order("still here"));
    page.advance(1_000_000);
    let requests = page.requests_for("P").into_iter();
    let mut delivered = requests.filter(|sent| sent.delivered == Some(true));
    delivered.any(|sent| sent.body.contains("still here"))
}

/// One argument of a call, valid or not.
fn part() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "init",
        "initialize",
        "measure",
        "measureSingle",
        "consent",
        "page_viewed",
        "order_created",
        "custom",
        "contents",
        "USD",
        "P",
        "https://shop.example.test/?oppref=x",
        "__proto__",
    ]);
    let leaf = prop_oneof![
        4 => words.prop_map(|word| format!("{word:?}")),
        1 => any::<String>().prop_map(|text| quote_json(&text)),
        1 => prop::sample::select(vec![
            "u", "null", "true", "false", "0", "-1", "25.99", "1e+21", "18446744073709551616", "-",
            "x\"NaN\"", "x\"\"", "\"\\ud83e\"", "\"\\\\\"", "\"\\u0000\"",
        ]).prop_map(String::from),
        1 => any::<u64>().prop_map(|number| number.to_string()),
    ];
    let key = prop::sample::select(vec![
        "pixelId",
        "debug",
        "user",
        "type",
        "amount",
        "currency",
        "contents",
        "event_id",
        "custom_event_name",
        "opt_out",
        "email_sha256",
        "phone_number_sha256",
        "",
        "\\",
    ]);
    leaf.prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key.clone(), inner), 0..5).prop_map(|fields| {
                let fields: Vec<_> = fields
                    .into_iter()
                    .map(|(key, value)| format!("\"{key}\":{value}"))
                    .collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

/// Text from nearly valid to random.
fn text() -> impl Strategy<Value = String> {
    let nearly = || prop::collection::vec(part(), 0..8);
    let tokens = prop::sample::select(vec![
        "[", "]", "{", "}", "\"", ",", ":", "u", "x\"", "\\", "\\u", "\\ud83e", "init", "measure",
        "1", "-", "e", ".", "ü", "\u{0}", "\n", " ", "null",
    ]);
    prop_oneof![
        2 => any::<String>(),
        2 => prop::collection::vec(tokens, 0..40).prop_map(|tokens| tokens.concat()),
        2 => nearly().prop_map(|parts| format!("[{}]", parts.join(","))),
        4 => (any::<u64>(), nearly()).prop_map(|(time, parts)| {
            format!("[{time},\"{CHECKOUT_URL}?a=b#c\",\"\",{}]", parts.join(","))
        }),
    ]
}

proptest! {
    #[test]
    fn call_of_any_text_does_not_stop_the_tracker(text in any::<String>()) {
        let mut page = Page::open(CHECKOUT_URL);
        page.call_raw(&text);
        prop_assert!(still_works(&mut page));
    }

    #[test]
    fn near_valid_and_nonsense_calls_do_not_stop_the_tracker(texts in prop::collection::vec(text(), 0..12)) {
        let mut page = Page::open(CHECKOUT_URL);
        for (i, text) in texts.iter().enumerate() {
            page.call_raw(text);
            match i % 4 {
                0 => page.advance(700),
                1 => page.hide(),
                2 => page.advance(6_000),
                _ => page.call(INIT_P),
            }
        }
        prop_assert!(still_works(&mut page));
    }

    #[test]
    fn setup_of_any_text_does_not_stop_the_tracker(setup in text()) {
        let browser = FakeBrowser::new();
        let mut page = browser.open_with_setup(&setup);
        prop_assert!(still_works(&mut page));
    }

    #[test]
    fn pixel_config_of_any_content_does_not_stop_the_tracker(
        pixel in prop_oneof![0..3usize, any::<usize>()],
        status in any::<u16>(),
        body in prop_oneof![any::<String>(), part()],
    ) {
        let mut page = Page::open_idle();
        page.config_response(pixel, status, &body);
        page.config_response(pixel, status, &body);
        prop_assert!(still_works(&mut page));
    }

    #[test]
    fn cookies_and_storage_of_any_content_do_not_stop_the_tracker(
        cookie in "[^;\u{0}-\u{1f}]{0,40}",
        stored in any::<String>(),
    ) {
        let browser = FakeBrowser::new();
        for name in ["__obref", "__oppref", "__oaiq_consent", "__oaiq_domain_probe"] {
            browser.set_cookie_on("shop.example.test", &format!("{name}={cookie}"));
        }
        for key in ["oaiq_consent", "oaiq_cs:P"] {
            browser.state_mut().local.insert(key.into(), stored.clone());
            browser.state_mut().session.insert(key.into(), stored.clone());
        }
        let mut page = browser.open(CHECKOUT_URL);
        prop_assert!(still_works(&mut page));
        let sent = page.requests();
        let obref = sent.last().and_then(|sent| sent.batch().obref);
        prop_assert_eq!(obref.map(|obref| obref.len()), Some(36));
    }

    #[test]
    fn any_url_is_sent_without_query_and_fragment(
        url in "(https?://|file://|about:|blob:|data:)?[a-z@:.\\[\\]/?#%é &=\"\\\\]{0,40}",
        referrer in "(https?://)?[a-z@:./?#%é&=]{0,40}",
    ) {
        let browser = FakeBrowser::new();
        let mut page = browser.open_with_referrer(&url, &referrer, "u");
        page.call(INIT_P);
        page.call(&order("a"));
        page.advance(IDLE_FLUSH_MS);
        for event in page.request().events() {
            for sent in [event.source_url, event.referrer_url].into_iter().flatten() {
                prop_assert!(!sent.contains(['?', '#']), "{}", sent);
            }
        }
    }

    #[test]
    fn id_of_any_text_is_sent_unchanged(pixel in ".{1,20}", event in ".{1,20}") {
        let mut page = Page::open(CHECKOUT_URL);
        page.call(&format!(r#"["init",{{"pixelId":{}}}]"#, quote_json(&pixel)));
        page.call(&format!(
            r#"["measureSingle",{},"lead_created",{{"type":"customer_action"}},{{"event_id":{}}}]"#,
            quote_json(&pixel),
            quote_json(&event)
        ));
        page.advance(IDLE_FLUSH_MS);
        let sent = page.request();
        prop_assert_eq!(sent.measured_ids(), [event]);
        prop_assert!(!sent.pixel().contains(|c: char| !c.is_ascii_graphic() || "&#?=+\"".contains(c)));
    }

    #[test]
    fn click_id_of_any_text_is_sent_on_this_page_and_the_next(click in ".{1,40}") {
        let encoded: String = click.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let mut page = Page::open(&format!("https://shop.example.test/?oppref={encoded}"));
        for _ in 0..2 {
            page.call(INIT_P);
            page.advance(IDLE_FLUSH_MS);
            let sent = page.request().batch().oppref;
            prop_assert_eq!(sent.as_ref(), Some(&click));
            page = page.navigate_to(CHECKOUT_URL);
            page.browser.state_mut().requests.clear();
        }
    }
}
