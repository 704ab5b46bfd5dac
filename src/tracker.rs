//! What each command and each event of the page does. [`Tracker`] owns all state.

mod outbox;

use crate::command::{self, Call, Command};
use crate::delivery::diagnostics::SessionMarkers;
use crate::delivery::pixel_config::PixelConfig;
use crate::delivery::queue::{EventQueue, MAX_BODY_BYTES, NEVER, Outcome, QueuedEvent, Settlement};
use crate::host::{DebugEvent, Host, Request, SendResult, WebStorage};
use crate::mem::{MiniVec, Scope, Scratch, ScratchString, ThinStr, ThinString, thin};
use crate::protocol::MAX_EVENT_BYTES;
use crate::raw_json::RawJson;
use crate::schema::events::{self, CallContext};
use crate::schema::validate::{Rejection, too_large, validate};
use crate::visitor::consent_store;
use crate::visitor::identity::Identity;
use crate::visitor::user_data;
use outbox::{DropReason, OutboxBudget};

/// At most this many events are queued before any `init`.
const MAX_PRE_INIT_EVENTS: usize = 500;

/// All pixels of a page.
#[derive(Debug)]
pub struct Tracker<H> {
    host: H,
    /// Whether cookies and storage have been read; see [`Tracker::load_persisted_state`].
    has_loaded_state: bool,
    granted: bool,
    /// The calls that the snippet queued are being made; see [`Tracker::on_replay_done`].
    is_replaying: bool,
    /// While consent is denied, send not even anonymous diagnostics.
    is_silent: bool,
    /// Known once a pixel has started with consent.
    identity: Option<Identity>,
    pixels: MiniVec<Pixel>,
    /// Events measured before the first pixel started.
    pre_init_queue: EventQueue,
    debug: bool,
    /// `oaiq.config` has the defaults of `init`.
    default_pixel: ThinString,
    default_user: ThinString,
    last_request_id: u32,
    next_wakeup: u64,
    /// When to save the outbox.
    save_at: u64,
    /// The number of outbox records recovered so far.
    recovered_records: u32,
}

/// Where a call comes from: this page, or an outbox record of another page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Source(u32);

impl Source {
    /// This page.
    const PAGE: Self = Self(0);

    /// The nth recovered record, from 1 on.
    const fn record(n: u32) -> Self {
        Self(n)
    }
}

/// One advertiser's pixel.
#[derive(Debug)]
struct Pixel {
    id: ThinString,
    uri_id: ThinString,
    /// The member `user` of its request bodies; empty if there is no user data.
    user: ThinString,
    queue: EventQueue,
    config: PixelConfig,
    /// The session markers that have been delivered.
    reported_markers: SessionMarkers,
    /// The name of its outbox record; empty if it has none.
    record_key: ThinString,
    /// Where its events come from.
    source: Source,
    /// The member `oppref` of its request bodies: the page's click ID, or the record's.
    click: ThinString,
}

impl Pixel {
    fn load_reported_markers(&mut self, s: Scratch, host: &impl Host) {
        let stored = host.storage_get(s, WebStorage::Session, self.session_key(s).as_thin());
        self.reported_markers = SessionMarkers::from_storage(stored.as_thin());
    }

    fn session_key<'s>(&self, s: Scratch<'s>) -> ScratchString<'s> {
        s.copy(thin!("oaiq_cs:")).append(self.uri_id.as_thin())
    }
}

impl<H: Host> Tracker<H> {
    /// Starts on a page. `setup` is `[config, silent]`: the config is the `oaiq.config` of the page, and `silent` is true if
    /// nothing may be sent while consent is denied.
    pub fn new(s: Scratch, mut host: H, setup: ThinStr) -> Self {
        let config = RawJson::new(setup)
            .first_child()
            .unwrap_or(RawJson::UNDEFINED);
        host.request_paint();
        Self {
            has_loaded_state: false,
            granted: true,
            is_replaying: true,
            is_silent: config.next_or_undefined().is_true(),
            identity: None,
            pixels: MiniVec::new(),
            pre_init_queue: EventQueue::default(),
            debug: false,
            default_pixel: config
                .get(thin!("pixelId"))
                .to_scratch_string(s)
                .to_thin_string(),
            default_user: user_member(s, &host, config.get(thin!("user"))).to_thin_string(),
            last_request_id: 0,
            next_wakeup: NEVER,
            save_at: NEVER,
            recovered_records: 0,
            host,
        }
    }

