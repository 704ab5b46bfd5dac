//! Any query of an image tag.
#![no_main]

use oaiq_ingest::image_tag;
use oaiq_fuzz::NOW_MS;

libfuzzer_sys::fuzz_target!(|query: &str| {
    let _ = image_tag::parse(query, NOW_MS);
});
