//! All that the pixel needs of a browser. A page is one host; the tests have another, whose clock they turn by hand.

use crate::mem::{Scratch, ScratchString, ThinStr};

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

/// What the pixel or its scripts report while debug is on, and what the report carries. `crate::debug_log` explains it. Scripts
/// know an event by its number (www/pixel/debug-events.gen.js).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum DebugEvent {
    /// The page has called `init`. Carries the call.
    Init,
    /// A pixel has started. Carries its ID.
    PixelStarted,
    /// Consent has changed. Carries `granted` or `denied`.
    ConsentChanged,
    /// An event is queued. Carries its wire form.
    Queued,
    /// A call broke a rule. Carries the call.
    Rejected,
    /// A call was ignored because consent is denied. Carries the event's name.
    BlockedByConsent,
    /// A `measureSingle` named a pixel that has not started. Carries the pixel's ID.
    UnknownPixel,
    /// The outbox record of a pixel has changed. Carries the record; empty if the record was deleted.
    OutboxSaved,
    /// The script has sent a request. Carries `RequestSent` of [`crate::debug_log::payload`].
    RequestSent,
    /// The script has received a response, or a request has failed. Carries `ResponseReceived` of
    /// [`crate::debug_log::payload`].
    ResponseReceived,
    /// A request failed and will be repeated. Carries the seconds until then.
    RetryScheduled,
    /// The script has received a pixel config, or failed to. Carries `ConfigReceived` of [`crate::debug_log::payload`].
    ConfigReceived,
    /// The endpoint rejected a request of several events, which are resent in smaller batches. Carries nothing.
    BatchSplit,
    /// A queued event was dropped. Carries the reason, and the event's wire form or call.
    Dropped,
    /// An event from an outbox record of another page is queued. Carries its wire form.
    Recovered,
    /// An outbox record could not be read and was set aside. Carries its name.
    OutboxCorrupt,
    /// The browser does not store the outbox, so queued events are only in memory. Carries nothing.
    StorageUnavailable,
    /// The page has called `oaiq.debug`. Carries the argument. Unless noted, scripts report this and all that follow.
    DebugRequested,
    /// A call waits for the visitor's answer. Carries its command and its first argument: `["measure","order_created"`.
    HeldForConsent,
    /// The debug file has looked for a click ID. Carries where it was found (`address`, `cookie`, `nowhere`, or `long` for an
    /// address whose ID is too long for a cookie), and the ID.
    ClickId,
    /// The state of consent when debug starts. Carries `granted`, `denied` or `pending`, and where it comes from.
    ConsentState,
    /// The page's Content-Security-Policy has blocked something. Carries the directive, and the URL.
    CspViolation,
    /// Events that earlier pages of this tab have measured. Carries what `tab_history` of `crate::debug_log::DebugLog` returns.
    TabHistory,
    /// A call was ignored: it names no command, or a `consent` that is not a boolean. Carries the call. Reported by the pixel.
    Ignored,
    /// The page gave no ID to the event that is reported next. Carries its name. Reported by the pixel.
    MissingEventId,
    /// The module has read cookies and storage, with consent. Carries nothing.
    StateLoaded,
    /// Events have been queued for some seconds, and no pixel has started. Carries nothing.
    NoPixelStarted,
    /// The debug file has read `oaiq.config`. Carries its `user`.
    ConfigUser,
    /// The script's element is unusual. Carries `none`, `in` and the file that the script is part of, or `attribute`, an
    /// attribute and its unknown value.
    ScriptElement,
    /// Earlier debug events were not recorded. Carries what is missing, in words.
    NotRecorded,
}

/// Flags of a request, which travel with its number as one number.
pub mod send_flags {
    /// A keepalive worker sends it. Set by the script, in [`DebugEvent::RequestSent`](super::DebugEvent::RequestSent) only.
    pub const VIA_WORKER: u32 = 1;
    /// The page is being unloaded, so it goes by `sendBeacon` if possible.
    pub const UNLOADING: u32 = 2;
    /// It carries neither cookies nor IDs.
    pub const ANONYMOUS: u32 = 4;
    /// How many bits the flags take. The request's number follows them.
    pub const BITS: u32 = 3;
}

impl DebugEvent {
    /// All debug events, in the order of their numbers.
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
    fn uuid<'s>(&mut self, s: Scratch<'s>) -> ScratchString<'s>;
    /// The value of a cookie, decoded and escaped; empty where there is none. Of several with that name, set for different
    /// domains, the one made last counts.
    fn cookie<'s>(&self, s: Scratch<'s>, name: ThinStr) -> ScratchString<'s>;
    /// Is there a cookie of that name with that value, escaped?
    fn has_cookie(&self, name: ThinStr, value: ThinStr) -> bool;
    /// Writes a cookie, escaped, that lives for so many days, for the widest domain that the browser takes.
    fn set_cookie(&mut self, name: ThinStr, value: ThinStr, days: u32);
    /// Deletes a cookie, if there is one, whichever of the site's hosts it was set for.
    fn delete_cookie(&mut self, name: ThinStr);
    /// A stored value, as it is; empty where there is none, or none that can be read.
    fn storage_get<'s>(
        &self,
        s: Scratch<'s>,
        storage: WebStorage,
        key: ThinStr,
    ) -> ScratchString<'s>;
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
    fn click_id<'s>(&self, s: Scratch<'s>) -> ScratchString<'s>;
    /// What an escaped text stands for, as `encodeURIComponent` writes it.
    fn uri_encode<'s>(&self, s: Scratch<'s>, text: ThinStr) -> ScratchString<'s>;
    /// What the spellings of an escaped text have in common, no longer escaped: behind a `-`, or behind a `#` where it is
    /// a hash already. Empty where it is not usable as what it should be, is longer than 1024 characters (in UTF-16 units,
    /// as a page counts), or holds a 0. What is [`IdentifierKind::Plain`] is the text itself, still escaped. The browser does it, because
    /// tables of letters in the module would be paid for by every visitor.
    fn normalize_identifier<'s>(
        &self,
        s: Scratch<'s>,
        text: ThinStr,
        kind: IdentifierKind,
    ) -> ScratchString<'s>;
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
