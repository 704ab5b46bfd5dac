//! All that the pixel needs of a browser. A page is one host; the tests have another, whose clock they turn by hand.

use crate::mem::{ScratchString, ThinStr};

/// Where a value is stored. The script is told its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebStorage {
    /// `localStorage`: until cleared.
    Local,
    /// `sessionStorage`: as long as the tab.
    Session,
}

/// What two spellings of one value have in common depends on what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum IdentifierKind {
    /// Sent as it is.
    Plain,
    /// What the site calls its customer: without the white space around it.
    ExternalId,
    /// In lowercase.
    Email,
    /// Its digits from the country code on.
    Phone,
    /// In lowercase, without white space and ASCII punctuation.
    PersonName,
}

/// One request to the events endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What the answer names: see [`crate::Tracker::on_response`].
    pub id: u32,
    /// The endpoint with its query.
    pub url: ThinStr<'a>,
    /// JSON.
    pub body: ThinStr<'a>,
    /// No cookies, no referrer, and so no beacon either.
    pub is_anonymous: bool,
    /// The page is being left: nobody may be there to see an answer.
    pub is_unloading: bool,
    /// What of it is to be kept until it has arrived, as a box of the outbox. Empty where nothing is, or where the page
    /// lives on to hear of it.
    pub outbox_record: ThinStr<'a>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendResult {
    /// The browser has taken it over, or a courier has, and tells no more.
    HandedOff,
    /// An answer will come.
    InFlight,
}

/// A step that is told of with debug: by the pixel, or by the script around it, which passes the number on to the debug
/// build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum DebugEvent {
    /// A page has called `init`; the call.
    Init,
    /// A pixel has started; its id.
    PixelStarted,
    /// Consent is now `granted` or `denied`.
    ConsentChanged,
    /// An event waits; its wire form.
    Queued,
    /// A call broke a rule; the call.
    Rejected,
    /// A call was dropped because consent is denied; the event's name.
    BlockedByConsent,
    /// A `measureSingle` named a pixel that has not started; its id.
    UnknownPixel,
    /// What is kept of a pixel's waiting events in the outbox has changed; its box, empty where it holds nothing.
    OutboxSaved,
    /// A request is on its way: eight times its number with the sum of [`send_flags`], its address and its body, with spaces
    /// between them. Told by the script.
    RequestSent,
    /// A request has been answered: the same sum, and the status as in [`crate::Tracker::on_response`]. Told by the script.
    ResponseReceived,
    /// A request failed and will be sent again; seconds until then.
    RetryScheduled,
    /// A pixel's settings have been answered: their address, the status and whether automatic advanced matching is on, as in
    /// [`crate::Tracker::on_config_response`]. Told by the script.
    ConfigReceived,
    /// The endpoint refused a request of several events, which are sent again, fewer at a time.
    BatchSplit,
    /// An event is lost; why, in a word, and its wire form behind it.
    Dropped,
    /// An event that another page has left in the outbox waits now; its wire form.
    Recovered,
    /// Something in the outbox cannot be read and has been set aside; its box.
    OutboxCorrupt,
    /// The browser stores nothing, so what waits is in memory alone.
    StorageUnavailable,
    /// The page has called `oaiq.debug`, with this. From here on all are the script's.
    DebugRequested,
    /// A call waits for the visitor's answer: its command and its first argument, as `["measure","order_created"`.
    HeldForConsent,
    /// Where the click reference was found (`address`, `cookie` or `nowhere`), and the reference behind it.
    ClickId,
    /// What is known of consent as the debug build arrives: `granted`, `denied` or `pending`, and where that comes from
    /// behind it.
    ConsentState,
    /// The page's Content-Security-Policy has forbidden something: the directive, and what.
    CspViolation,
    /// Events that earlier pages of this tab have measured, as [`crate::debug_log::DebugLog::tab_history`] gives them.
    TabHistory,
    /// A call is ignored, because it names no command or `consent` has no boolean; the call. Told by the pixel, and so is
    /// the next one.
    Ignored,
    /// The event whose step comes next has been given no id by the page; its name.
    MissingEventId,
    /// The module has looked at what the browser stores, with consent.
    StateLoaded,
    /// Events have been waiting for some seconds for a pixel to start.
    NoPixelStarted,
    /// What the page's `oaiq.config` has as its user.
    ConfigUser,
    /// The script's element: `none`, or `in` and the file that it is part of, or `attribute`, one that is not understood and
    /// its value.
    ScriptElement,
    /// So many older steps were not recorded.
    NotRecorded,
}