    /// Makes a call: `[time, url, referrer, command, ...arguments]`, see [`crate::raw_json`].
    pub fn on_call(&mut self, s: Scratch, call: ThinStr) {
        let parsed = command::parse_call(RawJson::new(call));
        self.execute(s, Source::PAGE, &parsed, call);
        self.schedule_wakeup();
    }

    /// Executes a command. `text` is the whole call, for debug.
    fn execute(&mut self, s: Scratch, source: Source, call: &Call, text: ThinStr) {
        match call.command {
            Command::Unknown => self.host.trace(DebugEvent::Ignored, text),
            Command::Init => self.init(s, source, call.context, call.first_arg, text),
            // a past answer must not replace the current one
            Command::Consent if source != Source::PAGE => {}
            Command::Consent => self.set_consent(s, call.first_arg.is_true()),
            Command::Measure | Command::MeasureSingle => self.measure(s, source, call, text),
        }
    }

    /// The calls that the snippet queued have been made. Until then a denial deletes nothing, because consent libraries
    /// document the order `consent false`, `init`, `consent true` for pages of visitors who have granted consent.
    pub fn on_replay_done(&mut self) {
        self.is_replaying = false;
        if !self.granted {
            self.forget();
        }
    }

    /// Switches debug on or off. Events that are queued already are reported when something happens next: a timer set here
    /// would make the module read cookies and storage, which it may not do while consent is pending.
    pub fn set_debug(&mut self, on: bool) {
        self.debug = on;
        self.schedule_save();
    }

    /// The timer of [`Host::set_timer`] has fired.
    pub fn on_timer(&mut self, s: Scratch) {
        // a later `init` may still make consent necessary
        if !self.pixels.is_empty() {
            self.load_persisted_state(s);
        }
        self.next_wakeup = NEVER;
        let now = self.host.monotonic_ms();
        for i in 0..self.pixels.len() {
            if self.pixels[i].config.take_due_retry(now) {
                self.fetch_config(s, i);
            }
            if self.pixels[i].queue.due_at() <= now {
                self.recheck_consent(s);
                self.send_next_batch(s, i, None);
            }
        }
        if self.save_at <= now {
            self.save(s, false);
        }
        self.schedule_wakeup();
    }

    /// The browser is online again.
    pub fn on_online(&mut self) {
        for pixel in self.pixels.iter_mut() {
            pixel.queue.clear_backoff();
        }
        self.schedule_wakeup();
    }

    /// The page has painted, after [`Host::request_paint`].
    pub fn on_first_paint(&mut self, s: Scratch) {
        self.load_persisted_state(s);
        for i in 0..self.pixels.len() {
            if self.pixels[i].config.take_request() {
                self.fetch_config(s, i);
            }
        }
    }

    /// The page is hidden or being unloaded: sends everything at once.
    pub fn on_page_hide(&mut self) {
        let mut budget = OutboxBudget::default();
        for i in 0..self.pixels.len() {
            while self.pixels[i].queue.has_queued() {
                // a backlog takes many requests; the strings of each are freed before the next
                let scope = Scope::open();
                let s = scope.scratch();
                self.load_persisted_state(s);
                self.recheck_consent(s);
                self.send_next_batch(s, i, Some(&mut budget));
            }
        }
        if self.save_at != NEVER {
            let scope = Scope::open();
            self.save(scope.scratch(), true);
        }
    }

