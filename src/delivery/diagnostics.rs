//! What a pixel reports about itself: counts of rejected calls, session markers, and how its config was received.

use crate::mem::{MiniVec, Scratch, ScratchString, ThinStr, thin};
use crate::schema::events::begin_event_json;
use crate::schema::validate::Rejection;

/// What has happened for the first time in a session: a set of [`FIRST_VISIT`](Self::FIRST_VISIT) and
/// [`FIRST_GRANT`](Self::FIRST_GRANT).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionMarkers(u8);

/// How `sessionStorage` holds each set.
static STORAGE_CODES: [ThinStr; 4] = [thin!(""), thin!("v"), thin!("c"), thin!("g")];

impl SessionMarkers {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// The pixel's first page in this session.
    pub const FIRST_VISIT: Self = Self(1);
    /// The first time in this session that consent was granted.
    pub const FIRST_GRANT: Self = Self(2);

    /// The markers in either set.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The markers that are not in the other set.
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True if all markers of the other set are in this one.
    pub fn contains(self, other: Self) -> bool {
        other.without(self).is_empty()
    }

    /// True for the empty set.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// The set as `sessionStorage` holds it.
    pub fn to_storage(self) -> ThinStr<'static> {
        STORAGE_CODES[usize::from(self.0 & 3)]
    }

    /// Reads what [`to_storage`](Self::to_storage) returned. Any other text is the empty set.
    pub fn from_storage(code: ThinStr) -> Self {
        Self((1..4).find(|set| STORAGE_CODES[*set] == code).unwrap_or(0) as u8)
    }
}

/// How a pixel's config was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigOutcome {
    /// `enabled`, `disabled`, `not_found`, `invalid` or `request_failed`.
    pub automatic_advanced_matching: ThinStr<'static>,
    /// Whether a second request was made, and whether it succeeded.
    pub retry_succeeded: Option<bool>,
}

