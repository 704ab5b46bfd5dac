//! Calls and events of the page in any order, with any text; see [`oaiq_fuzz::Session::step`].
#![no_main]

use oaiq_fuzz::Session;

libfuzzer_sys::fuzz_target!(|script: &str| {
    let mut session = Session::start();
    for line in script.lines() {
        session.step(line);
    }
    session.end();
});