    /// A request has been answered with this HTTP status: 0 if it has failed, 1 if the response cannot be read. `after` is
    /// the number of seconds before it may be repeated.
    pub fn on_response(&mut self, s: Scratch, number: u32, status: u32, after: u32) {
        let outcome = match status {
            0 | 408 | 429 | 500.. => Outcome::Failed(u64::from(after) * 1_000),
            400..500 => Outcome::Rejected,
            _ => Outcome::Delivered,
        };
        for i in 0..self.pixels.len() {
            self.settle_pixel(s, i, number, outcome);
        }
        // at once, so that no other page recovers events that have been delivered
        if self.save_at != NEVER {
            self.save(s, false);
        }
        self.schedule_wakeup();
    }

    fn settle_pixel(&mut self, s: Scratch, i: usize, number: u32, outcome: Outcome) {
        let now = self.host.monotonic_ms();
        let pixel = &mut self.pixels[i];
        match pixel.queue.settle(s, number, outcome, now) {
            Settlement::NotOurs => return,
            Settlement::Delivered(markers) => {
                if !markers.is_empty() {
                    pixel.reported_markers = pixel.reported_markers.union(markers);
                    self.host.storage_set(
                        WebStorage::Session,
                        pixel.session_key(s).as_thin(),
                        pixel.reported_markers.to_storage(),
                    );
                }
            }
            Settlement::WillRetry(delay_ms) => {
                self.queue_session_markers(i);
                if delay_ms > 0 {
                    let seconds = s.string().append_u64(delay_ms / 1_000);
                    self.trace(DebugEvent::RetryScheduled, seconds.as_thin());
                }
            }
            Settlement::Rejected(event) if event.is_empty() => {
                self.trace(DebugEvent::BatchSplit, thin!(""))
            }
            Settlement::Rejected(event) => {
                self.drop_event(s, i, event.as_thin(), DropReason::RejectedByEndpoint)
            }
        }
        self.schedule_save();
    }

    /// A pixel's config has arrived: the HTTP status, 0 if there was no response, and its
    /// `automatic_advanced_matching_enabled`, if it has one.
    pub fn on_config_response(&mut self, pixel: usize, status: u16, enabled: Option<bool>) {
        let now = self.host.monotonic_ms();
        if self.granted
            && let Some(to) = self.pixels.get_mut(pixel)
            && let Some(outcome) = to.config.on_response(status, enabled, now)
        {
            to.queue.diagnostic_mut(now).set_config(outcome);
        }
        self.schedule_wakeup();
    }

    /// Another tab has changed `localStorage`. A denial there applies here.
    pub fn on_storage_event(&mut self, s: Scratch) {
        self.recheck_consent_in_storage(s);
        self.schedule_wakeup();
    }

    fn init(
        &mut self,
        s: Scratch,
        source: Source,
        context: CallContext,
        options: RawJson,
        call: ThinStr,
    ) {
        self.trace(DebugEvent::Init, call);
        let id = options.get(thin!("pixelId"));
        let id = match self.pixels.first() {
            _ if id.is_defined() => id.to_scratch_string(s),
            Some(first) => s.copy(first.id.as_thin()),
            None => s.copy(self.default_pixel.as_thin()),
        };
        if !options.is_object() || id.is_empty() {
            return self.host.warn(thin!("init needs {pixelId: \"...\"}"));
        }
        self.recheck_consent_in_storage(s);
        let i = self.index_of(source, id.as_thin());
        let is_known = i < self.pixels.len();
        if !is_known {
            self.host.trace(DebugEvent::PixelStarted, id.as_thin());
            self.add_pixel(s, source, id.as_thin());
        }
        if !is_known && source == Source::PAGE && self.granted {
            let id = self.host.uuid(s);
            let lifecycle = RawJson::new(thin!("{\"type\":\"sdk_lifecycle\"}"));
            let name = thin!("openai::sdk_init");
            let text = events::write_event_json(
                s,
                name,
                context,
                id.as_thin(),
                RawJson::UNDEFINED,
                lifecycle,
            );
            let now = self.host.monotonic_ms();
            self.pixels[i].queue.push(
                QueuedEvent::internal(text.as_thin(), SessionMarkers::NONE),
                now,
            );
        }
        let mut next = options.first_child();
        while let Some(field) = next {
            let value = field.next_or_undefined();
            if field.is_str(thin!("user")) {
                self.pixels[i].user = user_member(s, &self.host, value).to_thin_string();
            }
            next = value.next_sibling();
        }
        self.request_config(i);
    }

