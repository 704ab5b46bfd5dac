//! An outbox record that holds any text, found by a page whose pixel has started.
#![no_main]

use oaiq_fuzz::{INIT, Session};

libfuzzer_sys::fuzz_target!(|record: &str| {
    let mut session = Session::start();
    session.step(INIT);
    session.step("!paint");
    session.recover(record);
    session.end();
});
