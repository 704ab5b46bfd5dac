//! The module's entry points, and the page as a [`Host`].
//!
//! Only numbers cross the border; texts are bytes in the module's memory that their address and length name. What
//! touches the page is `www/pixel/host.js`, where a fault of the browser is caught at the place where it arises; that costs a
//! visitor less than the same in generated glue. For the same reason there is one door for all that the pixel asks, and
//! the entries are plain exports: wasm-bindgen's would hand their arguments on through memory.

use core::cell::UnsafeCell;

use wasm_bindgen::prelude::*;

use crate::Tracker;
use crate::host::{
    DebugEvent, Host, HostCall, IdentifierKind, Request, SendResult, WebStorage, send_flags,
};
use crate::mem::size_class_alloc::{Grow, SizeClassAllocator};
use crate::mem::{ScratchString, ThinStr, reset_scratch, thin};

struct Memory;

impl Grow for Memory {
    fn grow(pages: usize) -> usize {
        match core::arch::wasm32::memory_grow(0, pages) {
            usize::MAX => 0,
            before => before << 16,
        }
    }
}

#[global_allocator]
static ALLOCATOR: SizeClassAllocator<Memory> = SizeClassAllocator::new();

#[wasm_bindgen(raw_module = "./host.js")]
extern "C" {
    /// Asks the page for one of [`HostCall`], with a number and two texts. The answer is a number, or a text that has come
    /// through [`alloc_incoming`].
    #[wasm_bindgen(js_name = hostCall)]
    fn host_call(call: i32, number: i32, a: i32, b: i32) -> f64;
}

/// The text that has come last.
struct IncomingString(UnsafeCell<ScratchString>);

// SAFETY: the module has no threads
unsafe impl Sync for IncomingString {}

static INCOMING: IncomingString = IncomingString(UnsafeCell::new(ScratchString::new()));

/// Where the page puts a text of so many bytes before it enters, or before it answers.
#[unsafe(export_name = "allocIncoming")]
pub extern "C" fn alloc_incoming(bytes: i32) -> i32 {
    let mut text = ScratchString::with_zeroed_len(bytes as usize);
    let at = text.as_mut_ptr() as i32;
    // SAFETY: nobody has borrowed what was there
    unsafe { *INCOMING.0.get() = text };
    at
}

fn take_incoming() -> ScratchString {
    // SAFETY: as above
    unsafe { core::mem::take(&mut *INCOMING.0.get()) }
}

fn call_num(call: HostCall, number: i32, a: ThinStr, b: ThinStr) -> f64 {
    host_call(call as i32, number, a.as_ptr() as i32, b.as_ptr() as i32)
}

fn call_str(call: HostCall, number: i32, a: ThinStr) -> ScratchString {
    // where the page answers nothing, nothing of before may be taken for the answer
    drop(take_incoming());
    call_num(call, number, a, thin!(""));
    take_incoming()
}

struct PageHost;

impl Host for PageHost {
    fn unix_ms(&self) -> u64 {
        call_num(HostCall::UnixMs, 0, thin!(""), thin!("")) as u64
    }

    fn monotonic_ms(&self) -> u64 {
        call_num(HostCall::MonotonicMs, 0, thin!(""), thin!("")) as u64
    }

    fn uuid(&mut self) -> ScratchString {
        call_str(HostCall::Uuid, 0, thin!(""))
    }

    fn cookie(&self, name: ThinStr) -> ScratchString {
        call_str(HostCall::Cookie, 0, name)
    }

    fn has_cookie(&self, name: ThinStr, value: ThinStr) -> bool {
        call_num(HostCall::HasCookie, 0, name, value) != 0.
    }

    fn set_cookie(&mut self, name: ThinStr, value: ThinStr, days: u32) {
        call_num(HostCall::SetCookie, days as i32, name, value);
    }

    fn delete_cookie(&mut self, name: ThinStr) {
        call_num(HostCall::DeleteCookie, 0, name, thin!(""));
    }

    fn storage_get(&self, storage: WebStorage, key: ThinStr) -> ScratchString {
        call_str(HostCall::StorageGet, storage as i32, key)
    }

    fn storage_set(&mut self, storage: WebStorage, key: ThinStr, value: ThinStr) {
        call_num(HostCall::StorageSet, storage as i32, key, value);
    }

    fn outbox_put(&mut self, leaving: bool, name: ThinStr, text: ThinStr) -> bool {
        call_num(HostCall::OutboxPut, i32::from(leaving), name, text) != 0.
    }

    fn recover_outbox(&mut self) {
        call_num(HostCall::RecoverOutbox, 0, thin!(""), thin!(""));
    }

    fn click_id(&self) -> ScratchString {
        call_str(HostCall::ClickId, 0, thin!(""))
    }

    fn uri_encode(&self, text: ThinStr) -> ScratchString {
        call_str(HostCall::UriEncode, 0, text)
    }

    fn normalize_identifier(&self, text: ThinStr, kind: IdentifierKind) -> ScratchString {
        call_str(HostCall::NormalizeIdentifier, kind as i32, text)
    }

