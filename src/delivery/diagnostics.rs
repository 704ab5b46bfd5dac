//! What a pixel tells of itself: refused calls counted, session markers, how its settings arrived.

use crate::mem::{MiniVec, ScratchString, ThinStr, thin};
use crate::schema::events::begin;
use crate::schema::validate::Refusal;

/// Which of a session's first times are meant: the sum of [`VISIT`] and [`GRANT`].
pub type Marks = u8;
/// The pixel's first page in this session.
pub const VISIT: Marks = 1;
/// The first time that consent was granted in it.
pub const GRANT: Marks = 2;

/// How `sessionStorage` keeps marks: a letter for each sum.
static KEPT: [ThinStr; 4] = [thin!(""), thin!("v"), thin!("c"), thin!("g")];

/// Marks as `sessionStorage` keeps them.
pub fn kept(marks: Marks) -> ThinStr<'static> {
    KEPT[usize::from(marks & 3)]
}

/// Reads what [`kept`] wrote; anything else is nothing.
pub fn read_kept(kept: ThinStr) -> Marks {
    (1..4).find(|marks| KEPT[*marks] == kept).unwrap_or(0) as Marks
}

/// How a pixel's settings arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingsOutcome {
    /// `enabled`, `disabled`, `not_found`, `invalid` or `request_failed`.
    pub automatic_advanced_matching: ThinStr<'static>,
    /// Whether a second request was made, and whether it was answered.
    pub retry_succeeded: Option<bool>,
}

/// What refused calls are counted by. The protocol tells of 64 kinds at most: there are fewer, since each of the table's
/// 15 fields has at most three codes.
type Labels = [ThinStr<'static>; 5];
const REASON: usize = 0;
const NAME: usize = 1;
const PHASE: usize = 2;
const CODE: usize = 3;
const FIELD: usize = 4;

/// What is counted, by which label.
static COUNTS: [(ThinStr, usize); 3] = [
    (thin!("dropped_event_reason_counts"), REASON),
    (thin!("dropped_event_name_counts"), NAME),
    (thin!("dropped_event_phase_counts"), PHASE),
];

/// Everything that waits to be told for one pixel, merged into one event.
#[derive(Debug, Default)]
pub struct Diagnostic {
    /// Each kind of refusal, and how often.
    refused: MiniVec<(Labels, u64)>,
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
            thin!("before_init")
        } else {
            thin!("after_init")
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
    pub fn write(&self, time: u64, id: ThinStr) -> ScratchString {
        let mut total = 0;
        for (_, count) in self.refused.iter() {
            total += count;
        }
        let mut details = ScratchString::new();
        self.each(&[CODE, REASON, FIELD], &mut |labels, count| {
            if labels[CODE].is_empty() {
                return;
            }
            let opening = if details.is_empty() {
                thin!("[{")
            } else {
                thin!(",{")
            };
            details = core::mem::take(&mut details)
                .append(opening)
                .append_json_key(thin!("reason"))
                .append_json_str(labels[REASON])
                .append_json_key(thin!("code"))
                .append_json_str(labels[CODE])
                .append_json_key(thin!("field"))
                .append_json_str(labels[FIELD])
                .append_json_key(thin!("count"))
                .append_u64(count)
                .append(thin!("}"));
        });

        let version = if details.is_empty() { 1 } else { 2 };
        let mut out = begin(thin!("oai::diagnostic"), time, id)
            .append(thin!(
                ",\"data\":{\"type\":\"diagnostic\",\"schema_version\":"
            ))
            .append_u64(version)
            .append_json_key(thin!("dropped_event_count"))
            .append_u64(total);
        for (key, label) in &COUNTS {
            out = out.append_json_key(*key).append(thin!("{"));
            self.each(&[*label], &mut |labels, count| {
                out = core::mem::take(&mut out)
                    .append_json_key(labels[*label])
                    .append_u64(count);
            });
            out = out.append(thin!("}"));
        }
        if !details.is_empty() {
            out = out
                .append_json_key(thin!("dropped_event_details"))
                .append(details.as_thin())
                .append(thin!("]"));
        }
        if self.marks != 0 {
            out = out
                .append_json_key(thin!("consent"))
                .append_bool(self.consent);
        }
        if self.marks & VISIT != 0 {
            out = out
                .append_json_key(thin!("is_first_visit_in_session"))
                .append_bool(true);
        }
        if self.marks & GRANT != 0 {
            out = out
                .append_json_key(thin!("is_first_consent_grant_in_session"))
                .append_bool(true);
        }
        if let Some(settings) = self.settings {
            out = out
                .append_json_key(thin!("config"))
                .append(thin!("{"))
                .append_json_key(thin!("automatic_advanced_matching"))
                .append_json_str(settings.automatic_advanced_matching);
            if let Some(succeeded) = settings.retry_succeeded {
                out = out
                    .append_json_key(thin!("retry_attempted"))
                    .append_bool(true)
                    .append_json_key(thin!("retry_succeeded"))
                    .append_bool(succeeded);
            }
            out = out.append(thin!("}"));
        }
        out.append(thin!("}}"))
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
        let event = diagnostic.write(7, thin!("id"));
        let event: serde_json::Value = serde_json::from_str(event.as_str()).unwrap();
        event["data"].clone()
    }

    const REFUSAL: Refusal = Refusal {
        name: thin!("order_created"),
        reason: thin!("invalid_event_props"),
        code: thin!("invalid_amount"),
        path: thin!("data.amount"),
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
            automatic_advanced_matching: thin!("request_failed"),
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
                code: thin!(""),
                path: thin!(""),
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
        assert_eq!(kept(VISIT), thin!("v"));
        assert_eq!(kept(GRANT), thin!("c"));
        assert_eq!(kept(VISIT | GRANT), thin!("g"));
        assert_eq!(read_kept(thin!("hostile")), 0);
    }
}
