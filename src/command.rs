//! A call's arguments, as a command.

use crate::mem::thin_str::t;
use crate::raw_json::{UNDEFINED, Value, kind};
use crate::schema::events::Moment;

/// What a page may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Something that is no command, which is ignored without a word.
    None,
    /// Starts a pixel or updates one.
    Init,
    /// The visitor's answer.
    Consent,
    /// Measures an event with every pixel,
    Measure,
    /// or with one.
    MeasureSingle,
}

/// A call as the script hands it over: `[time, url, referrer, command, ...arguments]`.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// What is asked for.
    pub command: Command,
    /// When and where.
    pub moment: Moment<'a>,
    /// The first argument: what `init` was given, the answer, the name of an event or the id of the one pixel that is meant.
    pub first: Value<'a>,
    /// The event's name.
    pub name: Value<'a>,
    /// Its data.
    pub data: Value<'a>,
    /// Its options.
    pub options: Value<'a>,
}

/// Reads a call.
pub fn read(call: Value) -> Call {
    let time = call.first().unwrap_or(UNDEFINED);
    let url = time.value();
    let referrer = url.value();
    let asked = referrer.value();
    let first = asked.value();
    let mut command = Command::None;
    let mut name = first;
    if asked.is(t!("measure")) {
        command = Command::Measure;
    } else if asked.is(t!("measureSingle")) {
        command = Command::MeasureSingle;
        name = first.value();
    } else if asked.is(t!("init")) || asked.is(t!("initialize")) {
        command = Command::Init;
    } else if asked.is(t!("consent")) && matches!(first.kind(), kind::TRUE | kind::FALSE) {
        command = Command::Consent;
    }
    let data = name.value();
    Call {
        command,
        moment: Moment {
            time: time.number(),
            url,
            referrer,
        },
        first,
        name,
        data,
        options: data.value(),
    }
}