    /// The index of a pixel; that of the next pixel to be added if it has not started.
    fn index_of(&self, source: Source, id: ThinStr) -> usize {
        let mut i = 0;
        for pixel in self.pixels.iter() {
            if pixel.source == source && pixel.id.as_thin() == id {
                break;
            }
            i += 1;
        }
        i
    }

    /// Reads cookies and storage, once: whether consent is denied, who the visitor is, and which session markers have been
    /// delivered. These reads are round trips to other processes, by far the longest part of a start, so they wait for the
    /// first paint, unless something has to be sent or stored before. Until then events are in memory only, and are
    /// dropped if consent turns out to be denied.
    fn load_persisted_state(&mut self, s: Scratch) {
        if self.has_loaded_state {
            return;
        }
        self.has_loaded_state = true;
        for pixel in self.pixels.iter_mut() {
            pixel.load_reported_markers(s, &self.host);
        }
        if consent_store::is_denied(s, &self.host) {
            self.revoke();
        }
        for i in 0..self.pixels.len() {
            self.attach_identity(s, i);
        }
        self.schedule_wakeup();
    }

    /// Gives a pixel the visitor's click ID.
    fn attach_identity(&mut self, s: Scratch, i: usize) {
        if self.granted && self.identity.is_none() {
            self.identity = Some(Identity::load_or_create(s, &mut self.host));
            self.host.recover_outbox();
        }
        let pixel = &mut self.pixels[i];
        if let Some(identity) = &self.identity
            && pixel.source == Source::PAGE
        {
            pixel.click = identity.click_id_json.clone();
        }
        self.queue_session_markers(i);
    }

    /// Adds a pixel.
    fn add_pixel(&mut self, s: Scratch, source: Source, id: ThinStr) {
        if self.pre_init_queue.len() > 0 {
            self.schedule_save();
        }
        let mut pixel = Pixel {
            id: ThinString::from(id),
            uri_id: self.host.uri_encode(s, id).to_thin_string(),
            user: ThinString::default(),
            queue: core::mem::take(&mut self.pre_init_queue),
            config: PixelConfig::default(),
            reported_markers: SessionMarkers::NONE,
            record_key: ThinString::default(),
            source,
            click: ThinString::default(),
        };
        if source == Source::PAGE {
            pixel.user = self.default_user.clone();
        }
        if self.has_loaded_state {
            pixel.load_reported_markers(s, &self.host);
        }
        let i = self.pixels.len();
        self.pixels.push(pixel);
        if self.has_loaded_state {
            self.attach_identity(s, i);
        }
    }

    /// Stores the visitor's answer and applies it.
    fn set_consent(&mut self, s: Scratch, granted: bool) {
        self.load_persisted_state(s);
        consent_store::store_answer(&mut self.host, granted);
        if !granted {
            return self.revoke();
        }
        if self.granted {
            return;
        }
        self.granted = true;
        self.host
            .trace(DebugEvent::ConsentChanged, thin!("granted"));
        for i in 0..self.pixels.len() {
            self.request_config(i);
            self.attach_identity(s, i);
        }
    }

    /// Stops measuring, and drops everything that is queued.
    fn revoke(&mut self) {
        if !self.granted {
            return;
        }
        self.granted = false;
        self.host.trace(DebugEvent::ConsentChanged, thin!("denied"));
        self.identity = None;
        if !self.is_replaying {
            self.forget();
        }
        self.pre_init_queue.clear();
        for i in 0..self.pixels.len() {
            self.pixels[i].queue.clear();
            self.pixels[i].config.on_denial();
            self.pixels[i].record_key = ThinString::default();
            self.queue_session_markers(i);
        }
    }

    /// Deletes the cookies and the outbox of a visitor who has denied consent.
    fn forget(&mut self) {
        Identity::clear(&mut self.host);
        self.host.outbox_put(false, thin!(""), thin!(""));
    }

