//! The module's entry points, and the page as a [`Host`].
//!
//! Only numbers are passed between script and module; a string is passed as the address of bytes in the module's memory.
//! `www/pixel/host.js` uses the page, and catches each exception where it is thrown: in generated glue this would cost
//! visitors more bytes. For the same reason there is one import for all host calls, and the exports are plain functions:
//! wasm-bindgen's would pass their arguments on through memory.

use core::cell::UnsafeCell;
use core::ptr::{null_mut, with_exposed_provenance_mut};

use wasm_bindgen::prelude::*;

use crate::Tracker;
use crate::host::{
    DebugEvent, Host, HostCall, IdentifierKind, Request, SendResult, WebStorage, send_flags,
};
use crate::mem::size_class_alloc::{Grow, SizeClassAllocator};
use crate::mem::{Scope, Scratch, ScratchString, ThinStr, thin};

struct Memory;

// SAFETY: `memory.grow` returns the number of the first new page, and only this module grows its memory
unsafe impl Grow for Memory {
    fn grow(pages: usize) -> *mut u8 {
        match core::arch::wasm32::memory_grow(0, pages) {
            usize::MAX => null_mut(),
            before => with_exposed_provenance_mut(before << 16),
        }
    }
}

#[global_allocator]
static ALLOCATOR: SizeClassAllocator<Memory> = SizeClassAllocator::new();

#[wasm_bindgen(raw_module = "./host.js")]
extern "C" {
    /// Makes a [`HostCall`] with a number and two strings. It returns a number, or passes a string through
    /// [`alloc_incoming`].
    #[wasm_bindgen(js_name = hostCall)]
    fn host_call(call: i32, number: i32, a: i32, b: i32) -> f64;
}

/// A value that the module's exports share.
struct Shared<T>(UnsafeCell<T>);

// SAFETY: the module has no threads, or it would not compile (mem/mod.rs)
unsafe impl<T> Sync for Shared<T> {}

/// The string that the script passed last, or the empty string. It is not bound to a scope, and is taken out before the
/// scope ends: by its user, or by [`Entry`].
static INCOMING: Shared<ScratchString> = Shared(UnsafeCell::new(NO_SCOPE.string()));

// SAFETY: as INCOMING says
const NO_SCOPE: Scratch = unsafe { Scratch::without_scope() };

/// Makes room for a string of that many bytes, which the script writes there before it calls an export, or before a host
/// call returns.
#[unsafe(export_name = "allocIncoming")]
pub extern "C" fn alloc_incoming(bytes: i32) -> i32 {
    let text = ScratchString::with_zeroed_len(NO_SCOPE, bytes as usize);
    let at = text.as_thin().as_ptr() as i32;
    // SAFETY: no reference to the old string is left, see `take_incoming`
    unsafe { *INCOMING.0.get() = text };
    at
}

fn take_incoming<'s>(_: Scratch<'s>) -> ScratchString<'s> {
    // SAFETY: the reference ends before anything else runs
    let incoming: &mut ScratchString<'static> = unsafe { &mut *INCOMING.0.get() };
    core::mem::replace(incoming, NO_SCOPE.string())
}

/// Drops a string that the script has passed although nothing asked for it.
#[inline(never)]
fn clear_incoming() {
    // SAFETY: no reference to it is left, see `take_incoming`
    unsafe { *INCOMING.0.get() = NO_SCOPE.string() };
}

fn call_num(call: HostCall, number: i32, a: ThinStr, b: ThinStr) -> f64 {
    host_call(call as i32, number, a.as_ptr() as i32, b.as_ptr() as i32)
}

fn call_str<'s>(s: Scratch<'s>, call: HostCall, number: i32, a: ThinStr) -> ScratchString<'s> {
    // where the page returns nothing, an older string must not be taken for its answer
    clear_incoming();
    call_num(call, number, a, thin!(""));
    take_incoming(s)
}

/// The scope of a call from the script.
struct Entry(Scope);

