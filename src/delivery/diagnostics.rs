//! What a pixel tells of itself: refused calls counted, session markers, how its settings arrived.

use crate::mem::mini_vec::List;
use crate::mem::thin_str::{Draft, Text, t};
use crate::schema::events::begin;
use crate::schema::validate::Refusal;

/// Which of a session's first times are meant: the sum of [`VISIT`] and [`GRANT`].
pub type Marks = u8;
/// The pixel's first page in this session.
pub const VISIT: Marks = 1;
/// The first time that consent was granted in it.
pub const GRANT: Marks = 2;

/// How `sessionStorage` keeps marks: a letter for each sum.
static KEPT: [Text; 4] = [t!(""), t!("v"), t!("c"), t!("g")];

/// Marks as `sessionStorage` keeps them.
pub fn kept(marks: Marks) -> Text<'static> {
    KEPT[usize::from(marks & 3)]
}

/// Reads what [`kept`] wrote; anything else is nothing.
pub fn read_kept(kept: Text) -> Marks {
    (1..4).find(|marks| KEPT[*marks] == kept).unwrap_or(0) as Marks
}

/// How a pixel's settings arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingsOutcome {
    /// `enabled`, `disabled`, `not_found`, `invalid` or `request_failed`.
    pub automatic_advanced_matching: Text<'static>,
    /// Whether a second request was made, and whether it was answered.
    pub retry_succeeded: Option<bool>,
}