    fn recheck_consent(&mut self, s: Scratch) {
        if self.granted && consent_store::is_denied(s, &self.host) {
            self.revoke();
        }
    }

    /// [`Self::recheck_consent`] without cookies, which are slow to read: for the time of the page's own call. A denial in
    /// a cookie is found before the next request.
    fn recheck_consent_in_storage(&mut self, s: Scratch) {
        if self.has_loaded_state
            && self.granted
            && consent_store::is_denied_in_storage(s, &self.host)
        {
            self.revoke();
        }
    }

    /// Queues the session markers that have not been delivered.
    fn queue_session_markers(&mut self, i: usize) {
        let now = self.host.monotonic_ms();
        let pixel = &mut self.pixels[i];
        if pixel.source != Source::PAGE || (self.is_silent && !self.granted) {
            return;
        }
        let mut markers = SessionMarkers::FIRST_VISIT;
        if self.granted {
            markers = markers.union(SessionMarkers::FIRST_GRANT);
        }
        let unreported = markers
            .without(pixel.reported_markers)
            .without(pixel.queue.markers());
        if !unreported.is_empty() {
            pixel
                .queue
                .diagnostic_mut_without_delay(now)
                .add_markers(unreported, self.granted);
        }
    }

    fn measure(&mut self, s: Scratch, source: Source, call: &Call, text: ThinStr) {
        self.recheck_consent_in_storage(s);
        if !self.granted {
            return self.trace(
                DebugEvent::BlockedByConsent,
                call.name.to_scratch_string(s).as_thin(),
            );
        }
        let is_for_all = call.command == Command::Measure;
        let mut target = 0;
        if !is_for_all {
            let id = call.first_arg.to_scratch_string(s);
            target = self.index_of(source, id.as_thin());
            if target == self.pixels.len() {
                return self.host.trace(DebugEvent::UnknownPixel, id.as_thin());
            }
        }
        let measured = self.build_event(s, call);
        match &measured {
            Err(rejection) => self.warn_rejected(rejection, text),
            Ok(text) => {
                let event = if source == Source::PAGE {
                    DebugEvent::Queued
                } else {
                    DebugEvent::Recovered
                };
                self.trace(event, text.as_thin());
            }
        }
        let now = self.host.monotonic_ms();
        let mut has_no_pixel = true;
        for (i, pixel) in self.pixels.iter_mut().enumerate() {
            if pixel.source == source && (is_for_all || target == i) {
                enqueue_or_count(&mut pixel.queue, &measured, false, now);
                has_no_pixel = false;
            }
        }
        if has_no_pixel {
            if measured.is_ok() && self.pre_init_queue.len() >= MAX_PRE_INIT_EVENTS {
                return self
                    .host
                    .warn(thin!("an event was dropped: too many calls before init"));
            }
            enqueue_or_count(&mut self.pre_init_queue, &measured, true, now);
        }
        self.schedule_save();
    }

