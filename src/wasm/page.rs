//! The module's entry points, and the page as a [`Host`].
//!
//! Only numbers cross the border; texts are bytes in the module's memory that their address and length name. What
//! touches the page is `www/pixel/host.js`, where a fault of the browser is caught at the place where it arises; that costs a
//! visitor less than the same in generated glue. For the same reason there is one door for all that the pixel asks, and
//! the entries are plain exports: wasm-bindgen's would hand their arguments on through memory.

use core::cell::UnsafeCell;

use wasm_bindgen::prelude::*;

use crate::Tracker;
use crate::host::{Host, Kind, Request, Sending, Step, Storage, how};
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
    /// Asks the page for one of [`Wish`], with a number and two texts. The answer is a number, or a text that has come
    /// through [`room`].
    fn ask(wish: i32, number: i32, a: i32, b: i32) -> f64;
}

/// What the pixel may want of the page; `www/pixel/host.js` grants them in this order.
#[derive(Clone, Copy)]
enum Wish {
    // answered by a text
    Uuid,
    Cookie,
    Stored,
    Click,
    UriEncoded,
    Comparable,
    // answered by a number, or not at all
    Now,
    Ticks,
    HasCookie,
    WriteCookie,
    DeleteCookie,
    Store,
    Keep,
    SeekBoxes,
    Parcel,
    Send,
    FetchSettings,
    AfterPaint,
    WakeIn,
    Warn,
    Trace,
}

/// The text that has come last.
struct Inbox(UnsafeCell<ScratchString>);

// SAFETY: the module has no threads
unsafe impl Sync for Inbox {}

static INBOX: Inbox = Inbox(UnsafeCell::new(ScratchString::new()));

/// Where the page puts a text of so many bytes before it enters, or before it answers.
#[unsafe(no_mangle)]
pub extern "C" fn room(bytes: i32) -> i32 {
    let mut text = ScratchString::with_zeroed_len(bytes as usize);
    let at = text.as_mut_ptr() as i32;
    // SAFETY: nobody has borrowed what was there
    unsafe { *INBOX.0.get() = text };
    at
}

fn received() -> ScratchString {
    // SAFETY: as above
    unsafe { core::mem::take(&mut *INBOX.0.get()) }
}

fn number(wish: Wish, number: i32, a: ThinStr, b: ThinStr) -> f64 {
    ask(wish as i32, number, a.as_ptr() as i32, b.as_ptr() as i32)
}

fn text(wish: Wish, number: i32, a: ThinStr) -> ScratchString {
    // where the page answers nothing, nothing of before may be taken for the answer
    drop(received());
    self::number(wish, number, a, thin!(""));
    received()
}

struct Page;

impl Host for Page {
    fn now(&self) -> u64 {
        number(Wish::Now, 0, thin!(""), thin!("")) as u64
    }

    fn ticks(&self) -> u64 {
        number(Wish::Ticks, 0, thin!(""), thin!("")) as u64
    }

    fn uuid(&mut self) -> ScratchString {
        text(Wish::Uuid, 0, thin!(""))
    }

    fn cookie(&self, name: ThinStr) -> ScratchString {
        text(Wish::Cookie, 0, name)
    }

    fn has_cookie(&self, name: ThinStr, value: ThinStr) -> bool {
        number(Wish::HasCookie, 0, name, value) != 0.
    }

    fn write_cookie(&mut self, name: ThinStr, value: ThinStr, days: u32) {
        number(Wish::WriteCookie, days as i32, name, value);
    }

    fn delete_cookie(&mut self, name: ThinStr) {
        number(Wish::DeleteCookie, 0, name, thin!(""));
    }

    fn stored(&self, storage: Storage, key: ThinStr) -> ScratchString {
        text(Wish::Stored, storage as i32, key)
    }

    fn store(&mut self, storage: Storage, key: ThinStr, value: ThinStr) {
        number(Wish::Store, storage as i32, key, value);
    }

    fn keep(&mut self, leaving: bool, name: ThinStr, text: ThinStr) -> bool {
        number(Wish::Keep, i32::from(leaving), name, text) != 0.
    }

    fn seek_boxes(&mut self) {
        number(Wish::SeekBoxes, 0, thin!(""), thin!(""));
    }

    fn click(&self) -> ScratchString {
        text(Wish::Click, 0, thin!(""))
    }

    fn uri_encoded(&self, text: ThinStr) -> ScratchString {
        self::text(Wish::UriEncoded, 0, text)
    }

