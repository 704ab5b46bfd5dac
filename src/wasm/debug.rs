//! The debug build: the same crate, loaded only when somebody debugs. It prints what the pixel's steps mean, and shows the
//! state.

use core::cell::RefCell;

use gloo_timers::callback::Timeout;
use wasm_bindgen::prelude::*;
use web_sys::console;

use crate::debug_log::{Console, Line};
use crate::host::DebugEvent;

const PREFIX: &str = "[oaiq] ";
/// Blocked calls come in swarms; they are gathered for this many milliseconds.
const GATHER: u32 = 250;

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

thread_local! {
    static CONSOLE: RefCell<Console> = RefCell::default();
    static BLOCKED: RefCell<(Vec<String>, Option<Timeout>)> = const { RefCell::new((Vec::new(), None)) };
}

/// Follows a step, and prints what it means if it is to be shown; its number is its place in [`DebugEvent::ALL`].
#[wasm_bindgen(js_name = explain)]
pub fn print(step: u8, about: &str, is_shown: bool) {
    match DebugEvent::ALL.get(usize::from(step)) {
        Some(DebugEvent::BlockedByConsent) if is_shown => gather(about),
        Some(step) => tell(*step, about, is_shown),
        None => {}
    }
}

/// A person has asked for debug, so that consoles must not hide it. Told before the steps so far.
#[wasm_bindgen(js_name = askFor)]
pub fn ask_for() {
    CONSOLE.with_borrow_mut(Console::ask);
}

/// What `oaiq.debug()` returns, as an object.
#[wasm_bindgen]
pub fn state() -> JsValue {
    let state = CONSOLE.with_borrow(Console::state);
    serde_wasm_bindgen::to_value(&state).unwrap_or(JsValue::UNDEFINED)
}

/// Rows for `console.table`: an array of `{title, rows}`.
#[wasm_bindgen]
pub fn tables() -> JsValue {
    let tables = CONSOLE.with_borrow(Console::tables);
    serde_wasm_bindgen::to_value(&tables).unwrap_or(JsValue::UNDEFINED)
}

/// What the tab's next page gives to [`print`] with [`DebugEvent::TabHistory`].
#[wasm_bindgen]
pub fn remembered() -> String {
    CONSOLE.with_borrow(Console::remembered)
}

fn gather(name: &str) {
    BLOCKED.with_borrow_mut(|(names, timeout)| {
        names.push(name.into());
        timeout.get_or_insert_with(|| {
            Timeout::new(GATHER, || {
                let (names, _) = BLOCKED.take();
                tell(DebugEvent::BlockedByConsent, &names.join(", "), true);
            })
        });
    });
}

fn tell(step: DebugEvent, about: &str, is_shown: bool) {
    let told = |console: &mut Console| (console.tell(step, about), console.was_asked_for());
    if let (Some(line), asked) = CONSOLE.with_borrow_mut(told)
        && is_shown
    {
        print_line(&line, asked);
    }
}

fn print_line(line: &Line, asked: bool) {
    let text = JsValue::from([PREFIX, &line.text].concat());
    if !line.warns {
        return if asked {
            console::log_1(&text);
        } else {
            console::debug_1(&text);
        };
    }
    match serde_wasm_bindgen::to_value(&line.faults) {
        Ok(faults) if !line.faults.is_empty() => console::warn_2(&text, &faults),
        _ => console::warn_1(&text),
    }
}