impl Entry {
    fn new() -> Self {
        Self(Scope::open())
    }
}

impl Drop for Entry {
    #[inline(always)]
    fn drop(&mut self) {
        clear_incoming();
    }
}

struct PageHost;

impl Host for PageHost {
    fn unix_ms(&self) -> u64 {
        call_num(HostCall::UnixMs, 0, thin!(""), thin!("")) as u64
    }

    fn monotonic_ms(&self) -> u64 {
        call_num(HostCall::MonotonicMs, 0, thin!(""), thin!("")) as u64
    }

    fn uuid<'s>(&mut self, s: Scratch<'s>) -> ScratchString<'s> {
        call_str(s, HostCall::Uuid, 0, thin!(""))
    }

    fn cookie<'s>(&self, s: Scratch<'s>, name: ThinStr) -> ScratchString<'s> {
        call_str(s, HostCall::Cookie, 0, name)
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

    fn storage_get<'s>(
        &self,
        s: Scratch<'s>,
        storage: WebStorage,
        key: ThinStr,
    ) -> ScratchString<'s> {
        call_str(s, HostCall::StorageGet, storage as i32, key)
    }

    fn storage_set(&mut self, storage: WebStorage, key: ThinStr, value: ThinStr) {
        call_num(HostCall::StorageSet, storage as i32, key, value);
    }

    fn outbox_put(&mut self, is_unloading: bool, name: ThinStr, text: ThinStr) -> bool {
        call_num(HostCall::OutboxPut, i32::from(is_unloading), name, text) != 0.
    }

    fn recover_outbox(&mut self) {
        call_num(HostCall::RecoverOutbox, 0, thin!(""), thin!(""));
    }

    fn click_id<'s>(&self, s: Scratch<'s>) -> ScratchString<'s> {
        call_str(s, HostCall::ClickId, 0, thin!(""))
    }

    fn uri_encode<'s>(&self, s: Scratch<'s>, text: ThinStr) -> ScratchString<'s> {
        call_str(s, HostCall::UriEncode, 0, text)
    }

    fn normalize_identifier<'s>(
        &self,
        s: Scratch<'s>,
        text: ThinStr,
        kind: IdentifierKind,
    ) -> ScratchString<'s> {
        call_str(s, HostCall::NormalizeIdentifier, kind as i32, text)
    }

    fn send(&mut self, request: Request) -> SendResult {
        let Request {
            id,
            pixel_id,
            event_count,
            body,
            may_have_user,
            is_anonymous,
            is_unloading,
            outbox_record,
        } = request;
        let flags = id << send_flags::BITS
            | u32::from(is_anonymous) * send_flags::ANONYMOUS
            | u32::from(is_unloading) * send_flags::UNLOADING
            | u32::from(may_have_user) * send_flags::MAY_HAVE_USER;
        call_num(
            HostCall::NextRequest,
            event_count as i32,
            outbox_record,
            thin!(""),
        );
        if call_num(HostCall::Send, flags as i32, pixel_id, body) == 0. {
            SendResult::InFlight
        } else {
            SendResult::HandedOff
        }
    }

    fn fetch_config(&mut self, pixel: usize, id: ThinStr) {
        call_num(HostCall::FetchConfig, pixel as i32, id, thin!(""));
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

    fn trace(&mut self, event: DebugEvent, about: ThinStr) {
        call_num(HostCall::Trace, event as i32, about, thin!(""));
    }
}

/// The tracker of the one page that this instance of the module serves.
static TRACKER: Shared<Option<Tracker<PageHost>>> = Shared(UnsafeCell::new(None));

/// # Safety
/// No other reference to the tracker is left.
#[inline(never)]
unsafe fn tracker() -> &'static mut Tracker<PageHost> {
    // SAFETY: as the caller promises
    match unsafe { &mut *TRACKER.0.get() } {
        Some(tracker) => tracker,
        // the script calls `start` first, and nothing after an internal error
        None => unreachable!(),
    }
}

