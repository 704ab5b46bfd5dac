//! What a pixel tells of itself: refused calls counted, session markers, how its settings arrived.

use crate::event::{DIAGNOSTIC, begin};
use crate::text::{add, push_key, push_number};
use crate::validate::Refusal;

/// More kinds of faults than this are counted without their details.
const MAX_DETAILS: usize = 64;

/// Which of a session's first times are meant: the sum of [`VISIT`] and [`GRANT`].
pub type Marks = u8;
/// The pixel's first page in this session.
pub const VISIT: Marks = 1;
/// The first time that consent was granted in it.
pub const GRANT: Marks = 2;

/// How `sessionStorage` keeps marks: a letter for each sum.
const KEPT: [&str; 4] = ["", "v", "c", "g"];

/// Marks as `sessionStorage` keeps them.
pub fn kept(marks: Marks) -> &'static str {
    KEPT[usize::from(marks & 3)]
}

/// Reads what [`kept`] wrote; anything else is nothing.
pub fn read_kept(kept: &str) -> Marks {
    (1..4).find(|marks| KEPT[*marks] == kept).unwrap_or(0) as Marks
}

/// How a pixel's settings arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingsOutcome {
    /// `enabled`, `disabled`, `not_found`, `invalid` or `request_failed`.
    pub automatic_advanced_matching: &'static str,
    /// Whether a second request was made, and whether it was answered.
    pub retry_succeeded: Option<bool>,
}

/// Everything that waits to be told for one pixel, merged into one event.
#[derive(Debug, Default)]
pub struct Diagnostic {
    /// Each kind of refusal, whether it was before `init`, and how often.
    refused: Vec<(Refusal, bool, u64)>,
    /// The session's first times that this tells of.
    pub marks: Marks,
    consent: bool,
    settings: Option<SettingsOutcome>,
}

impl Diagnostic {
    /// Counts a refused call.
    pub fn count(&mut self, refusal: &Refusal, before_init: bool) {
        for (known, before, count) in &mut self.refused {
            if known == refusal && *before == before_init {
                *count += 1;
                return;
            }
        }
        self.refused.push((refusal.clone(), before_init, 1));
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
    pub fn write(&self, time: u64, id: &str) -> String {
        let mut details = String::new();
        let mut details_left = MAX_DETAILS;
        let mut total = 0;
        for (i, (refusal, _, count)) in self.refused.iter().enumerate() {
            total += count;
            let Some((code, field)) = &refusal.detail else {
                continue;
            };
            // the same before and after init is one detail
            let is_same = |other: &(Refusal, bool, u64)| {
                other.0.reason == refusal.reason && other.0.detail == refusal.detail
            };
            if details_left == 0 || self.refused[..i].iter().any(is_same) {
                continue;
            }
            details_left -= 1;
            let count = self
                .refused
                .iter()
                .filter(|other| is_same(other))
                .map(|other| other.2)
                .sum();
            let opening = if details.is_empty() { "[{" } else { ",{" };
            add(&mut details, opening);
            push_name(&mut details, "reason", refusal.reason.name());
            push_name(&mut details, "code", code);
            push_name(&mut details, "field", field);
            push_key(&mut details, "count");
            push_number(&mut details, count);
            add(&mut details, "}");
        }

        let mut out = begin(DIAGNOSTIC, time, id);
        add(
            &mut out,
            ",\"data\":{\"type\":\"diagnostic\",\"schema_version\":",
        );
        add(&mut out, if details.is_empty() { "1" } else { "2" });
        push_key(&mut out, "dropped_event_count");
        push_number(&mut out, total);
        self.counts(&mut out, "dropped_event_reason_counts", |refusal, _| {
            refusal.reason.name()
        });
        self.counts(&mut out, "dropped_event_name_counts", |refusal, _| {
            refusal.name
        });
        self.counts(&mut out, "dropped_event_phase_counts", |_, before_init| {
            if before_init {
                "before_init"
            } else {
                "after_init"
            }
        });
        if !details.is_empty() {
            push_key(&mut out, "dropped_event_details");
            add(&mut out, &details);
            add(&mut out, "]");
        }
        if self.marks != 0 {
            push_flag(&mut out, "consent", self.consent);
        }
        if self.marks & VISIT != 0 {
            push_flag(&mut out, "is_first_visit_in_session", true);
        }
        if self.marks & GRANT != 0 {
            push_flag(&mut out, "is_first_consent_grant_in_session", true);
        }
        if let Some(settings) = self.settings {
            push_key(&mut out, "config");
            add(&mut out, "{");
            push_name(
                &mut out,
                "automatic_advanced_matching",
                settings.automatic_advanced_matching,
            );
            if let Some(succeeded) = settings.retry_succeeded {
                push_flag(&mut out, "retry_attempted", true);
                push_flag(&mut out, "retry_succeeded", succeeded);
            }
            add(&mut out, "}");
        }
        add(&mut out, "}}");
        out
    }

    /// Appends how often each name was refused, in the order in which they first were.
    fn counts(&self, out: &mut String, key: &str, name_of: fn(&Refusal, bool) -> &'static str) {
        push_key(out, key);
        add(out, "{");
        for (i, (refusal, before, _)) in self.refused.iter().enumerate() {
            let name = name_of(refusal, *before);
            let has_name = |other: &(Refusal, bool, u64)| name_of(&other.0, other.1) == name;
            if self.refused[..i].iter().any(has_name) {
                continue;
            }
            push_key(out, name);
            let count = self
                .refused
                .iter()
                .filter(|other| has_name(other))
                .map(|other| other.2)
                .sum();
            push_number(out, count);
        }
        add(out, "}");
    }
}

fn push_name(out: &mut String, key: &str, name: &str) {
    push_key(out, key);
    add(out, "\"");
    add(out, name);
    add(out, "\"");
}

fn push_flag(out: &mut String, key: &str, flag: bool) {
    push_key(out, key);
    add(out, if flag { "true" } else { "false" });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::Reason;

    fn data(diagnostic: &Diagnostic) -> serde_json::Value {
        let event: serde_json::Value = serde_json::from_str(&diagnostic.write(7, "id")).unwrap();
        event["data"].clone()
    }

    fn refusal(field: &str) -> Refusal {
        Refusal {
            name: "order_created",
            reason: Reason::InvalidProps,
            detail: Some(("invalid_amount", field.into())),
        }
    }

    #[test]
    fn refused_calls_are_counted_together() {
        let mut diagnostic = Diagnostic::default();
        diagnostic.count(&refusal("data.amount"), false);
        diagnostic.count(&refusal("data.amount"), true);
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
            automatic_advanced_matching: "request_failed",
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
    fn no_more_than_64_details_are_told() {
        let mut diagnostic = Diagnostic::default();
        for i in 0..100 {
            diagnostic.count(&refusal(&i.to_string()), false);
        }
        let data = data(&diagnostic);
        assert_eq!(data["dropped_event_details"].as_array().unwrap().len(), 64);
        assert_eq!(data["dropped_event_count"], 100);
    }

    #[test]
    fn marks_are_kept_in_one_letter() {
        for marks in 0..4 {
            assert_eq!(read_kept(kept(marks)), marks);
        }
        assert_eq!(kept(VISIT), "v");
        assert_eq!(kept(GRANT), "c");
        assert_eq!(kept(VISIT | GRANT), "g");
        assert_eq!(read_kept("hostile"), 0);
    }
}
