//! What the pixel's steps mean, in words, for whoever reads the console.

use serde::Serialize;

use crate::command::{self, Command};
use crate::event::EVENTS;
use crate::host::Step;
use crate::text::{Draft, t, with_drafts_of_its_own};
use crate::validate::{self, Fault, Part, Problem};
use crate::value::{UNDEFINED, Value, kind};

/// One line for the console.
#[derive(Debug, PartialEq, Serialize)]
pub struct Line {
    /// Something is wrong, and somebody should act.
    pub warns: bool,
    /// The line, without the prefix.
    pub text: String,
    /// Each thing that is wrong with a call.
    pub faults: Vec<Explained>,
}

/// One thing that is wrong with a call.
#[derive(Debug, PartialEq, Serialize)]
pub struct Explained {
    /// Where: `data.contents[1].amount`.
    pub field: String,
    /// What was found there.
    pub given: String,
    /// What must be there.
    pub expected: String,
}

/// What a step means. `about` is what [`Step`] says that the step carries.
pub fn explain(step: Step, about: &str) -> Line {
    let text = match step {
        Step::Refused => return refused(about),
        Step::InitRefused => return init_refused(about),
        Step::UnknownPixel => {
            return warning(format!(
                "measureSingle names the pixel \"{about}\", which no init has started: nothing was measured"
            ));
        }
        Step::UnknownInitField => {
            return warning(format!(
                "init has a field \"{about}\" that it does not know; it knows pixelId, debug and user"
            ));
        }
        Step::Started => format!("pixel \"{about}\" has started"),
        Step::Updated => format!("pixel \"{about}\" was there already and has been updated"),
        Step::Consent if about == "granted" => {
            "consent is granted: from now on events are measured".into()
        }
        Step::Consent => {
            "consent is denied: nothing is measured, and what was waiting has been dropped".into()
        }
        Step::Blocked => format!("{about} was not measured: consent is denied"),
        Step::Queued => format!("{} waits to be sent: {about}", event_name(about)),
        Step::Sent => format!("{} on the way: {about}", events_of(about)),
        Step::Delivered => format!("pixel \"{about}\": the request has gone"),
        Step::Failed => format!("a request failed; its events are sent again in {about} s"),
        Step::Settings => format!("the pixel's settings: automatic advanced matching is {about}"),
        Step::Halved => {
            "the endpoint refused a request: its events are sent again, half as many at a time, until the one at fault stands alone"
                .into()
        }
        Step::Lost => return lost(about),
        Step::Adopted => "what an earlier page could not send any more is sent now".into(),
        Step::Damaged => {
            return warning(format!(
                "the outbox held something that the pixel cannot read; it has been set aside as \"oaiq_outbox.damaged\" in localStorage (box {about})"
            ));
        }
        Step::NotKept => {
            return warning(
                "localStorage is full or not allowed: what waits to be sent is lost if this page ends before it has gone"
                    .into(),
            );
        }
    };
    Line {
        warns: false,
        text,
        faults: Vec::new(),
    }
}

fn warning(text: String) -> Line {
    Line {
        warns: true,
        text,
        faults: Vec::new(),
    }
}

/// An event that is lost: the reason, and its wire form behind it.
fn lost(about: &str) -> Line {
    let (reason, event) = about.split_once(' ').unwrap_or((about, ""));
    let why = match reason {
        "outbox_full" => {
            "requests fail, and more was waiting than the 500 events or 256 KiB that the outbox takes"
        }
        "too_old" => "it was measured more than 7 days ago, and the endpoint takes nothing so old",
        "refused_by_endpoint" => "the endpoint refused it: see its answer in the Network panel",
        other => other,
    };
    warning(format!("{} is lost: {why}", event_name(event)))
}

/// The name in an event's wire form.
fn event_name(wire: &str) -> &str {
    wire.split('"').nth(3).unwrap_or("an event")
}

/// How many events the address of a request says that it carries.
fn events_of(url: &str) -> String {
    match url.rsplit_once("&ec=") {
        Some((_, "1")) => "1 event".into(),
        Some((_, count)) => format!("{count} events"),
        None => "a request".into(),
    }
}

