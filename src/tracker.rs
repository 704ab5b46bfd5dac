//! What each command does. [`Pixels`] is the only state there is.

mod outbox;

use crate::command::{self, Call, Command};
use crate::delivery::diagnostics::{self, GRANT, Marks, VISIT};
use crate::delivery::pixel_config::Settings;
use crate::delivery::queue::{Answer, Batch, MAX_BODY, NEVER, Outcome, Waiting};
use crate::host::{Host, Request, Sending, Step, Storage};
use crate::mem::{MiniVec, ScratchString, ThinStr, ThinString, reset_scratch, thin};
use crate::raw_json::{RawJson, Tag};
use crate::schema::events::{self, Moment};
use crate::schema::validate::{Refusal, too_large, validate};
use crate::visitor::consent_store;
use crate::visitor::identity::Identity;
use crate::visitor::user_data;
use outbox::Room;

/// Names the protocol and its version in the address of each request.
static SPOKEN: ThinStr = thin!("&st=oaiq-web&sv=0.1.41&t=");
/// A larger event is refused: the endpoint takes no larger request.
const MAX_EVENT: usize = 1 << 20;
/// What is measured before any `init` is kept up to this many events.
const MAX_EARLY: usize = 500;

/// All pixels of a page.
#[derive(Debug)]
pub struct Pixels<H> {
    host: H,
    events_url: ThinString,
    settings_url: ThinString,
    /// Has what the browser keeps been looked at? See [`Pixels::look`].
    looked: bool,
    granted: bool,
    /// The calls that waited for the script are being made: see [`Pixels::replayed`].
    replaying: bool,
    /// While consent is denied, not even that is sent.
    silent: bool,
    /// Known once a pixel has started with consent.
    identity: Option<Identity>,
    pixels: MiniVec<Pixel>,
    /// What was measured before the first pixel started.
    early: Batch,
    debug: bool,
    /// What `init` leaves out is taken from the `oaiq.config` that the page left.
    default_pixel: ThinString,
    default_user: ThinString,
    requests: u32,
    alarm: u64,
    /// When the outbox is to be written.
    save_due: u64,
    /// How many boxes have been taken over,
    visits: u32,
    /// and which of them the call that is just being done comes from; 0 is the page itself.
    visit: u32,
}

/// One advertiser's pixel.
#[derive(Debug)]
struct Pixel {
    id: ThinString,
    uri_id: ThinString,
    /// The member `user` of its bodies. Empty where nothing is known.
    user: ThinString,
    batch: Batch,
    settings: Settings,
    /// The session's first times that have been told.
    told: Marks,
    /// Of its box in the outbox; empty while it has none.
    name: ThinString,
    /// The box that it was made for; 0 for the page's own pixels.
    visit: u32,
    /// The click reference, as a member of its bodies: the page's, or that of the box.
    click: ThinString,
}

impl Pixel {
    fn read_told(&mut self, host: &impl Host) {
        let told = host.stored(Storage::Session, self.session_key().as_thin());
        self.told = diagnostics::read_kept(told.as_thin());
    }

    fn session_key(&self) -> ScratchString {
        ScratchString::new()
            .append(thin!("oaiq_cs:"))
            .append(self.uri_id.as_thin())
    }
}

impl<H: Host> Pixels<H> {
    /// Begins on a page. `setup` is what the script hands over: `[events address, settings address, config, silent]`; the config
    /// is the `oaiq.config` that the page left, and `silent` true where nothing is to be sent while consent is denied.
    pub fn new(mut host: H, setup: ThinStr) -> Self {
        let events_url = RawJson::new(setup)
            .first_child()
            .unwrap_or(RawJson::UNDEFINED);
        let settings_url = events_url.next_or_undefined();
        let config = settings_url.next_or_undefined();
        host.after_paint();
        Self {
            events_url: events_url.to_scratch_string().to_thin_string(),
            settings_url: settings_url.to_scratch_string().to_thin_string(),
            looked: false,
            granted: true,
            replaying: true,
            silent: config.next_or_undefined().tag() == Tag::True,
            identity: None,
            pixels: MiniVec::new(),
            early: Batch::default(),
            debug: false,
            default_pixel: config
                .get(thin!("pixelId"))
                .to_scratch_string()
                .to_thin_string(),
            default_user: user_member(&host, config.get(thin!("user"))).to_thin_string(),
            requests: 0,
            alarm: NEVER,
            save_due: NEVER,
            visits: 0,
            visit: 0,
            host,
        }
    }

