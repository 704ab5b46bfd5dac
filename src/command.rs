//! A call's arguments, as a command.

use crate::event::Moment;
use crate::text::t;
use crate::value::{Value, kind};

/// What a page asks for.
#[derive(Debug)]
pub enum Command<'a> {
    /// Starts a pixel or updates one; what was given.
    Init(Value<'a>),
    /// The visitor's answer.
    Consent(bool),
    /// Measures an event.
    Measure {
        /// The one pixel that is meant, by `measureSingle`; all of them otherwise.
        only: Option<Value<'a>>,
        /// The event's name.
        name: Value<'a>,
        /// Its data.
        data: Value<'a>,
        /// Its options.
        options: Value<'a>,
    },
}

/// Reads a call as the script hands it over: `[time, url, referrer, command, ...arguments]`. `None` for what is no
/// command, which is ignored without a word.
pub fn read(call: Value) -> Option<(Moment, Command)> {
    let time = call.first()?;
    let url = time.next()?;
    let referrer = url.next()?;
    let command = referrer.next()?;
    let first = command.value();
    let is_single = command.is(t!("measureSingle"));
    let moment = Moment {
        time: time.number(),
        url,
        referrer,
    };
    let command = if is_single || command.is(t!("measure")) {
        let name = if is_single { first.value() } else { first };
        let data = name.value();
        Command::Measure {
            only: is_single.then_some(first),
            name,
            data,
            options: data.value(),
        }
    } else if command.is(t!("init")) || command.is(t!("initialize")) {
        Command::Init(first)
    } else if command.is(t!("consent")) && matches!(first.kind(), kind::TRUE | kind::FALSE) {
        Command::Consent(first.kind() == kind::TRUE)
    } else {
        return None;
    };
    Some((moment, command))
}