/// Runs an expression with the tracker, and with the permission for scratch strings. It is a macro because what a closure
/// captures would be passed in memory.
macro_rules! with_tracker {
    (|$tracker:ident, $s:ident| $work:expr) => {
        let entry = Entry::new();
        let $s = entry.0.scratch();
        with_tracker!(|$tracker| $work);
    };
    (|$tracker:ident| $work:expr) => {
        // SAFETY: the script calls no export while another runs (`flush` in www/pixel/wasm-bridge.js)
        let $tracker = unsafe { tracker() };
        $work;
    };
}

/// Starts with the setup that is in [`INCOMING`]; see [`Tracker::new`].
#[unsafe(export_name = "start")]
pub extern "C" fn start() {
    let entry = Entry::new();
    let s = entry.0.scratch();
    let tracker = Tracker::new(s, PageHost, take_incoming(s).as_thin());
    // SAFETY: as in `with_tracker!`. The script starts once, so that there is nothing to be dropped
    unsafe { TRACKER.0.get().write(Some(tracker)) };
}

/// Takes the call that is in [`INCOMING`]; see [`Tracker::on_call`].
#[unsafe(export_name = "onCall")]
pub extern "C" fn on_call() {
    with_tracker!(|tracker, s| {
        let call = take_incoming(s);
        #[cfg(feature = "fault-injection")]
        assert!(!call.as_str().contains("inject_fault"));
        tracker.on_call(s, call.as_thin());
    });
}

/// See [`Tracker::set_debug`].
#[unsafe(export_name = "setDebug")]
pub extern "C" fn set_debug(on: i32) {
    with_tracker!(|tracker| tracker.set_debug(on != 0));
}

/// See [`Tracker::on_replay_done`].
#[unsafe(export_name = "onReplayDone")]
pub extern "C" fn on_replay_done() {
    with_tracker!(|tracker| tracker.on_replay_done());
}

/// See [`Tracker::on_timer`].
#[unsafe(export_name = "onTimer")]
pub extern "C" fn on_timer() {
    with_tracker!(|tracker, s| tracker.on_timer(s));
}

/// See [`Tracker::on_first_paint`].
#[unsafe(export_name = "onFirstPaint")]
pub extern "C" fn on_first_paint() {
    with_tracker!(|tracker, s| tracker.on_first_paint(s));
}

/// See [`Tracker::on_page_hide`].
#[unsafe(export_name = "onPageHide")]
pub extern "C" fn on_page_hide() {
    with_tracker!(|tracker| tracker.on_page_hide());
}

/// See [`Tracker::on_storage_event`].
#[unsafe(export_name = "onStorageEvent")]
pub extern "C" fn on_storage_event() {
    with_tracker!(|tracker, s| tracker.on_storage_event(s));
}

/// See [`Tracker::on_response`].
#[unsafe(export_name = "onResponse")]
pub extern "C" fn on_response(number: i32, status: i32, after: i32) {
    with_tracker!(|tracker, s| tracker.on_response(s, number as u32, status as u32, after as u32));
}

/// Takes over the outbox record that is in [`INCOMING`]; see [`Tracker::recover_record`].
#[unsafe(export_name = "recoverRecord")]
pub extern "C" fn recover_record() {
    with_tracker!(|tracker, s| tracker.recover_record(s, take_incoming(s).as_thin()));
}

/// See [`Tracker::on_online`].
#[unsafe(export_name = "onOnline")]
pub extern "C" fn on_online() {
    with_tracker!(|tracker| tracker.on_online());
}

/// See [`Tracker::on_config_response`]; `enabled` is 1 or 0, or another number where the config has no such setting.
#[unsafe(export_name = "onConfigResponse")]
pub extern "C" fn on_config_response(pixel: i32, status: i32, enabled: i32) {
    let enabled = match enabled {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    };
    with_tracker!(|tracker| tracker.on_config_response(pixel as usize, status as u16, enabled));
}
