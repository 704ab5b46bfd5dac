//! What each command does. [`Pixels`] is the only state there is.

use crate::address;
use crate::batch::{self, Batch, MAX_BODY, Waiting};
use crate::command::{self, Command};
use crate::consent;
use crate::cookie::Jar;
use crate::diagnostics::{self, Diagnostic, GRANT, Marks, VISIT};
use crate::event::{self, Moment, SDK_INIT};
use crate::host::{Host, Request, Sending, Step, Storage};
use crate::identity::{CLICK_PARAMETER, Identity};
use crate::settings::Settings;
use crate::text::{add, cut, joined, push_key, push_number, push_quoted, unescaped};
use crate::user;
use crate::validate::{Refusal, too_large, validate};
use crate::value::Value;

/// The version of the protocol that this pixel speaks.
pub const PROTOCOL_VERSION: &str = "0.1.41";
/// A larger event is refused: the endpoint takes no larger request.
const MAX_EVENT: usize = 1 << 20;
/// What is measured before any `init` is kept up to this many events.
const MAX_EARLY: usize = 500;

/// All pixels of a page.
#[derive(Debug)]
pub struct Pixels<H> {
    host: H,
    events_url: String,
    settings_url: String,
    jar: Jar,
    granted: bool,
    /// The ad click in the address that the page was loaded with.
    landing_click: String,
    /// Known once a pixel has started with consent.
    identity: Option<Identity>,
    pixels: Vec<Pixel>,
    /// What was measured before the first pixel started.
    early: Batch,
    debug: bool,
    /// What `init` leaves out is taken from the `oaiq.config` that the page left.
    default_pixel: Option<String>,
    default_user: String,
    requests: u32,
    alarm: Option<u64>,
}

/// One advertiser's pixel.
#[derive(Debug)]
struct Pixel {
    id: String,
    uri_id: String,
    /// The part `in` of `user`; empty where nothing is known.
    user: String,
    batch: Batch,
    settings: Settings,
    /// The session's first times that have been told.
    told: Marks,
}

impl Pixel {
    fn session_key(&self) -> String {
        joined(&["oaiq_cs:", &self.uri_id])
    }
}

impl<H: Host> Pixels<H> {
    /// Begins on a page. `setup` is what the script hands over: `[url, events address, settings address, config]`,
    /// the config being the `oaiq.config` that the page left.
    pub fn new(mut host: H, setup: &str) -> Self {
        let setup = Value::parse(setup).unwrap_or(Value::Undefined);
        let parts = match &setup {
            Value::Array(parts) => parts.as_slice(),
            _ => &[],
        };
        let text = |i: usize| command::text(parts.get(i)).unwrap_or_default();
        let url = text(0);
        let config = parts.get(3).unwrap_or(&Value::Undefined);
        let (host_name, https) = address::host_of(&url);
        let jar = Jar::new(host_name, https);
        let granted = !consent::is_denied(&host);
        if !granted {
            Identity::forget(&mut host, &jar);
        }
        let default_user = wire_user(&host, config.get("user"));
        Self {
            events_url: text(1),
            settings_url: text(2),
            jar,
            granted,
            landing_click: host.query_parameter(&url, CLICK_PARAMETER),
            identity: None,
            pixels: Vec::new(),
            early: Batch::default(),
            debug: matches!(config.get("debug"), Some(Value::Bool(true))),
            default_pixel: command::text(config.get("pixelId")),
            default_user,
            requests: 0,
            alarm: None,
            host,
        }
    }

    /// Takes a call: `[time, url, referrer, command, ...arguments]`, see [`crate::value`].
    pub fn call(&mut self, call: &str) {
        let Some(parsed) = Value::parse(call) else {
            return;
        };
        match command::read(&parsed) {
            None => return,
            Some((moment, Command::Init(given))) => self.init(moment, given, call),
            Some((moment, Command::Consent(granted))) => self.answer(granted, moment),
            Some((
                moment,
                Command::Measure {
                    only,
                    name,
                    data,
                    options,
                },
            )) => {
                self.measure(moment, only, [name, data, options], call);
            }
        }
        self.set_alarm();
    }

    /// The time that was asked for by [`Host::wake_in`] has come.
    pub fn woken(&mut self) {
        self.alarm = None;
        let now = self.host.ticks();
        for i in 0..self.pixels.len() {
            if self.pixels[i].settings.retry(now) {
                self.fetch_settings(i);
            }
            if self.pixels[i].batch.due().is_some_and(|due| due <= now) {
                self.look_at_stored_consent();
                self.dispatch(i, false);
            }
        }
        self.set_alarm();
    }