fn refused(call: &str) -> Line {
    let call = Draft::from(call);
    let command::Call {
        command,
        name,
        data,
        options,
        ..
    } = command::read(Value::new(call.text()));
    let mut faults = faults(name, data, options);
    if faults.is_empty() {
        faults.push(Explained {
            field: "data".into(),
            given: "more than 1 MiB".into(),
            expected: "an event of at most 1 MiB".into(),
        });
    }
    let command = if command == Command::MeasureSingle {
        "measureSingle"
    } else {
        "measure"
    };
    let mut text = format!(
        "{command} {} was refused, nothing was measured:",
        shown(name)
    );
    for Explained {
        field,
        given,
        expected,
    } in &faults
    {
        text += &format!("\n  {field} is {given}; it must be {expected}");
    }
    Line {
        warns: true,
        text,
        faults,
    }
}

fn init_refused(call: &str) -> Line {
    let call = Draft::from(call);
    let given = command::read(Value::new(call.text())).first;
    let given = if given.kind() == kind::OBJECT {
        format!("pixelId is {}", shown(given.get(t!("pixelId"))))
    } else {
        // what was given may be about a person
        "what it was given is no object".into()
    };
    warning(format!(
        "init was refused, no pixel has started: {given}; call oaiq(\"init\", {{pixelId: \"...\"}}) with the id from the ads manager"
    ))
}

/// Everything that is wrong with an event: its name, its data and its options, each as JSON without white space, or empty
/// where it is not there.
pub fn faults_of(name: &str, data: &str, options: &str) -> Vec<Explained> {
    let work = || {
        let [name, data, options] = [name, data, options].map(|json| match json {
            "" => Draft::from("u"),
            _ => Draft::from(json),
        });
        let [name, data, options] = [&name, &data, &options].map(|text| Value::new(text.text()));
        faults(name, data, options)
    };
    // SAFETY: what is explained has texts of its own
    unsafe { with_drafts_of_its_own(work) }
}

fn faults(name: Value, data: Value, options: Value) -> Vec<Explained> {
    // nobody reads more, and a list of a million wrong items must not become a million texts
    const MOST: usize = 100;
    let mut faults = Vec::new();
    validate::each_fault(name, data, options, &mut |fault| {
        if faults.len() < MOST {
            faults.push(explained(fault));
        }
    });
    faults
}

fn explained(fault: &Fault) -> Explained {
    let path = fault.path.as_str();
    let unknown = fault.unknown.map(Value::owned);
    let name = unknown.as_ref().map_or("", Draft::as_str);
    let within = |object: String| match name {
        "" => object,
        _ => format!("{object}.{name}"),
    };
    let place = match fault.part {
        Part::Name => "the event's name".into(),
        Part::Data if path.is_empty() => within("data".into()),
        Part::Data => path.into(),
        Part::Item(i) if path.is_empty() => within(format!("data.contents[{i}]")),
        Part::Item(i) => path.replace("[]", &format!("[{i}]")),
        Part::Options if path.is_empty() => within("options".into()),
        Part::Options => format!("options.{path}"),
    };
    Explained {
        field: place,
        given: shown(fault.given),
        expected: expected(fault),
    }
}

/// What must be there instead, to follow "it must be".
fn expected(fault: &Fault) -> String {
    let text = match fault.problem {
        Problem::UnknownName => {
            let names: Vec<_> = EVENTS.iter().map(|(name, _)| name.as_str()).collect();
            return format!("one of {}", names.join(", "));
        }
        Problem::CustomNameMissing => "there: custom events need a name of their own",
        Problem::Missing => "there",
        Problem::WrongType => match fault.path.as_str() {
            "data.contents" => "an array of objects",
            "opt_out" => "true or false",
            "data" => "an object",
            _ => "a string",
        },
        Problem::NotText | Problem::CustomNameNotText => "a string",
        Problem::NotObject | Problem::NoData => "an object",
        Problem::InvalidAmount => {
            "a whole number in the currency's minor unit, such as 2599 for 25.99"
        }
        Problem::NotInteger => "a whole number",
        Problem::NotCurrency => "three letters, such as \"USD\"",
        Problem::NoCurrency => "there, because an amount is",
        Problem::UnknownField => "left out: there is no such field",
        Problem::Empty => "left out, or a string that is not empty",
        Problem::CustomNameEmpty => "a string that is not empty",
        Problem::OtherShape => "this event's own type; see the table of events",
        Problem::InvalidCustomName => {
            "1 to 64 letters, digits, _ and -, with a letter or digit at both ends"
        }
        Problem::ReservedCustomName => "another name: this one is a standard event's",
        Problem::CustomNameNotAllowed => "left out: only the event \"custom\" takes it",
    };
    text.into()
}

