//! What a pixel tells of itself: refused calls counted, session markers, how its settings arrived.

use crate::event::{DIAGNOSTIC, begin};
use crate::text::{push_key, push_number};
use crate::validate::Refusal;

/// More kinds of faults than this are counted without their details.
const MAX_DETAILS: usize = 64;

/// Which of a session's first times a marker tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// The pixel's first page in this session.
    pub visit: bool,
    /// The first time that consent was granted in it.
    pub grant: bool,
}

impl Marks {
    /// Is there anything to tell?
    pub fn any(self) -> bool {
        self.visit || self.grant
    }

    /// Those that are in either.
    pub fn and(self, other: Marks) -> Marks {
        Marks {
            visit: self.visit || other.visit,
            grant: self.grant || other.grant,
        }
    }

    /// Those that are not in the other.
    pub fn without(self, other: Marks) -> Marks {
        Marks {
            visit: self.visit && !other.visit,
            grant: self.grant && !other.grant,
        }
    }

    /// As `sessionStorage` keeps them.
    pub fn kept(self) -> &'static str {
        match (self.visit, self.grant) {
            (true, true) => "g",
            (true, false) => "v",
            (false, true) => "c",
            (false, false) => "",
        }
    }

    /// Reads what [`Marks::kept`] wrote.
    pub fn read(kept: &str) -> Marks {
        Marks {
            visit: matches!(kept, "v" | "g"),
            grant: matches!(kept, "c" | "g"),
        }
    }
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
    refused: u64,
    reasons: Counts<&'static str>,
    names: Counts<&'static str>,
    phases: Counts<&'static str>,
    details: Counts<(&'static str, &'static str, String)>,
    marks: Marks,
    consent: bool,
    settings: Option<SettingsOutcome>,
}

impl Diagnostic {
    /// Counts a refused call.
    pub fn count(&mut self, refusal: &Refusal, before_init: bool) {
        let reason = refusal.reason.name();
        self.refused += 1;
        self.reasons.count(reason);
        self.names.count(refusal.name);
        self.phases.count(if before_init {
            "before_init"
        } else {
            "after_init"
        });
        if let Some((code, field)) = &refusal.detail {
            self.details.count((reason, code, field.clone()));
        }
    }

    /// Marks first times of the session, and the state of consent that goes with them.
    pub fn mark(&mut self, marks: Marks, consent: bool) {
        self.marks = self.marks.and(marks);
        self.consent = consent;
    }

    /// Tells how the settings arrived.
    pub fn settings(&mut self, outcome: SettingsOutcome) {
        self.settings = Some(outcome);
    }

    /// The first times that this tells of.
    pub fn marks(&self) -> Marks {
        self.marks
    }

    /// The event's wire form.
    pub fn write(&self, time: u64, id: &str) -> String {
        let mut out = begin(DIAGNOSTIC, time, id);
        let details = &self.details.0[..self.details.0.len().min(MAX_DETAILS)];
        out.push_str(",\"data\":{\"type\":\"diagnostic\",\"schema_version\":");
        push_number(&mut out, if details.is_empty() { 1 } else { 2 });
        push_key(&mut out, "dropped_event_count");
        push_number(&mut out, self.refused);
        self.reasons.write(&mut out, "dropped_event_reason_counts");
        self.names.write(&mut out, "dropped_event_name_counts");
        self.phases.write(&mut out, "dropped_event_phase_counts");
        if !details.is_empty() {
            push_key(&mut out, "dropped_event_details");
            for (i, ((reason, code, field), count)) in details.iter().enumerate() {
                out.push_str(if i == 0 { "[{" } else { ",{" });
                for (key, value) in [("reason", *reason), ("code", *code), ("field", field)] {
                    push_name(&mut out, key, value);
                }
                push_key(&mut out, "count");
                push_number(&mut out, *count);
                out.push('}');
            }
            out.push(']');
        }
        if self.marks.any() {
            push_flag(&mut out, "consent", self.consent);
        }
        for (key, is_set) in [
            ("is_first_visit_in_session", self.marks.visit),
            ("is_first_consent_grant_in_session", self.marks.grant),
        ] {
            if is_set {
                push_flag(&mut out, key, true);
            }
        }
        if let Some(settings) = self.settings {
            push_key(&mut out, "config");
            out.push('{');
            push_name(
                &mut out,
                "automatic_advanced_matching",
                settings.automatic_advanced_matching,
            );
            if let Some(succeeded) = settings.retry_succeeded {
                push_flag(&mut out, "retry_attempted", true);
                push_flag(&mut out, "retry_succeeded", succeeded);
            }
            out.push('}');
        }
        out.push_str("}}");
        out
    }
}

fn push_name(out: &mut String, key: &str, name: &str) {
    push_key(out, key);
    out.push('"');
    out.push_str(name);
    out.push('"');
}

fn push_flag(out: &mut String, key: &str, flag: bool) {
    push_key(out, key);
    out.push_str(if flag { "true" } else { "false" });
}

/// How often each thing was seen. A list: there are never many.
#[derive(Debug)]
struct Counts<T>(Vec<(T, u64)>);

impl<T> Default for Counts<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Counts<T> {
    fn count(&mut self, thing: T) {
        match self.0.iter_mut().find(|(known, _)| *known == thing) {
            Some((_, count)) => *count += 1,
            None => self.0.push((thing, 1)),
        }
    }
}

impl Counts<&'static str> {
    fn write(&self, out: &mut String, key: &str) {
        push_key(out, key);
        out.push('{');
        for (name, count) in &self.0 {
            push_key(out, name);
            push_number(out, *count);
        }
        out.push('}');
    }
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
        diagnostic.mark(
            Marks {
                visit: true,
                grant: false,
            },
            false,
        );
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
        for kept in ["v", "c", "g", ""] {
            assert_eq!(Marks::read(kept).kept(), kept);
        }
        assert_eq!(Marks::read("hostile"), Marks::default());
    }
}
