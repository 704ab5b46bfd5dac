//! What the pixel needs of a browser. A page is one host; the tests have another, whose clock they control.

use crate::mem::{Scratch, ScratchString, ThinStr};

/// Which of the two web storages. The script knows them by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebStorage {
    /// `localStorage`, which lasts until it is cleared.
    Local,
    /// `sessionStorage`, which lasts as long as the tab.
    Session,
}

/// How an identifier is normalized before it is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum IdentifierKind {
    /// Not at all; it is not hashed either.
    Plain,
    /// The site's own ID of its customer: white space at the ends is removed.
    ExternalId,
    /// Lowercased.
    Email,
    /// Reduced to its digits, from the country code on.
    Phone,
    /// Lowercased, without white space and ASCII punctuation.
    PersonName,
}

/// A request to the events endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its ID, which [`crate::Tracker::on_response`] is called with.
    pub id: u32,
    /// The pixel's ID, encoded for a URL.
    pub pixel_id: ThinStr<'a>,
    /// The number of its events.
    pub event_count: u64,
    /// The body, JSON.
    pub body: ThinStr<'a>,
    /// The visitor's user data may be added to it: it has events of this page, and the visitor may be identified.
    pub may_have_user: bool,
    /// It carries neither cookies nor a referrer. `sendBeacon` cannot do that.
    pub is_anonymous: bool,
    /// The page is being unloaded, and may not see a response.
    pub is_unloading: bool,
    /// The outbox record of its events, to be stored until they are delivered. Empty if there are none, or if the page
    /// will see the response.
    pub outbox_record: ThinStr<'a>,
}

/// What the browser did with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendResult {
    /// The browser or a keepalive worker sends it. There will be no response.
    HandedOff,
    /// There will be a response.
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
    /// The page's data layer is followed, or something in it is not measured. Carries `LayerNote` of
    /// [`crate::debug_log::payload`].
    DataLayer,
    /// A form that measures an event was submitted. Carries `measured`, `repeated` (the same ID) or `invalid` (the page has refused
    /// the form), the event's name, and its ID.
    FormSubmitted,
    /// The page has made a call twice that belongs there once. Carries `init` or `page_viewed`, then the scripts that have made it, one
    /// a line.
    DuplicateCall,
    /// A value was read from the page, and goes with the next request. Carries `Matched` of [`crate::debug_log::payload`].
    Matched,
}

/// Flags of a request, which travel with its number as one number.
pub mod send_flags {
    /// A keepalive worker sends it. Set by the script, in [`DebugEvent::RequestSent`](super::DebugEvent::RequestSent) only.
    pub const VIA_WORKER: u32 = 1;
    /// The page is being unloaded, so it goes by `sendBeacon` if possible.
    pub const UNLOADING: u32 = 2;
    /// It carries neither cookies nor IDs.
    pub const ANONYMOUS: u32 = 4;
    /// The visitor's user data may be added to it: it has events of this page, and the visitor may be identified.
    pub const MAY_HAVE_USER: u32 = 8;
    /// How many bits the flags take. The request's number follows them.
    pub const BITS: u32 = 4;
}

impl DebugEvent {
    /// All debug events, in the order of their numbers.
    pub const ALL: [DebugEvent; 34] = [
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
        DebugEvent::DataLayer,
        DebugEvent::FormSubmitted,
        DebugEvent::DuplicateCall,
        DebugEvent::Matched,
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
    NextRequest,
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
        HostCall::NextRequest,
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

/// A browser. Nothing here fails: what a browser refuses reads as empty.
pub trait Host {
    /// Milliseconds since the epoch, by the system's clock, which users may set.
    fn unix_ms(&self) -> u64;
    /// Milliseconds by a clock that never jumps.
    fn monotonic_ms(&self) -> u64;
    /// A new v4 UUID in lowercase.
    fn uuid<'s>(&mut self, s: Scratch<'s>) -> ScratchString<'s>;
    /// The value of a cookie, decoded and then escaped; empty if there is none. Of several with this name, set for
    /// different domains, the one that was created last.
    fn cookie<'s>(&self, s: Scratch<'s>, name: ThinStr) -> ScratchString<'s>;
    /// Whether there is a cookie with this name and this value, escaped.
    fn has_cookie(&self, name: ThinStr, value: ThinStr) -> bool;
    /// Sets a cookie with an escaped value, for that many days, for the widest domain that the browser accepts.
    fn set_cookie(&mut self, name: ThinStr, value: ThinStr, days: u32);
    /// Deletes a cookie, for whichever of the site's domains it was set.
    fn delete_cookie(&mut self, name: ThinStr);
    /// A stored value, not escaped; empty if there is none or it cannot be read.
    fn storage_get<'s>(
        &self,
        s: Scratch<'s>,
        storage: WebStorage,
        key: ThinStr,
    ) -> ScratchString<'s>;
    /// Stores a value, if the browser allows it.
    fn storage_set(&mut self, storage: WebStorage, key: ThinStr, value: ThinStr);
    /// Stores an outbox record in `localStorage` under a name, in place of an earlier one. An empty record deletes it;
    /// without a name, all records are deleted. Other pages leave a record alone while its page lives.
    ///
    /// `is_unloading`: the page may end at any moment. Returns false the first time that the browser has not stored a
    /// record.
    fn outbox_put(&mut self, is_unloading: bool, name: ThinStr, record: ThinStr) -> bool;
    /// Calls [`crate::Tracker::recover_record`] for each record whose page is gone.
    fn recover_outbox(&mut self);
    /// The click ID in the page's URL: the parameter `oppref` as it is now, or else as it was when the page was loaded;
    /// escaped, empty if there is none.
    fn click_id<'s>(&self, s: Scratch<'s>) -> ScratchString<'s>;
    /// An escaped string, unescaped and then encoded by `encodeURIComponent`.
    fn uri_encode<'s>(&self, s: Scratch<'s>, text: ThinStr) -> ScratchString<'s>;
    /// Normalizes an escaped identifier. The result is not escaped and starts with `-`, or with `#` if the value is a hash
    /// already. It is empty if the value is not usable as this kind, has more than 1,024 UTF-16 code units, or contains a
    /// NUL. A value of [`IdentifierKind::Plain`] is returned as it is, still escaped.
    ///
    /// The browser does this, because Unicode tables in the module would be downloaded by every visitor.
    fn normalize_identifier<'s>(
        &self,
        s: Scratch<'s>,
        text: ThinStr,
        kind: IdentifierKind,
    ) -> ScratchString<'s>;
    /// Sends a batch of events.
    fn send(&mut self, request: Request) -> SendResult;
    /// Fetches a pixel's config, and then calls [`crate::Tracker::on_config_response`] with the same number. `id` is the
    /// pixel's ID, encoded for a URL.
    fn fetch_config(&mut self, pixel: usize, id: ThinStr);
    /// Calls [`crate::Tracker::on_first_paint`] once the page has painted.
    fn request_paint(&mut self);
    /// Calls [`crate::Tracker::on_timer`] after that many milliseconds. Replaces a timer that is still running.
    fn set_timer(&mut self, ms: u32);
    /// Prints a warning to the console.
    fn warn(&mut self, line: ThinStr);
    /// Prints a warning that an event of this name was not measured, with the reason.
    fn warn_rejected(&mut self, name: ThinStr, reason: ThinStr);
    /// Reports a debug event.
    fn trace(&mut self, event: DebugEvent, about: ThinStr);
}