    /// The page has been painted, after [`Host::after_paint`].
    pub fn painted(&mut self) {
        for i in 0..self.pixels.len() {
            if self.pixels[i].settings.take_wanted() {
                self.fetch_settings(i);
            }
        }
    }

    /// The page is being left or hidden: everything goes at once.
    pub fn leaving(&mut self) {
        if !self.pixels.iter().any(|pixel| pixel.batch.has_waiting()) {
            return;
        }
        self.look_at_stored_consent();
        for i in 0..self.pixels.len() {
            while self.pixels[i].batch.has_waiting() {
                self.dispatch(i, true);
            }
        }
    }

    /// The request of that number has arrived or failed.
    pub fn answered(&mut self, number: u32, arrived: bool) {
        let now = self.host.ticks();
        for i in 0..self.pixels.len() {
            let batch = &mut self.pixels[i].batch;
            if arrived {
                if let Some(marks) = batch.delivered(number) {
                    self.delivered(i, marks);
                }
            } else if let Some(pause) = batch.failed(number, now) {
                self.mark(i);
                if pause > 0 {
                    let mut seconds = String::new();
                    push_number(&mut seconds, pause / 1_000);
                    self.trace(Step::Failed, &seconds);
                }
            }
        }
        self.set_alarm();
    }

    /// A pixel's settings have been answered; `status` is 0 where there was no answer.
    pub fn settings_answered(&mut self, pixel: usize, status: u16, body: &str) {
        let now = self.host.ticks();
        let Some(to) = self.pixels.get_mut(pixel).filter(|_| self.granted) else {
            return;
        };
        if let Some(outcome) = to.settings.answered(status, body, now) {
            to.batch.diagnostic(now).settings(outcome);
            self.trace(Step::Settings, outcome.automatic_advanced_matching);
        }
        self.set_alarm();
    }

    /// Another tab has changed what is stored: a denial there is one here.
    pub fn storage_changed(&mut self) {
        if consent::is_denied_in_storage(&self.host) {
            self.deny();
        }
        self.set_alarm();
    }

    fn init(&mut self, moment: Moment, given: &Value, call: &str) {
        let Value::Object(fields) = given else {
            return self.refuse_init(call);
        };
        if let Some(Value::Bool(debug)) = given.get("debug") {
            self.debug = *debug;
        }
        let id = match given.get("pixelId") {
            None => {
                let first = self.pixels.first().map(|pixel| pixel.id.clone());
                first.or_else(|| self.default_pixel.clone())
            }
            given => command::text(given),
        };
        let Some(id) = id else {
            return self.refuse_init(call);
        };
        for (field, _) in fields {
            if !["pixelId", "debug", "user"].contains(field) {
                self.trace(Step::UnknownInitField, field);
            }
        }
        self.look_in_storage();
        let known = self.pixels.iter().position(|pixel| pixel.id == id);
        let i = known.unwrap_or_else(|| self.start(id, moment));
        if let Some((_, given)) = fields.iter().find(|(field, _)| *field == "user") {
            self.pixels[i].user = wire_user(&self.host, Some(given));
        }
        if self.debug {
            let step = if known.is_some() {
                Step::Updated
            } else {
                Step::Started
            };
            self.host.trace(step, &self.pixels[i].id);
        }
        if self.granted {
            self.want_settings(i);
        }
    }

    /// Adds a pixel, and says where.
    fn start(&mut self, id: String, moment: Moment) -> usize {
        let uri_id = self.host.uri_encoded(&id);
        let mut pixel = Pixel {
            id,
            uri_id,
            user: self.default_user.clone(),
            batch: core::mem::take(&mut self.early),
            settings: Settings::default(),
            told: 0,
        };
        pixel.told =
            diagnostics::read_kept(&self.host.stored(Storage::Session, &pixel.session_key()));
        if self.granted {
            self.establish_identity(moment);
            let lifecycle = Value::Object(vec![("type", Value::String("sdk_lifecycle"))]);
            let id = self.host.uuid();
            pixel.batch.push(
                Waiting {
                    text: event::write(SDK_INIT, moment, &id, &Value::Undefined, &lifecycle),
                    internal: true,
                    marks: 0,
                },
                self.host.ticks(),
            );
        }
        let i = self.pixels.len();
        self.pixels.push(pixel);
        self.mark(i);
        i
    }

    fn refuse_init(&mut self, call: &str) {
        if self.debug {
            self.host.trace(Step::InitRefused, call);
        } else {
            self.host
                .warn("init was refused: it needs {pixelId: \"...\"}, a string that is not empty");
        }
    }

