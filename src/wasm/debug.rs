//! The debug build: the same crate, loaded only when debug is on. It prints messages for the pixel's debug events, and shows
//! the state.

use core::cell::RefCell;

use gloo_timers::callback::Timeout;
use wasm_bindgen::prelude::*;
use web_sys::console;

use crate::debug_log::{DebugLog, LogLine};
use crate::host::DebugEvent;

const PREFIX: &str = "[oaiq] ";
/// Pages often repeat calls that are blocked; those within this many milliseconds share one line.
const COALESCE_MS: u32 = 250;

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

thread_local! {
    static LOG: RefCell<DebugLog> = RefCell::default();
    static BLOCKED: RefCell<(Vec<String>, Option<Timeout>)> = const { RefCell::new((Vec::new(), None)) };
}

/// Records a debug event, and prints its message if it is shown. Its number is its place in [`DebugEvent::ALL`].
#[wasm_bindgen(js_name = recordEvent)]
pub fn record_event(number: u8, about: &str, is_shown: bool) {
    match DebugEvent::ALL.get(usize::from(number)) {
        Some(DebugEvent::BlockedByConsent) if is_shown => coalesce_blocked(about),
        Some(event) => log_event(*event, about, is_shown),
        None => {}
    }
}

/// A person has requested debug, so messages are printed at a level that consoles do not hide.
#[wasm_bindgen(js_name = setRequested)]
pub fn set_requested() {
    LOG.with_borrow_mut(DebugLog::set_requested);
}

/// What `oaiq.debug()` returns, as an object.
#[wasm_bindgen]
pub fn state() -> JsValue {
    let state = LOG.with_borrow(DebugLog::state);
    serde_wasm_bindgen::to_value(&state).unwrap_or(JsValue::UNDEFINED)
}

/// Rows for `console.table`: an array of `{title, rows}`.
#[wasm_bindgen]
pub fn tables() -> JsValue {
    let tables = LOG.with_borrow(DebugLog::tables);
    serde_wasm_bindgen::to_value(&tables).unwrap_or(JsValue::UNDEFINED)
}

/// What the tab's next page passes to [`record_event`] with [`DebugEvent::TabHistory`].
#[wasm_bindgen(js_name = tabHistory)]
pub fn tab_history() -> String {
    LOG.with_borrow(DebugLog::tab_history)
}

fn coalesce_blocked(name: &str) {
    BLOCKED.with_borrow_mut(|(names, timeout)| {
        names.push(name.into());
        timeout.get_or_insert_with(|| {
            Timeout::new(COALESCE_MS, || {
                let (names, _) = BLOCKED.take();
                log_event(DebugEvent::BlockedByConsent, &names.join(", "), true);
            })
        });
    });
}

fn log_event(event: DebugEvent, about: &str, is_shown: bool) {
    let record = |log: &mut DebugLog| (log.record(event, about), log.was_requested());
    if let (Some(line), is_requested) = LOG.with_borrow_mut(record)
        && is_shown
    {
        print(&line, is_requested);
    }
}

fn print(line: &LogLine, is_requested: bool) {
    let text = JsValue::from([PREFIX, &line.text].concat());
    if !line.is_warning {
        return if is_requested {
            console::log_1(&text);
        } else {
            console::debug_1(&text);
        };
    }
    match serde_wasm_bindgen::to_value(&line.violations) {
        Ok(violations) if !line.violations.is_empty() => console::warn_2(&text, &violations),
        _ => console::warn_1(&text),
    }
}