/// How a request goes: what the script is told of it in one number, and [`DebugEvent::RequestSent`] repeats.
pub mod send_flags {
    /// A courier has taken it. The script tells so, and is not told.
    pub const VIA_WORKER: u32 = 1;
    /// The page is being left, so it goes by a beacon if it may.
    pub const UNLOADING: u32 = 2;
    /// It says nothing of who the visitor is.
    pub const ANONYMOUS: u32 = 4;
    /// How many bits the flags take. The request's number follows them.
    pub const BITS: u32 = 3;
}

impl DebugEvent {
    /// All steps, in the order of their numbers.
    pub const ALL: [DebugEvent; 30] = [
        DebugEvent::Init,
        DebugEvent::PixelStarted,
        DebugEvent::ConsentChanged,
        DebugEvent::Queued,
        DebugEvent::Rejected,
        DebugEvent::BlockedByConsent,
        DebugEvent::UnknownPixel,
        DebugEvent::OutboxSaved,
        DebugEvent::RequestSent,
        DebugEvent::ResponseReceived,
        DebugEvent::RetryScheduled,
        DebugEvent::ConfigReceived,
        DebugEvent::BatchSplit,
        DebugEvent::Dropped,
        DebugEvent::Recovered,
        DebugEvent::OutboxCorrupt,
        DebugEvent::StorageUnavailable,
        DebugEvent::DebugRequested,
        DebugEvent::HeldForConsent,
        DebugEvent::ClickId,
        DebugEvent::ConsentState,
        DebugEvent::CspViolation,
        DebugEvent::TabHistory,
        DebugEvent::Ignored,
        DebugEvent::MissingEventId,
        DebugEvent::StateLoaded,
        DebugEvent::NoPixelStarted,
        DebugEvent::ConfigUser,
        DebugEvent::ScriptElement,
        DebugEvent::NotRecorded,
    ];
}

/// What the module calls in the page (`HOST_CALLS` in www/pixel/host.js), each by its number. [`Host`] says what the calls do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // named like the methods of `Host`
pub enum HostCall {
    // return a string
    Uuid,
    Cookie,
    StorageGet,
    ClickId,
    UriEncode,
    NormalizeIdentifier,
    // return a number or nothing
    UnixMs,
    MonotonicMs,
    HasCookie,
    SetCookie,
    DeleteCookie,
    StorageSet,
    OutboxPut,
    RecoverOutbox,
    OutboxRecord,
    Send,
    FetchConfig,
    RequestPaint,
    SetTimer,
    Warn,
    Trace,
}

impl HostCall {
    /// All calls, in the order of their numbers.
    pub const ALL: [HostCall; 21] = [
        HostCall::Uuid,
        HostCall::Cookie,
        HostCall::StorageGet,
        HostCall::ClickId,
        HostCall::UriEncode,
        HostCall::NormalizeIdentifier,
        HostCall::UnixMs,
        HostCall::MonotonicMs,
        HostCall::HasCookie,
        HostCall::SetCookie,
        HostCall::DeleteCookie,
        HostCall::StorageSet,
        HostCall::OutboxPut,
        HostCall::RecoverOutbox,
        HostCall::OutboxRecord,
        HostCall::Send,
        HostCall::FetchConfig,
        HostCall::RequestPaint,
        HostCall::SetTimer,
        HostCall::Warn,
        HostCall::Trace,
    ];