/// What rejected calls are counted by, each at its place: reason, event name, phase, code and field. The protocol allows
/// 64 different keys per event. There are fewer, since each of the table's 15 fields has at most three codes.
type RejectionKey = [ThinStr<'static>; 5];
const REASON: usize = 0;
const NAME: usize = 1;
const PHASE: usize = 2;
const CODE: usize = 3;
const FIELD: usize = 4;

/// The members of `data` that hold counts, each with the part of the key by which it counts.
static COUNTS: [(ThinStr, usize); 3] = [
    (thin!("dropped_event_reason_counts"), REASON),
    (thin!("dropped_event_name_counts"), NAME),
    (thin!("dropped_event_phase_counts"), PHASE),
];

/// All that is to be reported about one pixel, in one event.
#[derive(Debug, Default)]
pub struct Diagnostic {
    /// Each key, with its count.
    rejections: MiniVec<(RejectionKey, u64)>,
    /// The session markers that it reports.
    pub markers: SessionMarkers,
    consent: bool,
    config: Option<ConfigOutcome>,
}

impl Diagnostic {
    /// Counts a rejected call.
    pub fn count_rejection(&mut self, rejection: &Rejection, before_init: bool) {
        let Rejection {
            name,
            reason,
            code,
            path,
        } = *rejection;
        let phase = if before_init {
            thin!("before_init")
        } else {
            thin!("after_init")
        };
        let key = [reason, name, phase, code, path];
        for (known, count) in self.rejections.iter_mut() {
            if *known == key {
                *count += 1;
                return;
            }
        }
        self.rejections.push((key, 1));
    }

    /// Adds session markers, with the state of consent that goes with them.
    pub fn add_markers(&mut self, markers: SessionMarkers, consent: bool) {
        self.markers = self.markers.union(markers);
        self.consent = consent;
    }

    /// Sets how the config was received.
    pub fn set_config(&mut self, outcome: ConfigOutcome) {
        self.config = Some(outcome);
    }

    /// The event's wire form.
    pub fn write_json<'s>(&self, s: Scratch<'s>, time: u64, id: ThinStr) -> ScratchString<'s> {
        let mut total = 0;
        for (_, count) in self.rejections.iter() {
            total += count;
        }
        let mut details = s.string();
        self.group_by(&[CODE, REASON, FIELD], &mut |labels, count| {
            if labels[CODE].is_empty() {
                return;
            }
            let opening = if details.is_empty() {
                thin!("[{")
            } else {
                thin!(",{")
            };
            details = core::mem::replace(&mut details, s.string())
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
        let mut out = begin_event_json(s, thin!("oai::diagnostic"), time, id)
            .append(thin!(
                ",\"data\":{\"type\":\"diagnostic\",\"schema_version\":"
            ))
            .append_u64(version)
            .append_json_key(thin!("dropped_event_count"))
            .append_u64(total);
        for (key, label) in &COUNTS {
            out = out.append_json_key(*key).append(thin!("{"));
            self.group_by(&[*label], &mut |labels, count| {
                out = core::mem::replace(&mut out, s.string())
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
        if !self.markers.is_empty() {
            out = out
                .append_json_key(thin!("consent"))
                .append_bool(self.consent);
        }
        if self.markers.contains(SessionMarkers::FIRST_VISIT) {
            out = out
                .append_json_key(thin!("is_first_visit_in_session"))
                .append_bool(true);
        }
        if self.markers.contains(SessionMarkers::FIRST_GRANT) {
            out = out
                .append_json_key(thin!("is_first_consent_grant_in_session"))
                .append_bool(true);
        }
        if let Some(config) = self.config {
            out = out
                .append_json_key(thin!("config"))
                .append(thin!("{"))
                .append_json_key(thin!("automatic_advanced_matching"))
                .append_json_str(config.automatic_advanced_matching);
            if let Some(succeeded) = config.retry_succeeded {
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

    /// Groups the rejections by some parts of their keys. Visits one key of each group with the count of all, in the order
    /// in which the groups first appeared.
    fn group_by(&self, same: &[usize], visit: &mut dyn FnMut(&RejectionKey, u64)) {
        for (i, (labels, _)) in self.rejections.iter().enumerate() {
            let mut before = false;
            let mut sum = 0;
            for (k, (others, count)) in self.rejections.iter().enumerate() {
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
    use crate::mem::Scope;

    fn data(diagnostic: &Diagnostic) -> serde_json::Value {
        let scope = Scope::open();
        let s = scope.scratch();
        let event = diagnostic.write_json(s, 7, thin!("id"));
        let event: serde_json::Value = serde_json::from_str(event.as_str()).unwrap();
        event["data"].clone()
    }

    const REJECTION: Rejection = Rejection {
        name: thin!("order_created"),
        reason: thin!("invalid_event_props"),
        code: thin!("invalid_amount"),
        path: thin!("data.amount"),
    };

    #[test]
    fn rejected_calls_are_counted_together() {
        let mut diagnostic = Diagnostic::default();
        diagnostic.count_rejection(&REJECTION, false);
        diagnostic.count_rejection(&REJECTION, true);
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
    fn markers_and_config_are_reported() {
        let mut diagnostic = Diagnostic::default();
        diagnostic.add_markers(SessionMarkers::FIRST_VISIT, false);
        diagnostic.set_config(ConfigOutcome {
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
    fn rejection_without_a_code_has_no_details() {
        let mut diagnostic = Diagnostic::default();
        diagnostic.count_rejection(
            &Rejection {
                code: thin!(""),
                path: thin!(""),
                ..REJECTION
            },
            false,
        );
        let data = data(&diagnostic);
        assert_eq!(data.get("dropped_event_details"), None);
        assert_eq!(data["schema_version"], 1);
    }

    #[test]
    fn markers_are_stored_as_one_letter() {
        for (markers, code) in [
            (SessionMarkers::NONE, thin!("")),
            (SessionMarkers::FIRST_VISIT, thin!("v")),
            (SessionMarkers::FIRST_GRANT, thin!("c")),
            (
                SessionMarkers::FIRST_VISIT.union(SessionMarkers::FIRST_GRANT),
                thin!("g"),
            ),
        ] {
            assert_eq!(markers.to_storage(), code);
            assert_eq!(SessionMarkers::from_storage(code), markers);
        }
        assert_eq!(
            SessionMarkers::from_storage(thin!("hostile")),
            SessionMarkers::NONE
        );
    }
}
