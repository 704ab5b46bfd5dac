//! Any body of a request to the Conversions API.
#![no_main]

use oaiq_ingest::conversions_api;
use oaiq_fuzz::NOW_MS;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let _ = conversions_api::parse(body, NOW_MS);
});