    fn comparable(&self, text: ThinStr, kind: Kind) -> ScratchString {
        self::text(Wish::Comparable, kind as i32, text)
    }

    fn send(&mut self, request: Request) -> Sending {
        let Request {
            number,
            url,
            body,
            stripped,
            leaving,
            kept,
        } = request;
        self::number(Wish::Parcel, 0, kept, thin!(""));
        let how =
            number << 3 | u32::from(stripped) * how::STRIPPED | u32::from(leaving) * how::LEAVING;
        if self::number(Wish::Send, how as i32, url, body) == 0. {
            Sending::UnderWay
        } else {
            Sending::Gone
        }
    }

    fn fetch_settings(&mut self, pixel: usize, url: ThinStr) {
        number(Wish::FetchSettings, pixel as i32, url, thin!(""));
    }

    fn after_paint(&mut self) {
        number(Wish::AfterPaint, 0, thin!(""), thin!(""));
    }

    fn wake_in(&mut self, ms: u32) {
        number(Wish::WakeIn, ms as i32, thin!(""), thin!(""));
    }

    fn warn(&mut self, line: ThinStr) {
        number(Wish::Warn, 0, line, thin!(""));
    }

    fn warn_of(&mut self, name: ThinStr, reason: ThinStr) {
        number(Wish::Warn, 0, name, reason);
    }

    fn trace(&mut self, step: Step, about: ThinStr) {
        number(Wish::Trace, step as i32, about, thin!(""));
    }
}

/// The tracker of the one page that this instance serves.
struct Instance(UnsafeCell<Option<Tracker<Page>>>);

// SAFETY: the module has no threads
unsafe impl Sync for Instance {}

static TRACKER: Instance = Instance(UnsafeCell::new(None));

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
    let tracker = Tracker::new(Page, received().as_thin());
    // SAFETY: see `with_tracker`; the script starts once, so nothing is there to be dropped
    unsafe { TRACKER.0.get().write(Some(tracker)) };
}

/// Takes the call that is in the inbox; see [`Tracker::on_call`].
#[unsafe(no_mangle)]
pub extern "C" fn call() {
    let call = received();
    #[cfg(feature = "provoke-fault")]
    assert!(!call.as_str().contains("provoke_fault"));
    with_tracker!(tracker => tracker.on_call(call.as_thin()));
}

/// See [`Tracker::set_debug`].
#[unsafe(no_mangle)]
pub extern "C" fn debug(on: i32) {
    with_tracker!(tracker => tracker.set_debug(on != 0));
}

/// See [`Tracker::replayed`].
#[unsafe(no_mangle)]
pub extern "C" fn replayed() {
    with_tracker!(tracker => tracker.replayed());
}

/// See [`Tracker::on_timer`].
#[unsafe(no_mangle)]
pub extern "C" fn woken() {
    with_tracker!(tracker => tracker.on_timer());
}

/// See [`Tracker::on_first_paint`].
#[unsafe(no_mangle)]
pub extern "C" fn painted() {
    with_tracker!(tracker => tracker.on_first_paint());
}

/// See [`Tracker::on_page_hide`].
#[unsafe(no_mangle)]
pub extern "C" fn leaving() {
    with_tracker!(tracker => tracker.on_page_hide());
}

/// See [`Tracker::on_storage_event`].
#[unsafe(export_name = "storageChanged")]
pub extern "C" fn storage_changed() {
    with_tracker!(tracker => tracker.on_storage_event());
}

/// See [`Tracker::on_response`].
#[unsafe(no_mangle)]
pub extern "C" fn answered(number: i32, status: i32, after: i32) {
    with_tracker!(tracker => tracker.on_response(number as u32, status as u32, after as u32));
}

/// Takes over the box that is in the inbox; see [`Tracker::recover_record`].
#[unsafe(no_mangle)]
pub extern "C" fn adopt() {
    let left = received();
    with_tracker!(tracker => tracker.recover_record(left.as_thin()));
}

/// See [`Tracker::on_online`].
#[unsafe(no_mangle)]
pub extern "C" fn online() {
    with_tracker!(tracker => tracker.on_online());
}

/// See [`Tracker::on_config_response`]; `enabled` is 1 or 0, or anything else where the answer had no such setting.
#[unsafe(export_name = "settingsAnswered")]
pub extern "C" fn settings_answered(pixel: i32, status: i32, enabled: i32) {
    let enabled = match enabled {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    };
    with_tracker!(tracker => tracker.on_config_response(pixel as usize, status as u16, enabled));
}