    /// Takes a call: `[time, url, referrer, command, ...arguments]`, see [`crate::raw_json`].
    pub fn call(&mut self, call: ThinStr) {
        self.run(&command::read(RawJson::new(call)), call);
        self.set_alarm();
    }

    /// Does what a call asks for; `text` is the call, for whoever reads the console.
    fn run(&mut self, call: &Call, text: ThinStr) {
        match call.command {
            Command::None => self.host.trace(Step::Ignored, text),
            Command::Init => self.init(call.moment, call.first, text),
            // an answer of then is not one of now
            Command::Consent if self.visit != 0 => {}
            Command::Consent => self.answer(call.first.is_true()),
            Command::Measure | Command::MeasureSingle => self.measure(call, text),
        }
    }

    /// The calls that waited for the script have been made. Until then a denial deletes nothing, because consent libraries
    /// document the order `consent false`, `init`, `consent true` for pages of visitors who have agreed.
    pub fn replayed(&mut self) {
        self.replaying = false;
        if !self.granted {
            self.forget();
        }
    }

    /// Switches debug on or off. What is queued already is traced when something happens next. This sets no alarm, because
    /// then the module looks at what the browser stores, which it may not do while consent is pending.
    pub fn debug(&mut self, on: bool) {
        self.debug = on;
        self.changed();
    }

    /// The time that was asked for by [`Host::wake_in`] has come.
    pub fn woken(&mut self) {
        // an init that comes later may say that consent is still to be asked for
        if !self.pixels.is_empty() {
            self.look();
        }
        self.alarm = NEVER;
        let now = self.host.ticks();
        for i in 0..self.pixels.len() {
            if self.pixels[i].settings.retry(now) {
                self.fetch_settings(i);
            }
            if self.pixels[i].batch.due() <= now {
                self.look_at_stored_consent();
                self.dispatch(i, None);
            }
        }
        if self.save_due <= now {
            self.save(false);
        }
        self.set_alarm();
    }

    /// The network is there again.
    pub fn online(&mut self) {
        for pixel in self.pixels.iter_mut() {
            pixel.batch.hasten();
        }
        self.set_alarm();
    }

    /// The page has been painted, after [`Host::after_paint`].
    pub fn painted(&mut self) {
        self.look();
        for i in 0..self.pixels.len() {
            if self.pixels[i].settings.take_wanted() {
                self.fetch_settings(i);
            }
        }
    }

    /// The page is being left or hidden: everything goes at once.
    pub fn leaving(&mut self) {
        let mut kept = Room::default();
        for i in 0..self.pixels.len() {
            while self.pixels[i].batch.has_waiting() {
                self.look();
                self.look_at_stored_consent();
                self.dispatch(i, Some(&mut kept));
                // a long backlog is many requests.
                // SAFETY: nothing that was made for this one is needed for the next
                unsafe { reset_scratch() };
            }
        }
        if self.save_due != NEVER {
            self.save(true);
        }
    }

    /// The request of that number has been answered with that status: 0 if it has failed, 1 if the answer cannot be read.
    /// It is not to be sent again for so many seconds.
    pub fn answered(&mut self, number: u32, status: u32, after: u32) {
        let outcome = match status {
            0 | 408 | 429 | 500.. => Outcome::Failed(u64::from(after) * 1_000),
            400..500 => Outcome::Refused,
            _ => Outcome::Arrived,
        };
        for i in 0..self.pixels.len() {
            self.answered_to(i, number, outcome);
        }
        // what has arrived must not be found by another page
        if self.save_due != NEVER {
            self.save(false);
        }
        self.set_alarm();
    }

    fn answered_to(&mut self, i: usize, number: u32, outcome: Outcome) {
        let now = self.host.ticks();
        let pixel = &mut self.pixels[i];
        match pixel.batch.answered(number, outcome, now) {
            Answer::Unknown => return,
            Answer::Delivered(marks) => {
                if marks != 0 {
                    pixel.told |= marks;
                    self.host.store(
                        Storage::Session,
                        pixel.session_key().as_thin(),
                        diagnostics::kept(pixel.told),
                    );
                }
            }
            Answer::Failed(pause) => {
                self.mark(i);
                if pause > 0 {
                    let seconds = ScratchString::new().append_u64(pause / 1_000);
                    self.trace(Step::Failed, seconds.as_thin());
                }
            }
            Answer::Refused(event) if event.is_empty() => self.trace(Step::Halved, thin!("")),
            Answer::Refused(event) => self.lose(i, event.as_thin(), outbox::lost::REFUSED),
        }
        self.changed();
    }