    /// The visitor's answer.
    fn answer(&mut self, granted: bool, moment: Moment) {
        consent::keep(&mut self.host, &mut self.jar, granted);
        if !granted {
            return self.deny();
        }
        if self.granted {
            return;
        }
        self.granted = true;
        self.trace(Step::Consent, "granted");
        for i in 0..self.pixels.len() {
            self.establish_identity(moment);
            self.want_settings(i);
            self.mark(i);
        }
    }

    /// From now on nothing is measured, and nothing of before is sent.
    fn deny(&mut self) {
        if !self.granted {
            return;
        }
        self.granted = false;
        self.trace(Step::Consent, "denied");
        self.identity = None;
        Identity::forget(&mut self.host, &self.jar);
        self.early.clear();
        for i in 0..self.pixels.len() {
            self.pixels[i].batch.clear();
            self.pixels[i].settings = Settings::default();
            self.mark(i);
        }
    }

    fn look_at_stored_consent(&mut self) {
        if self.granted && consent::is_denied(&self.host) {
            self.deny();
        }
    }

    /// [`Self::look_at_stored_consent`] for the caller's time: what only a cookie denies is dropped when the next
    /// request would go.
    fn look_in_storage(&mut self) {
        if self.granted && consent::is_denied_in_storage(&self.host) {
            self.deny();
        }
    }

    fn establish_identity(&mut self, moment: Moment) {
        if self.identity.is_some() {
            return;
        }
        let mut click = self
            .host
            .query_parameter(&unescaped(moment.url), CLICK_PARAMETER);
        if click.is_empty() {
            click = self.landing_click.clone();
        }
        self.identity = Some(Identity::establish(&mut self.host, &mut self.jar, click));
    }

    /// Lets the session's first times be told that have not been.
    fn mark(&mut self, i: usize) {
        let now = self.host.ticks();
        let pixel = &mut self.pixels[i];
        let first = if self.granted { VISIT | GRANT } else { VISIT };
        let untold = first & !pixel.told & !pixel.batch.marks();
        if untold != 0 {
            pixel.batch.diagnostic(now).mark(untold, self.granted);
        }
    }

    fn measure(
        &mut self,
        moment: Moment,
        only: Option<&Value>,
        [name, data, options]: [&Value; 3],
        call: &str,
    ) {
        self.look_in_storage();
        if !self.granted {
            return self.trace(Step::Blocked, name.as_str().unwrap_or(""));
        }
        let all = 0..self.pixels.len();
        let reached = match only {
            None => all,
            Some(id) => {
                let id = command::text(Some(id)).unwrap_or_default();
                match self.pixels.iter().position(|pixel| pixel.id == id) {
                    Some(i) => i..i + 1,
                    None => return self.trace(Step::UnknownPixel, &id),
                }
            }
        };
        let measured = validate(name, data, options).and_then(|name| {
            let given = options.get("event_id").or_else(|| options.get("eventId"));
            let made;
            let id = match given.and_then(Value::as_str) {
                Some(id) => id,
                None => {
                    made = self.host.uuid();
                    &made
                }
            };
            let text = event::write(name, moment, id, options, data);
            if text.len() > MAX_EVENT {
                return Err(too_large(name));
            }
            Ok(text)
        });
        if let Err(refusal) = &measured {
            self.warn_of(refusal, call);
        } else if self.debug
            && let Ok(text) = &measured
        {
            self.host.trace(Step::Queued, text);
        }
        let now = self.host.ticks();
        let before_init = self.pixels.is_empty();
        let reached = self.pixels.get_mut(reached).unwrap_or_default();
        let early = before_init.then_some(&mut self.early);
        for batch in reached
            .iter_mut()
            .map(|pixel| &mut pixel.batch)
            .chain(early)
        {
            match &measured {
                Ok(_) if before_init && batch.len() >= MAX_EARLY => {
                    self.host
                        .warn("an event was dropped: too many calls before init");
                }
                Ok(text) => batch.push(
                    Waiting {
                        text: text.clone(),
                        internal: false,
                        marks: 0,
                    },
                    now,
                ),
                Err(refusal) => batch.diagnostic(now).count(refusal, before_init),
            }
        }
    }

    fn warn_of(&mut self, refusal: &Refusal, call: &str) {
        if self.debug {
            return self.host.trace(Step::Refused, call);
        }
        let reason = refusal.reason.name();
        let line = [
            refusal.name,
            " was not measured: ",
            reason,
            " (init with debug: true says why)",
        ];
        self.host.warn(&joined(&line));
    }