    fn send(&mut self, request: Request) -> SendResult {
        let Request {
            id,
            url,
            body,
            is_anonymous,
            is_unloading,
            outbox_record,
        } = request;
        call_num(HostCall::OutboxRecord, 0, outbox_record, thin!(""));
        let flags = id << send_flags::BITS
            | u32::from(is_anonymous) * send_flags::ANONYMOUS
            | u32::from(is_unloading) * send_flags::UNLOADING;
        if call_num(HostCall::Send, flags as i32, url, body) == 0. {
            SendResult::InFlight
        } else {
            SendResult::HandedOff
        }
    }

    fn fetch_config(&mut self, pixel: usize, url: ThinStr) {
        call_num(HostCall::FetchConfig, pixel as i32, url, thin!(""));
    }

    fn request_paint(&mut self) {
        call_num(HostCall::RequestPaint, 0, thin!(""), thin!(""));
    }

    fn set_timer(&mut self, ms: u32) {
        call_num(HostCall::SetTimer, ms as i32, thin!(""), thin!(""));
    }

    fn warn(&mut self, line: ThinStr) {
        call_num(HostCall::Warn, 0, line, thin!(""));
    }

    fn warn_rejected(&mut self, name: ThinStr, reason: ThinStr) {
        call_num(HostCall::Warn, 0, name, reason);
    }

    fn trace(&mut self, step: DebugEvent, about: ThinStr) {
        call_num(HostCall::Trace, step as i32, about, thin!(""));
    }
}

/// The tracker of the one page that this instance serves.
struct TrackerCell(UnsafeCell<Option<Tracker<PageHost>>>);

// SAFETY: the module has no threads
unsafe impl Sync for TrackerCell {}

static TRACKER: TrackerCell = TrackerCell(UnsafeCell::new(None));

/// Does that with the tracker. It is no function of a closure, because what such a closure captures would be handed over
/// in memory.
macro_rules! with_tracker {
    ($tracker:ident => $work:expr) => {
        // SAFETY: the script never enters while it is inside (`work` in www/pixel/wasm-bridge.js), so this is the only reference
        let Some($tracker) = (unsafe { &mut *TRACKER.0.get() }) else {
            // SAFETY: the script's first entry is `start` (www/pixel/entry.js), and after a fault in it there is no other
            unsafe { core::hint::unreachable_unchecked() }
        };
        $work;
        // SAFETY: what was made meanwhile is needed by nobody: the page takes its copies, and the pixel keeps its own
        unsafe { reset_scratch() };
    };
}

/// Begins with the setup that is in the inbox; see [`Tracker::new`].
#[unsafe(no_mangle)]
pub extern "C" fn start() {
    let tracker = Tracker::new(PageHost, take_incoming().as_thin());
    // SAFETY: see `with_tracker`; the script starts once, so nothing is there to be dropped
    unsafe { TRACKER.0.get().write(Some(tracker)) };
}

/// Takes the call that is in the inbox; see [`Tracker::on_call`].
#[unsafe(export_name = "onCall")]
pub extern "C" fn on_call() {
    let call = take_incoming();
    #[cfg(feature = "provoke-fault")]
    assert!(!call.as_str().contains("provoke_fault"));
    with_tracker!(tracker => tracker.on_call(call.as_thin()));
}

/// See [`Tracker::set_debug`].
#[unsafe(export_name = "setDebug")]
pub extern "C" fn set_debug(on: i32) {
    with_tracker!(tracker => tracker.set_debug(on != 0));
}

/// See [`Tracker::on_replay_done`].
#[unsafe(export_name = "onReplayDone")]
pub extern "C" fn on_replay_done() {
    with_tracker!(tracker => tracker.on_replay_done());
}

/// See [`Tracker::on_timer`].
#[unsafe(export_name = "onTimer")]
pub extern "C" fn on_timer() {
    with_tracker!(tracker => tracker.on_timer());
}

/// See [`Tracker::on_first_paint`].
#[unsafe(export_name = "onFirstPaint")]
pub extern "C" fn on_first_paint() {
    with_tracker!(tracker => tracker.on_first_paint());
}

/// See [`Tracker::on_page_hide`].
#[unsafe(export_name = "onPageHide")]
pub extern "C" fn on_page_hide() {
    with_tracker!(tracker => tracker.on_page_hide());
}

/// See [`Tracker::on_storage_event`].
#[unsafe(export_name = "onStorageEvent")]
pub extern "C" fn on_storage_event() {
    with_tracker!(tracker => tracker.on_storage_event());
}

/// See [`Tracker::on_response`].
#[unsafe(export_name = "onResponse")]
pub extern "C" fn on_response(number: i32, status: i32, after: i32) {
    with_tracker!(tracker => tracker.on_response(number as u32, status as u32, after as u32));
}

/// Takes over the box that is in the inbox; see [`Tracker::recover_record`].
#[unsafe(export_name = "recoverRecord")]
pub extern "C" fn recover_record() {
    let left = take_incoming();
    with_tracker!(tracker => tracker.recover_record(left.as_thin()));
}

/// See [`Tracker::on_online`].
#[unsafe(export_name = "onOnline")]
pub extern "C" fn on_online() {
    with_tracker!(tracker => tracker.on_online());
}

/// See [`Tracker::on_config_response`]; `enabled` is 1 or 0, or anything else where the answer had no such setting.
#[unsafe(export_name = "onConfigResponse")]
pub extern "C" fn on_config_response(pixel: i32, status: i32, enabled: i32) {
    let enabled = match enabled {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    };
    with_tracker!(tracker => tracker.on_config_response(pixel as usize, status as u16, enabled));
}