    /// A pixel's settings have been answered: with this status, 0 where there was no answer, and with this
    /// `automatic_advanced_matching_enabled`, if it had one.
    pub fn settings_answered(&mut self, pixel: usize, status: u16, enabled: Option<bool>) {
        let now = self.host.ticks();
        if self.granted
            && let Some(to) = self.pixels.get_mut(pixel)
            && let Some(outcome) = to.settings.answered(status, enabled, now)
        {
            to.batch.diagnostic(now).settings(outcome);
        }
        self.set_alarm();
    }

    /// Another tab has changed what is stored: a denial there is one here.
    pub fn storage_changed(&mut self) {
        self.look_in_storage();
        self.set_alarm();
    }

    fn init(&mut self, moment: Moment, given: RawJson, call: ThinStr) {
        self.trace(Step::Init, call);
        let id = given.get(thin!("pixelId"));
        let id = match self.pixels.first() {
            _ if id.is_defined() => id.to_scratch_string(),
            Some(first) => ScratchString::new().append(first.id.as_thin()),
            None => ScratchString::new().append(self.default_pixel.as_thin()),
        };
        if !given.is_object() || id.is_empty() {
            return self.host.warn(thin!("init needs {pixelId: \"...\"}"));
        }
        self.look_in_storage();
        let i = self.find(id.as_thin());
        let is_known = i < self.pixels.len();
        if !is_known {
            self.host.trace(Step::Started, id.as_thin());
            self.start(id.as_thin());
        }
        if !is_known && self.visit == 0 && self.granted {
            let id = self.host.uuid();
            let lifecycle = RawJson::new(thin!("{\"type\":\"sdk_lifecycle\"}"));
            let name = thin!("openai::sdk_init");
            let text = events::write(name, moment, id.as_thin(), RawJson::UNDEFINED, lifecycle);
            let now = self.host.ticks();
            self.pixels[i]
                .batch
                .push(Waiting::internal(text.as_thin(), 0), now);
        }
        let mut next = given.first_child();
        while let Some(field) = next {
            let value = field.next_or_undefined();
            if field.is_str(thin!("user")) {
                self.pixels[i].user = user_member(&self.host, value).to_thin_string();
            }
            next = value.next_sibling();
        }
        self.want_settings(i);
    }

    /// Where the pixel of that id is, or, if it has not started, will be when it does.
    fn find(&self, id: ThinStr) -> usize {
        let mut i = 0;
        for pixel in self.pixels.iter() {
            if pixel.visit == self.visit && pixel.id.as_thin() == id {
                break;
            }
            i += 1;
        }
        i
    }

    /// Looks, once, at what the browser keeps: whether consent is denied, who the visitor is, what the session has been
    /// told. Cookies and stores are round trips to other processes, by far the longest part of a start, so this waits
    /// until the page has been painted, but never longer than until something is to be sent or stored. Until then
    /// everything is held in memory alone: a denial that is found drops it.
    fn look(&mut self) {
        if self.looked {
            return;
        }
        self.looked = true;
        for pixel in self.pixels.iter_mut() {
            pixel.read_told(&self.host);
        }
        if consent_store::is_denied(&self.host) {
            self.deny();
        }
        for i in 0..self.pixels.len() {
            self.introduce(i);
        }
        self.set_alarm();
    }

    /// A pixel gets to know the visitor.
    fn introduce(&mut self, i: usize) {
        if self.granted && self.identity.is_none() {
            self.identity = Some(Identity::establish(&mut self.host));
            self.host.seek_boxes();
        }
        let pixel = &mut self.pixels[i];
        if let Some(identity) = &self.identity
            && pixel.visit == 0
        {
            pixel.click = identity.click.clone();
        }
        self.mark(i);
    }

    /// Adds a pixel.
    fn start(&mut self, id: ThinStr) {
        if self.early.len() > 0 {
            self.changed();
        }
        let mut pixel = Pixel {
            id: ThinString::new(id),
            uri_id: self.host.uri_encoded(id).to_thin_string(),
            user: ThinString::default(),
            batch: core::mem::take(&mut self.early),
            settings: Settings::default(),
            told: 0,
            name: ThinString::default(),
            visit: self.visit,
            click: ThinString::default(),
        };
        if self.visit == 0 {
            pixel.user = self.default_user.clone();
        }
        if self.looked {
            pixel.read_told(&self.host);
        }
        let i = self.pixels.len();
        self.pixels.push(pixel);
        if self.looked {
            self.introduce(i);
        }
    }

