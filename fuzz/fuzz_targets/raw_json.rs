//! Any text, read as a call's JSON, written as an event's, and explained.
#![no_main]

use oaiq::explain;
use oaiq::mem::{Scope, Scratch, ThinString};
use oaiq::raw_json::{MAX_DEPTH, RawJson};

fn visit(s: Scratch, value: RawJson, depth: usize) {
    let _ = (value.tag(), value.is_integer(), value.as_u64());
    let name = value.to_scratch_string(s);
    assert!(!value.get(name.as_thin()).is_defined() || value.is_object());
    let mut next = value.first_child().filter(|_| depth < MAX_DEPTH);
    while let Some(child) = next {
        visit(s, child, depth + 1);
        next = child.next_sibling();
    }
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let owned = ThinString::from(text);
    let value = RawJson::new(owned.as_thin());
    let scope = Scope::open();
    let s = scope.scratch();
    visit(s, value, 0);
    let mut lines = text.splitn(3, '\n');
    let [name, data, options] = [(); 3].map(|()| lines.next().unwrap_or(""));
    for violation in explain::explain_event(name, data, options) {
        violation.to_sentence();
    }
    // the script writes nothing deeper (www/pixel/serialize-call.js)
    if text.matches(['[', '{']).count() < 64 {
        value.write_json(s.string());
    }
});