    /// Nothing in the settings is worth keeping a page's first picture waiting.
    fn want_settings(&mut self, i: usize) {
        if self.pixels[i].settings.want(self.host.ticks()) {
            self.host.after_paint();
        }
    }

    fn fetch_settings(&mut self, i: usize) {
        self.look_at_stored_consent();
        if !self.granted {
            return;
        }
        let url = joined(&[&self.settings_url, "/", &self.pixels[i].uri_id, ".json"]);
        self.host.fetch_settings(i, &url);
    }

    /// Sends one request of what waits for a pixel.
    fn dispatch(&mut self, i: usize, leaving: bool) {
        let pixel = &mut self.pixels[i];
        if !pixel.batch.has_waiting() {
            return;
        }
        let mut head = String::from("{");
        let mut tail = String::new();
        if let Some(identity) = &self.identity {
            if !identity.browser.is_empty() {
                push_key(&mut head, "obref");
                push_quoted(&mut head, &identity.browser);
            }
            if !identity.click.is_empty() {
                push_key(&mut tail, "oppref");
                push_quoted(&mut tail, &identity.click);
            }
        }
        let mut user = String::new();
        if !pixel.user.is_empty() {
            push_key(&mut user, "user");
            add(&mut user, "{\"in\":");
            add(&mut user, &pixel.user);
            add(&mut user, "}");
        }
        let room = MAX_BODY.saturating_sub(head.len() + tail.len() + user.len() + 32);
        let now = self.host.now();
        let events = pixel.batch.cut(room, |diagnostic: &Diagnostic| {
            let id = self.host.uuid();
            diagnostic.write(now, &id)
        });
        let stripped = !self.granted || events.iter().all(|event| event.marks != 0);
        if stripped {
            head.truncate(1);
        }
        let mut body = head;
        push_key(&mut body, "events");
        for (n, event) in events.iter().enumerate() {
            add(&mut body, if n == 0 { "[" } else { "," });
            add(&mut body, &event.text);
        }
        add(&mut body, "]");
        if !stripped {
            add(&mut body, &tail);
            if !events.iter().all(|event| event.internal) {
                add(&mut body, &user);
            }
        }
        add(&mut body, "}");

        let mut url = joined(&[
            self.events_url.as_str(),
            if cut(&self.events_url, b'?').1.is_some() {
                "&pid="
            } else {
                "?pid="
            },
            &pixel.uri_id,
            "&st=oaiq-web&sv=",
            PROTOCOL_VERSION,
            "&t=",
        ]);
        push_number(&mut url, now);
        add(&mut url, "&ec=");
        push_number(&mut url, events.len() as u64);

        self.requests += 1;
        let number = self.requests;
        let sending = self.host.send(Request {
            number,
            url: &url,
            body: &body,
            stripped,
            leaving,
            keepalive: body.len() <= MAX_BODY,
        });
        self.trace(Step::Sent, &url);
        match sending {
            Sending::Gone => self.delivered(i, batch::told(&events)),
            Sending::UnderWay => self.pixels[i].batch.sent(number, events),
        }
    }

    fn delivered(&mut self, i: usize, marks: Marks) {
        let pixel = &mut self.pixels[i];
        if marks != 0 {
            pixel.told |= marks;
            self.host.store(
                Storage::Session,
                &pixel.session_key(),
                diagnostics::kept(pixel.told),
            );
        }
        let id = pixel.id.clone();
        self.trace(Step::Delivered, &id);
    }

    fn trace(&mut self, step: Step, about: &str) {
        if self.debug {
            self.host.trace(step, about);
        }
    }

    fn set_alarm(&mut self) {
        let mut due: Option<u64> = None;
        for pixel in &self.pixels {
            for next in [pixel.batch.due(), pixel.settings.retry_due()] {
                due = match (due, next) {
                    (Some(due), Some(next)) => Some(due.min(next)),
                    (due, next) => due.or(next),
                };
            }
        }
        let Some(due) = due else { return };
        if self.alarm.is_none_or(|alarm| due < alarm) {
            self.alarm = Some(due);
            let wait = due.saturating_sub(self.host.ticks());
            self.host.wake_in(wait as u32);
        }
    }
}

/// The wire form of a site's user object.
fn wire_user(host: &impl Host, given: Option<&Value>) -> String {
    let given = given.unwrap_or(&Value::Null);
    user::wire_form(given, &|text, lowercase| host.folded(text, lowercase))
}