    /// The visitor's answer.
    fn answer(&mut self, granted: bool) {
        self.look();
        consent_store::keep(&mut self.host, granted);
        if !granted {
            return self.deny();
        }
        if self.granted {
            return;
        }
        self.granted = true;
        self.host.trace(Step::Consent, thin!("granted"));
        for i in 0..self.pixels.len() {
            self.want_settings(i);
            self.introduce(i);
        }
    }

    /// From now on nothing is measured, and nothing of before is sent.
    fn deny(&mut self) {
        if !self.granted {
            return;
        }
        self.granted = false;
        self.host.trace(Step::Consent, thin!("denied"));
        self.identity = None;
        if !self.replaying {
            self.forget();
        }
        self.early.clear();
        for i in 0..self.pixels.len() {
            self.pixels[i].batch.clear();
            self.pixels[i].settings = Settings::default();
            self.pixels[i].name = ThinString::default();
            self.mark(i);
        }
    }

    /// Deletes what is kept of a visitor who denies consent.
    fn forget(&mut self) {
        Identity::forget(&mut self.host);
        self.host.keep(false, thin!(""), thin!(""));
    }

    fn look_at_stored_consent(&mut self) {
        if self.granted && consent_store::is_denied(&self.host) {
            self.deny();
        }
    }

    /// [`Self::look_at_stored_consent`] for the caller's time: what only a cookie denies is dropped when the next
    /// request would go.
    fn look_in_storage(&mut self) {
        if self.looked && self.granted && consent_store::is_denied_in_storage(&self.host) {
            self.deny();
        }
    }

    /// Lets the session's first times be told that have not been.
    fn mark(&mut self, i: usize) {
        let now = self.host.ticks();
        let pixel = &mut self.pixels[i];
        if pixel.visit != 0 || (self.silent && !self.granted) {
            return;
        }
        let first = if self.granted { VISIT | GRANT } else { VISIT };
        let untold = first & !pixel.told & !pixel.batch.marks();
        if untold != 0 {
            pixel.batch.aside(now).mark(untold, self.granted);
        }
    }

    fn measure(&mut self, call: &Call, text: ThinStr) {
        self.look_in_storage();
        if !self.granted {
            return self.trace(Step::Blocked, call.name.to_scratch_string().as_thin());
        }
        let is_for_all = call.command == Command::Measure;
        let mut meant = 0;
        if !is_for_all {
            let id = call.first.to_scratch_string();
            meant = self.find(id.as_thin());
            if meant == self.pixels.len() {
                return self.host.trace(Step::UnknownPixel, id.as_thin());
            }
        }
        let measured = self.event(call);
        match &measured {
            Err(refusal) => self.warn_of(refusal, text),
            Ok(text) => {
                let step = if self.visit == 0 {
                    Step::Queued
                } else {
                    Step::Adopted
                };
                self.trace(step, text.as_thin());
            }
        }
        let now = self.host.ticks();
        let mut nobody = true;
        for (i, pixel) in self.pixels.iter_mut().enumerate() {
            if pixel.visit == self.visit && (is_for_all || meant == i) {
                take_in(&mut pixel.batch, &measured, false, now);
                nobody = false;
            }
        }
        if nobody {
            if measured.is_ok() && self.early.len() >= MAX_EARLY {
                return self
                    .host
                    .warn(thin!("an event was dropped: too many calls before init"));
            }
            take_in(&mut self.early, &measured, true, now);
        }
        self.changed();
    }

    /// The wire form of what a call measures.
    fn event(&mut self, call: &Call) -> Result<ScratchString, Refusal> {
        let Call { data, options, .. } = *call;
        let name = validate(call.name, data, options)?;
        let mut id = options.get(thin!("event_id")).to_scratch_string();
        if id.is_empty() {
            id = options.get(thin!("eventId")).to_scratch_string();
        }
        if id.is_empty() {
            self.trace(Step::NoId, name);
            id = self.host.uuid();
        }
        let text = events::write(name, call.moment, id.as_thin(), options, data);
        if text.len() > MAX_EVENT {
            return Err(too_large(name));
        }
        Ok(text)
    }