    /// Whether it returns a string. Those that do come first.
    pub const fn returns_string(self) -> bool {
        self as u8 <= HostCall::NormalizeIdentifier as u8
    }
}

/// A browser, as the pixel sees it. Nothing here fails: what a browser refuses reads as empty.
pub trait Host {
    /// Milliseconds since the epoch, by a clock that people may set.
    fn unix_ms(&self) -> u64;
    /// Milliseconds since some moment, by a clock that never jumps.
    fn monotonic_ms(&self) -> u64;
    /// A new v4 UUID in lowercase.
    fn uuid(&mut self) -> ScratchString;
    /// The value of a cookie, decoded and escaped; empty where there is none. Of several with that name, set for different
    /// domains, the one made last counts.
    fn cookie(&self, name: ThinStr) -> ScratchString;
    /// Is there a cookie of that name with that value, escaped?
    fn has_cookie(&self, name: ThinStr, value: ThinStr) -> bool;
    /// Writes a cookie, escaped, that lives for so many days, for the widest domain that the browser takes.
    fn set_cookie(&mut self, name: ThinStr, value: ThinStr, days: u32);
    /// Deletes a cookie, if there is one, whichever of the site's hosts it was set for.
    fn delete_cookie(&mut self, name: ThinStr);
    /// A stored value, as it is; empty where there is none, or none that can be read.
    fn storage_get(&self, storage: WebStorage, key: ThinStr) -> ScratchString;
    /// Stores a value, if the browser lets it.
    fn storage_set(&mut self, storage: WebStorage, key: ThinStr, value: ThinStr);
    /// Keeps a box of the outbox in `localStorage` under that name, until it is kept with another text. An empty text
    /// is no box, and without a name as well all boxes are meant. Other pages leave a box alone while its page lives.
    /// `leaving`: the page may be gone in the next moment. Returns false once the browser has not let it, the first time.
    fn outbox_put(&mut self, leaving: bool, name: ThinStr, text: ThinStr) -> bool;
    /// Calls [`crate::Tracker::recover_record`] for each box whose page is gone.
    fn recover_outbox(&mut self);
    /// The ad click in the page's address: parameter `oppref` as it is there now, else as it was when the page was
    /// loaded; escaped, empty where there is none.
    fn click_id(&self) -> ScratchString;
    /// What an escaped text stands for, as `encodeURIComponent` writes it.
    fn uri_encode(&self, text: ThinStr) -> ScratchString;
    /// What the spellings of an escaped text have in common, no longer escaped: behind a `-`, or behind a `#` where it is
    /// a hash already. Empty where it is not usable as what it should be, is longer than 1024 characters (in UTF-16 units,
    /// as a page counts), or holds a 0. What is [`IdentifierKind::Plain`] is the text itself, still escaped. The browser does it, because
    /// tables of letters in the module would be paid for by every visitor.
    fn normalize_identifier(&self, text: ThinStr, kind: IdentifierKind) -> ScratchString;
    /// Sends a batch.
    fn send(&mut self, request: Request) -> SendResult;
    /// Fetches a pixel's settings; [`crate::Tracker::on_config_response`] is called with the same number.
    fn fetch_config(&mut self, pixel: usize, url: ThinStr);
    /// Calls [`crate::Tracker::on_first_paint`] once the page has painted what it has.
    fn request_paint(&mut self);
    /// Calls [`crate::Tracker::on_timer`] after that many milliseconds, in place of any call still waiting.
    fn set_timer(&mut self, ms: u32);
    /// One line for whoever reads the console.
    fn warn(&mut self, line: ThinStr);
    /// One line that an event of that name was not measured, for that reason.
    fn warn_rejected(&mut self, name: ThinStr, reason: ThinStr);
    /// A step, with debug only.
    fn trace(&mut self, step: DebugEvent, about: ThinStr);
}
