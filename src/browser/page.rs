//! The module's entry points, and the page as a [`Host`].
//!
//! Only numbers and strings cross. What touches the page is `www/page.js`, where a fault of the browser is caught at
//! the place where it arises; that costs a visitor less than the same in generated glue.

use core::cell::UnsafeCell;

use wasm_bindgen::prelude::*;

use crate::Pixels;
use crate::allocator::Allocator;
use crate::host::{Host, Request, Sending, Step, Storage};

#[global_allocator]
static ALLOCATOR: Allocator =
    Allocator::new(|pages| match core::arch::wasm32::memory_grow(0, pages) {
        usize::MAX => 0,
        before => before << 16,
    });

#[wasm_bindgen(raw_module = "./page.js")]
extern "C" {
    fn now() -> f64;
    fn ticks() -> f64;
    fn uuid() -> String;
    fn cookies() -> String;
    #[wasm_bindgen(js_name = setCookie)]
    fn set_cookie(cookie: &str);
    fn stored(local: bool, key: &str) -> String;
    fn store(local: bool, key: &str, value: &str);
    #[wasm_bindgen(js_name = queryParameter)]
    fn query_parameter(url: &str, name: &str) -> String;
    #[wasm_bindgen(js_name = uriEncoded)]
    fn uri_encoded(text: &str) -> String;
    #[wasm_bindgen(js_name = uriDecoded)]
    fn uri_decoded(text: &str) -> String;
    fn folded(text: &str, lowercase: bool) -> String;
    fn send(
        number: u32,
        url: &str,
        body: &str,
        stripped: bool,
        leaving: bool,
        keepalive: bool,
    ) -> bool;
    #[wasm_bindgen(js_name = fetchSettings)]
    fn fetch_settings(pixel: usize, url: &str);
    #[wasm_bindgen(js_name = afterPaint)]
    fn after_paint();
    #[wasm_bindgen(js_name = wakeIn)]
    fn wake_in(ms: u32);
    fn warn(line: &str);
    fn trace(step: u8, about: &str);
}

struct Page;

impl Host for Page {
    fn now(&self) -> u64 {
        now() as u64
    }

    fn ticks(&self) -> u64 {
        ticks() as u64
    }

    fn uuid(&mut self) -> String {
        uuid()
    }

    fn cookies(&self) -> String {
        cookies()
    }

    fn set_cookie(&mut self, cookie: &str) {
        set_cookie(cookie);
    }

    fn stored(&self, storage: Storage, key: &str) -> String {
        stored(storage == Storage::Local, key)
    }

    fn store(&mut self, storage: Storage, key: &str, value: &str) {
        store(storage == Storage::Local, key, value);
    }

    fn query_parameter(&self, url: &str, name: &str) -> String {
        query_parameter(url, name)
    }

    fn uri_encoded(&self, text: &str) -> String {
        uri_encoded(text)
    }

    fn uri_decoded(&self, text: &str) -> String {
        uri_decoded(text)
    }

    fn folded(&self, text: &str, lowercase: bool) -> String {
        folded(text, lowercase)
    }

    fn send(&mut self, request: Request) -> Sending {
        let Request {
            number,
            url,
            body,
            stripped,
            leaving,
            keepalive,
        } = request;
        if send(number, url, body, stripped, leaving, keepalive) {
            Sending::Gone
        } else {
            Sending::UnderWay
        }
    }

    fn fetch_settings(&mut self, pixel: usize, url: &str) {
        fetch_settings(pixel, url);
    }

    fn after_paint(&mut self) {
        after_paint();
    }

    fn wake_in(&mut self, ms: u32) {
        wake_in(ms);
    }

    fn warn(&mut self, line: &str) {
        warn(line);
    }

    fn trace(&mut self, step: Step, about: &str) {
        trace(step as u8, about);
    }
}

/// The pixels of the one page that this instance serves.
struct Instance(UnsafeCell<Option<Pixels<Page>>>);

// SAFETY: the module has no threads
unsafe impl Sync for Instance {}

static INSTANCE: Instance = Instance(UnsafeCell::new(None));

fn instance() -> &'static mut Option<Pixels<Page>> {
    // SAFETY: the script never enters while it is inside (`enter` in www/oaiq.js), so this is the only reference
    unsafe { &mut *INSTANCE.0.get() }
}

/// Begins; see [`Pixels::new`].
#[wasm_bindgen]
pub fn start(setup: &str) {
    *instance() = Some(Pixels::new(Page, setup));
}

/// See [`Pixels::call`].
#[wasm_bindgen]
pub fn call(call: &str) {
    #[cfg(feature = "provoke-fault")]
    assert!(!call.contains("provoke_fault"));
    if let Some(pixels) = instance() {
        pixels.call(call);
    }
}

/// See [`Pixels::woken`].
#[wasm_bindgen]
pub fn woken() {
    if let Some(pixels) = instance() {
        pixels.woken();
    }
}

/// See [`Pixels::painted`].
#[wasm_bindgen]
pub fn painted() {
    if let Some(pixels) = instance() {
        pixels.painted();
    }
}

/// See [`Pixels::leaving`].
#[wasm_bindgen]
pub fn leaving() {
    if let Some(pixels) = instance() {
        pixels.leaving();
    }
}

/// See [`Pixels::storage_changed`].
#[wasm_bindgen(js_name = storageChanged)]
pub fn storage_changed() {
    if let Some(pixels) = instance() {
        pixels.storage_changed();
    }
}

/// See [`Pixels::answered`].
#[wasm_bindgen]
pub fn answered(number: u32, arrived: bool) {
    if let Some(pixels) = instance() {
        pixels.answered(number, arrived);
    }
}

/// See [`Pixels::settings_answered`].
#[wasm_bindgen(js_name = settingsAnswered)]
pub fn settings_answered(pixel: usize, status: u16, body: &str) {
    if let Some(pixels) = instance() {
        pixels.settings_answered(pixel, status, body);
    }
}