    /// The wire form of the event that a call measures.
    fn build_event<'s>(
        &mut self,
        s: Scratch<'s>,
        call: &Call,
    ) -> Result<ScratchString<'s>, Rejection> {
        let Call { data, options, .. } = *call;
        let name = validate(call.name, data, options)?;
        let mut id = options.get(thin!("event_id")).to_scratch_string(s);
        if id.is_empty() {
            id = options.get(thin!("eventId")).to_scratch_string(s);
        }
        if id.is_empty() {
            self.trace(DebugEvent::MissingEventId, name);
            id = self.host.uuid(s);
        }
        let text = events::write_event_json(s, name, call.context, id.as_thin(), options, data);
        if text.len() > MAX_EVENT_BYTES {
            return Err(too_large(name));
        }
        Ok(text)
    }

    fn warn_rejected(&mut self, rejection: &Rejection, call: ThinStr) {
        self.host.trace(DebugEvent::Rejected, call);
        if !self.debug {
            self.host.warn_rejected(rejection.name, rejection.reason);
        }
    }

    /// Requests the config of a pixel of this page after the first paint, because nothing in it is urgent.
    fn request_config(&mut self, i: usize) {
        let wanted = self.granted
            && self.pixels[i].source == Source::PAGE
            && self.pixels[i]
                .config
                .request_if_stale(self.host.monotonic_ms());
        // the first paint has been requested by `new`
        if wanted && self.has_loaded_state {
            self.host.request_paint();
        }
    }

    fn fetch_config(&mut self, s: Scratch, i: usize) {
        self.recheck_consent(s);
        if self.granted {
            self.host.fetch_config(i, self.pixels[i].uri_id.as_thin());
        }
    }

    /// Sends a pixel's next request.
    fn send_next_batch(&mut self, s: Scratch, i: usize, budget: Option<&mut OutboxBudget>) {
        let pixel = &mut self.pixels[i];
        let host = &mut self.host;
        if !pixel.queue.has_queued() {
            return;
        }
        let now = host.unix_ms();
        self.last_request_id += 1;
        let request_id = self.last_request_id;
        let mut capacity = MAX_BODY_BYTES - 32;
        let mut user = pixel.user.as_thin();
        let (mut browser_id, mut click_id) = (thin!(""), pixel.click.as_thin());
        if let Some(identity) = &self.identity {
            browser_id = identity.browser_id_json.as_thin();
        }
        for part in [browser_id, click_id, user] {
            capacity = capacity.saturating_sub(part.len());
        }
        if let Some(diagnostic) = pixel.queue.take_diagnostic() {
            let text = diagnostic.write_json(s, now, host.uuid(s).as_thin());
            let event = QueuedEvent::internal(text.as_thin(), diagnostic.markers);
            pixel.queue.push_due(event);
        }
        let payload = pixel.queue.take_batch(s, request_id, capacity);
        let is_anonymous = !self.granted || payload.only_markers;
        if is_anonymous {
            (browser_id, click_id) = (thin!(""), thin!(""));
        }
        let may_have_user = pixel.source == Source::PAGE && !is_anonymous && !payload.only_internal;
        if !may_have_user {
            user = thin!("");
        }
        let body = s
            .copy(thin!("{"))
            .append(browser_id)
            .append(thin!("\"events\":["))
            .append(payload.events.as_thin())
            .append(thin!("]"))
            .append(click_id)
            .append(user)
            .append(thin!("}"));
        let is_unloading = budget.is_some();
        let mut outbox_record = s.string();
        if let Some(budget) = budget {
            outbox_record = pixel.to_outbox_record(s, request_id, budget);
        }
        let result = host.send(Request {
            id: request_id,
            pixel_id: pixel.uri_id.as_thin(),
            event_count: payload.count,
            body: body.as_thin(),
            may_have_user,
            is_anonymous,
            is_unloading,
            outbox_record: outbox_record.as_thin(),
        });
        if result == SendResult::HandedOff {
            self.settle_pixel(s, i, request_id, Outcome::Delivered);
        }
    }

    fn trace(&mut self, event: DebugEvent, about: ThinStr) {
        if self.debug {
            self.host.trace(event, about);
        }
    }

    fn schedule_wakeup(&mut self) {
        let mut due = self.save_at;
        for pixel in self.pixels.iter() {
            due = due.min(pixel.queue.due_at()).min(pixel.config.retry_at());
        }
        if due < self.next_wakeup {
            self.next_wakeup = due;
            let wait = due.saturating_sub(self.host.monotonic_ms());
            self.host.set_timer(wait as u32);
        }
    }
}

/// Queues a measured event, or counts a rejected call.
fn enqueue_or_count(
    queue: &mut EventQueue,
    measured: &Result<ScratchString, Rejection>,
    before_init: bool,
    now: u64,
) {
    match measured {
        Ok(text) => queue.push(QueuedEvent::measured(text.as_thin()), now),
        Err(rejection) => queue
            .diagnostic_mut(now)
            .count_rejection(rejection, before_init),
    }
}

fn user_member<'s>(s: Scratch<'s>, host: &impl Host, user: RawJson) -> ScratchString<'s> {
    user_data::user_data_member(s, user, &|text, kind| {
        host.normalize_identifier(s, text, kind)
    })
}