/// A value as a person reads it, shortened.
fn shown(value: Value) -> String {
    const LONGEST: usize = 60;
    let mut text = readable(value);
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A value as JavaScript is written, but for what cannot be: that is named in brackets.
fn readable(value: Value) -> String {
    let kind = value.kind();
    match kind {
        kind::UNDEFINED | 0 => "undefined".into(),
        kind::UNUSABLE => {
            let why = value.raw();
            format!("({})", why.as_str().trim_matches(['x', '"']))
        }
        kind::ARRAY | kind::OBJECT => {
            let mut parts = Vec::new();
            let mut next = value.first();
            while let Some(part) = next {
                let mut text = readable(part);
                next = part.next();
                if kind == kind::OBJECT {
                    let held = next.unwrap_or(UNDEFINED);
                    text = format!("{text}:{}", readable(held));
                    next = held.next();
                }
                parts.push(text);
            }
            let parts = parts.join(",");
            if kind == kind::OBJECT {
                format!("{{{parts}}}")
            } else {
                format!("[{parts}]")
            }
        }
        _ => value.raw().as_str().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(call: &str) -> String {
        explain(
            Step::Refused,
            &format!(r#"[1,"https://a.test/","","measure",{call}]"#),
        )
        .text
    }

    #[test]
    fn every_fault_of_a_refused_call_is_told_with_what_to_do() {
        assert_eq!(
            refusal(
                r#""order_created",{"type":"contents","amount":25.99,"sku":u,"contents":[{},{"quantity":"1"}]},{"event_id":""}"#
            ),
            "measure \"order_created\" was refused, nothing was measured:\
             \n  data.amount is 25.99; it must be a whole number in the currency's minor unit, such as 2599 for 25.99\
             \n  data.currency is undefined; it must be there, because an amount is\
             \n  data.contents[1].quantity is \"1\"; it must be a whole number\
             \n  data.sku is undefined; it must be left out: there is no such field\
             \n  options.event_id is \"\"; it must be left out, or a string that is not empty"
        );
    }

    #[test]
    fn the_faults_of_an_event_from_elsewhere_are_the_same() {
        let faults = faults_of(
            r#""lead_created""#,
            r#"{"type":"contents","amount":1.5}"#,
            "",
        );
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["data.type", "data.amount", "data.currency"]);
        assert!(faults_of(r#""lead_created""#, r#"{"type":"customer_action"}"#, "").is_empty());
    }

    #[test]
    fn an_unknown_event_is_told_with_the_names_there_are() {
        assert!(
            refusal(r#""purchase",{}"#).contains("it must be one of page_viewed, contents_viewed")
        );
    }

    #[test]
    fn an_event_that_is_only_too_large_is_told_so() {
        assert!(refusal(r#""order_created",{"type":"contents"}"#).contains("more than 1 MiB"));
    }

    #[test]
    fn a_refused_init_never_shows_the_user() {
        let line = explain(
            Step::InitRefused,
            r#"[1,"https://a.test/","","init",{"pixelId":5,"user":{"email_sha256":"me@a.test"}}]"#,
        );
        assert!(line.text.contains("pixelId is 5"));
        assert!(!line.text.contains("me@a.test"));
    }

    #[test]
    fn long_values_are_shortened() {
        assert!(refusal(&format!(r#""{}""#, "ü".repeat(1_000))).len() < 600);
    }

    proptest! {
        #[test]
        fn any_step_about_anything_is_one_line_with_words(step in prop::sample::select(Step::ALL.to_vec()), about in any::<String>()) {
            prop_assert!(!explain(step, &about).text.is_empty());
        }
    }
}
