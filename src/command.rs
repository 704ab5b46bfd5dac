//! A call's arguments, as a command.

use crate::mem::thin;
use crate::raw_json::RawJson;
use crate::schema::events::CallContext;

/// What a page may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Something that is no command, which is ignored without a word.
    Unknown,
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
    pub context: CallContext<'a>,
    /// The first argument: what `init` was given, the answer, the name of an event or the id of the one pixel that is meant.
    pub first_arg: RawJson<'a>,
    /// The event's name.
    pub name: RawJson<'a>,
    /// Its data.
    pub data: RawJson<'a>,
    /// Its options.
    pub options: RawJson<'a>,
}

/// Reads a call.
pub fn parse_call(call: RawJson) -> Call {
    let time = call.first_child().unwrap_or(RawJson::UNDEFINED);
    let url = time.next_or_undefined();
    let referrer = url.next_or_undefined();
    let asked = referrer.next_or_undefined();
    let first = asked.next_or_undefined();
    let mut command = Command::Unknown;
    let mut name = first;
    if asked.is_str(thin!("measure")) {
        command = Command::Measure;
    } else if asked.is_str(thin!("measureSingle")) {
        command = Command::MeasureSingle;
        name = first.next_or_undefined();
    } else if asked.is_str(thin!("init")) || asked.is_str(thin!("initialize")) {
        command = Command::Init;
    } else if asked.is_str(thin!("consent")) && first.is_bool() {
        command = Command::Consent;
    }
    let data = name.next_or_undefined();
    Call {
        command,
        context: CallContext {
            time: time.as_u64(),
            url,
            referrer,
        },
        first_arg: first,
        name,
        data,
        options: data.next_or_undefined(),
    }
}