    fn warn_of(&mut self, refusal: &Refusal, call: ThinStr) {
        self.host.trace(Step::Refused, call);
        if !self.debug {
            self.host.warn_of(refusal.name, refusal.reason);
        }
    }

    /// Nothing in the settings is worth keeping a page's first picture waiting.
    fn want_settings(&mut self, i: usize) {
        let wanted =
            self.granted && self.visit == 0 && self.pixels[i].settings.want(self.host.ticks());
        // the first paint has been asked for
        if wanted && self.looked {
            self.host.after_paint();
        }
    }

    fn fetch_settings(&mut self, i: usize) {
        self.look_at_stored_consent();
        if self.granted {
            let url = ScratchString::new()
                .append(self.settings_url.as_thin())
                .append(thin!("/"))
                .append(self.pixels[i].uri_id.as_thin())
                .append(thin!(".json"));
            self.host.fetch_settings(i, url.as_thin());
        }
    }

    /// Sends one request of what waits for a pixel.
    fn dispatch(&mut self, i: usize, leaving: Option<&mut Room>) {
        let pixel = &mut self.pixels[i];
        let host = &mut self.host;
        if !pixel.batch.has_waiting() {
            return;
        }
        let now = host.now();
        self.requests += 1;
        let number = self.requests;
        let mut room = MAX_BODY - 32;
        let mut user = pixel.user.as_thin();
        let (mut browser, mut click) = (thin!(""), pixel.click.as_thin());
        if let Some(identity) = &self.identity {
            browser = identity.browser.as_thin();
        }
        for part in [browser, click, user] {
            room = room.saturating_sub(part.len());
        }
        if let Some(diagnostic) = pixel.batch.take_diagnostic() {
            let text = diagnostic.write(now, host.uuid().as_thin());
            let event = Waiting::internal(text.as_thin(), diagnostic.marks);
            pixel.batch.resume(event);
        }
        let events = pixel.batch.cut(number, room);
        let stripped = !self.granted || events.markers_alone;
        if stripped {
            (browser, click) = (thin!(""), thin!(""));
        }
        if stripped || events.internal_alone {
            user = thin!("");
        }
        let body = ScratchString::new()
            .append(thin!("{"))
            .append(browser)
            .append(thin!("\"events\":["))
            .append(events.events.as_thin())
            .append(thin!("]"))
            .append(click)
            .append(user)
            .append(thin!("}"));
        let has_query = !self.events_url.as_thin().find_byte(b'?').is_empty();
        let url = ScratchString::new()
            .append(self.events_url.as_thin())
            .append(if has_query {
                thin!("&pid=")
            } else {
                thin!("?pid=")
            })
            .append(pixel.uri_id.as_thin())
            .append(SPOKEN)
            .append_u64(now)
            .append(thin!("&ec="))
            .append_u64(events.count);
        let is_leaving = leaving.is_some();
        let mut kept = ScratchString::new();
        if let Some(room) = leaving {
            kept = pixel.boxed(number, room);
        }
        let sending = host.send(Request {
            number,
            url: url.as_thin(),
            body: body.as_thin(),
            stripped,
            leaving: is_leaving,
            kept: kept.as_thin(),
        });
        if sending == Sending::Gone {
            self.answered_to(i, number, Outcome::Arrived);
        }
    }

    fn trace(&mut self, step: Step, about: ThinStr) {
        if self.debug {
            self.host.trace(step, about);
        }
    }

    fn set_alarm(&mut self) {
        let mut due = self.save_due;
        for pixel in self.pixels.iter() {
            due = due.min(pixel.batch.due()).min(pixel.settings.retry_due());
        }
        if due < self.alarm {
            self.alarm = due;
            let wait = due.saturating_sub(self.host.ticks());
            self.host.wake_in(wait as u32);
        }
    }
}

/// Adds what a call has measured, or counts it if it was refused.
fn take_in(
    batch: &mut Batch,
    measured: &Result<ScratchString, Refusal>,
    before_init: bool,
    now: u64,
) {
    match measured {
        Ok(text) => batch.push(Waiting::new(text.as_thin()), now),
        Err(refusal) => batch.diagnostic(now).count(refusal, before_init),
    }
}

fn user_member(host: &impl Host, given: RawJson) -> ScratchString {
    user_data::member(given, &|text, kind| host.comparable(text, kind))
}
