//! A call's arguments, as a command.

use crate::event::Moment;
use crate::text::unescaped;
use crate::value::Value;

/// What a page asks for.
#[derive(Debug)]
pub enum Command<'a> {
    /// Starts a pixel or updates one; what was given.
    Init(&'a Value<'a>),
    /// The visitor's answer.
    Consent(bool),
    /// Measures an event.
    Measure {
        /// The one pixel that is meant, by `measureSingle`; all of them otherwise.
        only: Option<&'a Value<'a>>,
        /// The event's name.
        name: &'a Value<'a>,
        /// Its data.
        data: &'a Value<'a>,
        /// Its options.
        options: &'a Value<'a>,
    },
}

/// Reads a call as the script hands it over: `[time, url, referrer, command, ...arguments]`. `None` for what is no
/// command, which is ignored without a word.
pub fn read<'a>(call: &'a Value<'a>) -> Option<(Moment<'a>, Command<'a>)> {
    let Value::Array(parts) = call else {
        return None;
    };
    let part = |i: usize| parts.get(i).unwrap_or(&Value::Undefined);
    let Value::Number(time) = part(0) else {
        return None;
    };
    let moment = Moment {
        time: time.parse().ok()?,
        url: part(1).as_str()?,
        referrer: part(2).as_str().unwrap_or(""),
    };
    let measure = |only, first| Command::Measure {
        only,
        name: part(first),
        data: part(first + 1),
        options: part(first + 2),
    };
    let command = match part(3).as_str()? {
        "init" | "initialize" => Command::Init(part(4)),
        "measure" => measure(None, 4),
        "measureSingle" => measure(Some(part(4)), 5),
        "consent" => match part(4) {
            Value::Bool(granted) => Command::Consent(*granted),
            _ => return None,
        },
        _ => return None,
    };
    Some((moment, command))
}

/// A string of the page that says something, unescaped.
pub fn text(value: Option<&Value>) -> Option<String> {
    value
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(unescaped)
}
