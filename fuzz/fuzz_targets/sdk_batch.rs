//! Any body of a request to the events endpoint.
#![no_main]

use oaiq_ingest::sdk_batch;
use oaiq_fuzz::NOW_MS;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let _ = sdk_batch::parse(body, None, NOW_MS);
    let _ = sdk_batch::parse(body, Some("2"), NOW_MS);
});
