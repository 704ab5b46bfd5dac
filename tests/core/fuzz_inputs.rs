//! Texts that no script of ours writes, and values that only somebody hostile thinks of.

use proptest::prelude::*;

use crate::support::fake_browser::{Browser, Network};
use crate::support::page::{CHECKOUT, GRANT, INIT, QUIET, Visit, order, quoted};

/// Does a pixel still measure, whatever has happened to it?
fn still_measures(visit: &mut Visit) -> bool {
    visit.network(Network::Up);
    visit.calls([GRANT, INIT]);
    visit.call(&order("still here"));
    visit.advance(1_000_000);
    let requests = visit.requests_of("P").into_iter();
    let mut arrived = requests.filter(|sent| sent.arrived == Some(true));
    arrived.any(|sent| sent.body.contains("still here"))
}

/// One part of a call, as likely as not a wrong one.
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
        1 => any::<String>().prop_map(|text| quoted(&text)),
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

/// Texts from nearly right to nonsense.
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
            format!("[{time},\"{CHECKOUT}?a=b#c\",\"\",{}]", parts.join(","))
        }),
    ]
}

proptest! {
    #[test]
    fn a_call_of_any_text_at_all_stops_no_pixel(text in any::<String>()) {
        let mut visit = Visit::to(CHECKOUT);
        visit.raw_call(&text);
        prop_assert!(still_measures(&mut visit));
    }

    #[test]
    fn calls_from_nearly_right_to_nonsense_stop_no_pixel(texts in prop::collection::vec(text(), 0..12)) {
        let mut visit = Visit::to(CHECKOUT);
        for (i, text) in texts.iter().enumerate() {
            visit.raw_call(text);
            match i % 4 {
                0 => visit.advance(700),
                1 => visit.leave(),
                2 => visit.advance(6_000),
                _ => visit.call(INIT),
            }
        }
        prop_assert!(still_measures(&mut visit));
    }

    #[test]
    fn a_setup_of_any_text_stops_no_pixel(setup in text()) {
        let browser = Browser::new();
        let mut visit = browser.open_raw(&setup);
        prop_assert!(still_measures(&mut visit));
    }

    #[test]
    fn settings_of_any_content_stop_no_pixel(
        pixel in prop_oneof![0..3usize, any::<usize>()],
        status in any::<u16>(),
        body in prop_oneof![any::<String>(), part()],
    ) {
        let mut visit = Visit::settled();
        visit.settings_arrive(pixel, status, &body);
        visit.settings_arrive(pixel, status, &body);
        prop_assert!(still_measures(&mut visit));
    }

    #[test]
    fn cookies_and_stores_of_any_content_stop_no_pixel(
        cookie in "[^;\u{0}-\u{1f}]{0,40}",
        stored in any::<String>(),
    ) {
        let browser = Browser::new();
        for name in ["__obref", "__oppref", "__oaiq_consent", "__oaiq_domain_probe"] {
            browser.set_cookie_at("shop.example.test", &format!("{name}={cookie}"));
        }
        for key in ["oaiq_consent", "oaiq_cs:P"] {
            browser.touch().local.insert(key.into(), stored.clone());
            browser.touch().session.insert(key.into(), stored.clone());
        }
        let mut visit = browser.open(CHECKOUT);
        prop_assert!(still_measures(&mut visit));
        let sent = visit.requests();
        let obref = sent.last().and_then(|sent| sent.batch().obref);
        prop_assert_eq!(obref.map(|obref| obref.len()), Some(36));
    }

    #[test]
    fn an_address_of_any_kind_is_told_without_query_and_fragment(
        url in "(https?://|file://|about:|blob:|data:)?[a-z@:.\\[\\]/?#%é &=\"\\\\]{0,40}",
        referrer in "(https?://)?[a-z@:./?#%é&=]{0,40}",
    ) {
        let browser = Browser::new();
        let mut visit = browser.open_from(&url, &referrer, "u");
        visit.call(INIT);
        visit.call(&order("a"));
        visit.advance(QUIET);
        for event in visit.request().events() {
            for told in [event.source_url, event.referrer_url].into_iter().flatten() {
                prop_assert!(!told.contains(['?', '#']), "{}", told);
            }
        }
    }

    #[test]
    fn an_id_of_any_text_arrives_as_it_was_given(pixel in ".{1,20}", event in ".{1,20}") {
        let mut visit = Visit::to(CHECKOUT);
        visit.call(&format!(r#"["init",{{"pixelId":{}}}]"#, quoted(&pixel)));
        visit.call(&format!(
            r#"["measureSingle",{},"lead_created",{{"type":"customer_action"}},{{"event_id":{}}}]"#,
            quoted(&pixel),
            quoted(&event)
        ));
        visit.advance(QUIET);
        let sent = visit.request();
        prop_assert_eq!(sent.measured(), [event]);
        prop_assert!(!sent.pixel().contains(|c: char| !c.is_ascii_graphic() || "&#?=+\"".contains(c)));
    }

    #[test]
    fn a_click_of_any_text_is_told_on_this_page_and_the_next(click in ".{1,40}") {
        let encoded: String = click.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let mut visit = Visit::to(&format!("https://shop.example.test/?oppref={encoded}"));
        for _ in 0..2 {
            visit.call(INIT);
            visit.advance(QUIET);
            let told = visit.request().batch().oppref;
            prop_assert_eq!(told.as_ref(), Some(&click));
            visit = visit.next_page(CHECKOUT);
            visit.browser.touch().requests.clear();
        }
    }
}
