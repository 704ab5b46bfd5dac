//! Parses a call into a command and its arguments.

use crate::mem::thin;
use crate::raw_json::RawJson;
use crate::schema::events::CallContext;

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// No known command. The call is ignored.
    Unknown,
    /// Starts a pixel, or updates one.
    Init,
    /// Sets the visitor's consent.
    Consent,
    /// Measures an event with all pixels.
    Measure,
    /// Measures an event with one pixel.
    MeasureSingle,
}

/// A call as the script passes it: `[time, url, referrer, command, ...arguments]`.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The command.
    pub command: Command,
    /// When and where the page made the call.
    pub context: CallContext<'a>,
    /// The first argument: the options of `init`, the answer of `consent`, the event's name, or the pixel ID of
    /// `measureSingle`.
    pub first_arg: RawJson<'a>,
    /// The event's name.
    pub name: RawJson<'a>,
    /// The event's data.
    pub data: RawJson<'a>,
    /// The event's options.
    pub options: RawJson<'a>,
}

/// Parses a call.
pub fn parse_call(call: RawJson) -> Call {
    let time = call.first_child().unwrap_or(RawJson::UNDEFINED);
    let url = time.next_or_undefined();
    let referrer = url.next_or_undefined();
    let command_name = referrer.next_or_undefined();
    let first = command_name.next_or_undefined();
    let mut command = Command::Unknown;
    let mut name = first;
    if command_name.is_str(thin!("measure")) {
        command = Command::Measure;
    } else if command_name.is_str(thin!("measureSingle")) {
        command = Command::MeasureSingle;
        name = first.next_or_undefined();
    } else if command_name.is_str(thin!("init")) || command_name.is_str(thin!("initialize")) {
        command = Command::Init;
    } else if command_name.is_str(thin!("consent")) && first.is_bool() {
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
