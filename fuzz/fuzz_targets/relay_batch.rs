//! Any body of a browser's request to the relay, up to the events for the Conversions API. Whatever is accepted must be valid
//! there, and must not have a query in its URL.
#![no_main]

use oaiq_fuzz::NOW_MS;
use oaiq_ingest::conversions_api::ServerEvent;
use oaiq_ingest::sdk_batch;
use oaiq_relay::config::Origin;
use oaiq_relay::event::{BrowserContext, from_batch};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let Ok(batch) = sdk_batch::parse(body, None, NOW_MS) else {
        return;
    };
    let origins: [Origin; 1] = ["https://shop.example".parse().unwrap()];
    let context = BrowserContext {
        pixel: "P",
        clock_shift_ms: 0,
        origin: &origins[0],
        origins: &origins,
        oppref_cookie: None,
        obref_cookie: None,
        ip_address: None,
        user_agent: None,
        opt_out: false,
    };
    for event in from_batch(batch, &context).events {
        let checked = ServerEvent::parse(&event.json, NOW_MS);
        assert!(checked.violations.is_empty(), "{:?}", checked.violations);
        let json: serde_json::Value = serde_json::from_str(&event.json).unwrap();
        let url = json["source_url"].as_str().unwrap();
        assert!(url.starts_with("https://shop.example") && !url.contains(['?', '#']));
    }
});