/// What refused calls are counted by. The protocol tells of 64 kinds at most: there are fewer, since each of the table's
/// 15 fields has at most three codes.
type Labels = [Text<'static>; 5];
const REASON: usize = 0;
const NAME: usize = 1;
const PHASE: usize = 2;
const CODE: usize = 3;
const FIELD: usize = 4;

/// What is counted, by which label.
static COUNTS: [(Text, usize); 3] = [
    (t!("dropped_event_reason_counts"), REASON),
    (t!("dropped_event_name_counts"), NAME),
    (t!("dropped_event_phase_counts"), PHASE),
];

/// Everything that waits to be told for one pixel, merged into one event.
#[derive(Debug, Default)]
pub struct Diagnostic {
    /// Each kind of refusal, and how often.
    refused: List<(Labels, u64)>,
    /// The session's first times that this tells of.
    pub marks: Marks,
    consent: bool,
    settings: Option<SettingsOutcome>,
}

impl Diagnostic {
    /// Counts a refused call.
    pub fn count(&mut self, refusal: &Refusal, before_init: bool) {
        let Refusal {
            name,
            reason,
            code,
            path,
        } = *refusal;
        let phase = if before_init {
            t!("before_init")
        } else {
            t!("after_init")
        };
        let labels = [reason, name, phase, code, path];
        for (known, count) in self.refused.iter_mut() {
            if *known == labels {
                *count += 1;
                return;
            }
        }
        self.refused.push((labels, 1));
    }

    /// Marks first times of the session, and the state of consent that goes with them.
    pub fn mark(&mut self, marks: Marks, consent: bool) {
        self.marks |= marks;
        self.consent = consent;
    }

    /// Tells how the settings arrived.
    pub fn settings(&mut self, outcome: SettingsOutcome) {
        self.settings = Some(outcome);
    }

    /// The event's wire form.
    pub fn write(&self, time: u64, id: Text) -> Draft {
        let mut total = 0;
        for (_, count) in self.refused.iter() {
            total += count;
        }
        let mut details = Draft::new();
        self.each(&[CODE, REASON, FIELD], &mut |labels, count| {
            if labels[CODE].is_empty() {
                return;
            }
            let opening = if details.is_empty() {
                t!("[{")
            } else {
                t!(",{")
            };
            details = core::mem::take(&mut details)
                .with(opening)
                .with_key(t!("reason"))
                .with_string(labels[REASON])
                .with_key(t!("code"))
                .with_string(labels[CODE])
                .with_key(t!("field"))
                .with_string(labels[FIELD])
                .with_key(t!("count"))
                .with_number(count)
                .with(t!("}"));
        });

        let version = if details.is_empty() { 1 } else { 2 };
        let mut out = begin(t!("oai::diagnostic"), time, id)
            .with(t!(",\"data\":{\"type\":\"diagnostic\",\"schema_version\":"))
            .with_number(version)
            .with_key(t!("dropped_event_count"))
            .with_number(total);
        for (key, label) in &COUNTS {
            out = out.with_key(*key).with(t!("{"));
            self.each(&[*label], &mut |labels, count| {
                out = core::mem::take(&mut out)
                    .with_key(labels[*label])
                    .with_number(count);
            });
            out = out.with(t!("}"));
        }
        if !details.is_empty() {
            out = out
                .with_key(t!("dropped_event_details"))
                .with(details.text())
                .with(t!("]"));
        }
        if self.marks != 0 {
            out = out.with_key(t!("consent")).with_flag(self.consent);
        }
        if self.marks & VISIT != 0 {
            out = out
                .with_key(t!("is_first_visit_in_session"))
                .with_flag(true);
        }
        if self.marks & GRANT != 0 {
            out = out
                .with_key(t!("is_first_consent_grant_in_session"))
                .with_flag(true);
        }
        if let Some(settings) = self.settings {
            out = out
                .with_key(t!("config"))
                .with(t!("{"))
                .with_key(t!("automatic_advanced_matching"))
                .with_string(settings.automatic_advanced_matching);
            if let Some(succeeded) = settings.retry_succeeded {
                out = out
                    .with_key(t!("retry_attempted"))
                    .with_flag(true)
                    .with_key(t!("retry_succeeded"))
                    .with_flag(succeeded);
            }
            out = out.with(t!("}"));
        }
        out.with(t!("}}"))
    }

    /// Visits what was refused, once for all that agree in these labels, with how often, in the order in which it
    /// first was.
    fn each(&self, same: &[usize], visit: &mut dyn FnMut(&Labels, u64)) {
        for (i, (labels, _)) in self.refused.iter().enumerate() {
            let mut before = false;
            let mut sum = 0;
            for (k, (others, count)) in self.refused.iter().enumerate() {
                if same.iter().all(|label| labels[*label] == others[*label]) {
                    before |= k < i;
                    sum += count;
                }
            }
            if !before {
                visit(labels, sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(diagnostic: &Diagnostic) -> serde_json::Value {
        let event = diagnostic.write(7, t!("id"));
        let event: serde_json::Value = serde_json::from_str(event.as_str()).unwrap();
        event["data"].clone()
    }

    const REFUSAL: Refusal = Refusal {
        name: t!("order_created"),
        reason: t!("invalid_event_props"),
        code: t!("invalid_amount"),
        path: t!("data.amount"),
    };

    #[test]
    fn refused_calls_are_counted_together() {
        let mut diagnostic = Diagnostic::default();
        diagnostic.count(&REFUSAL, false);
        diagnostic.count(&REFUSAL, true);
        assert_eq!(
            data(&diagnostic),
            serde_json::json!({
                "type": "diagnostic", "schema_version": 2, "dropped_event_count": 2,
                "dropped_event_reason_counts": {"invalid_event_props": 2},
                "dropped_event_name_counts": {"order_created": 2},
                "dropped_event_phase_counts": {"after_init": 1, "before_init": 1},
                "dropped_event_details": [{"reason": "invalid_event_props", "code": "invalid_amount", "field": "data.amount", "count": 2}],
            })
        );
    }

    #[test]
    fn a_marker_and_settings_tell_what_applies() {
        let mut diagnostic = Diagnostic::default();
        diagnostic.mark(VISIT, false);
        diagnostic.settings(SettingsOutcome {
            automatic_advanced_matching: t!("request_failed"),
            retry_succeeded: Some(false),
        });
        assert_eq!(
            data(&diagnostic),
            serde_json::json!({
                "type": "diagnostic", "schema_version": 1, "dropped_event_count": 0,
                "dropped_event_reason_counts": {}, "dropped_event_name_counts": {}, "dropped_event_phase_counts": {},
                "consent": false, "is_first_visit_in_session": true,
                "config": {"automatic_advanced_matching": "request_failed", "retry_attempted": true, "retry_succeeded": false},
            })
        );
    }

    #[test]
    fn a_refusal_without_a_code_has_no_detail() {
        let mut diagnostic = Diagnostic::default();
        diagnostic.count(
            &Refusal {
                code: t!(""),
                path: t!(""),
                ..REFUSAL
            },
            false,
        );
        let data = data(&diagnostic);
        assert_eq!(data.get("dropped_event_details"), None);
        assert_eq!(data["schema_version"], 1);
    }

    #[test]
    fn marks_are_kept_in_one_letter() {
        for marks in 0..4 {
            assert_eq!(read_kept(kept(marks)), marks);
        }
        assert_eq!(kept(VISIT), t!("v"));
        assert_eq!(kept(GRANT), t!("c"));
        assert_eq!(kept(VISIT | GRANT), t!("g"));
        assert_eq!(read_kept(t!("hostile")), 0);
    }
}
