//! The table of events, their data shapes and their fields, and the wire form of an event.

use crate::mem::{Scratch, ScratchString, ThinStr, thin};
use crate::raw_json::RawJson;
use crate::visitor::public_url;

/// The shape of an event's `data`, named by `data.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataShape {
    /// Items that were viewed, added or bought.
    Contents,
    /// An action of a customer.
    CustomerAction,
    /// A plan that was started.
    PlanEnrollment,
    /// An event that the site names itself.
    Custom,
}

impl DataShape {
    /// The `data.type` of this shape.
    pub const fn name(self) -> ThinStr<'static> {
        match self {
            DataShape::Contents => thin!("contents"),
            DataShape::CustomerAction => thin!("customer_action"),
            DataShape::PlanEnrollment => thin!("plan_enrollment"),
            DataShape::Custom => thin!("custom"),
        }
    }

    /// The fields that `data` may have.
    pub fn fields(self) -> &'static [Field] {
        let count = match self {
            DataShape::Contents => 4,
            DataShape::CustomerAction => 3,
            DataShape::PlanEnrollment | DataShape::Custom => 5,
        };
        DATA_FIELDS.split_at(count).0
    }
}

/// All events that a page can measure, with their shapes. The last one is `custom`.
pub static EVENTS: [(ThinStr, DataShape); 11] = [
    (thin!("page_viewed"), DataShape::Contents),
    (thin!("contents_viewed"), DataShape::Contents),
    (thin!("items_added"), DataShape::Contents),
    (thin!("checkout_started"), DataShape::Contents),
    (thin!("order_created"), DataShape::Contents),
    (thin!("lead_created"), DataShape::CustomerAction),
    (thin!("registration_completed"), DataShape::CustomerAction),
    (thin!("appointment_scheduled"), DataShape::CustomerAction),
    (thin!("subscription_created"), DataShape::PlanEnrollment),
    (thin!("trial_started"), DataShape::PlanEnrollment),
    (thin!("custom"), DataShape::Custom),
];

/// An array of the names of the events that are views of a page or of its contents, each between `$before` and `$after`.
/// Where there is no room for all events, views are dropped first.
macro_rules! views {
    ($before:literal, $after:literal) => {
        [
            thin!(concat!($before, "page_viewed", $after)),
            thin!(concat!($before, "contents_viewed", $after)),
        ]
    };
}
pub(crate) use views;

/// The names of the views.
pub static VIEWS: [ThinStr; 2] = views!("", "");

/// The type of a field, if it is present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// The [`DataShape::name`] of the event; required.
    Type,
    /// An integer in the currency's minor unit (ISO 4217). Requires a currency.
    Amount,
    /// Three letters.
    Currency,
    /// An array of objects with the fields of [`ITEM_FIELDS`].
    Contents,
    /// A non-empty string.
    String,
    /// The same. Only this one is counted by diagnostics if it is not a string.
    ContentType,
    /// An integer.
    Quantity,
    /// The name of a `custom` event. No other event may have one.
    CustomName,
    /// `true` or `false`.
    Bool,
}

/// A field of a call.
#[derive(Debug)]
pub struct Field {
    /// Its path in diagnostics: `data.contents[].amount`.
    pub path: ThinStr<'static>,
    /// Its name in its object, the last part of the path.
    pub name: ThinStr<'static>,
    /// Its type.
    pub field_type: FieldType,
}

/// A table of fields whose paths start with `$in`.
macro_rules! fields {
    ($in:literal $($name:literal $field_type:ident)*) => {
        [$(Field {
            path: thin!(concat!($in, $name)),
            name: thin!(concat!($in, $name)).skip($in.len()),
            field_type: FieldType::$field_type,
        }),*]
    };
}

/// The fields of `data`, in the order in which violations are reported. Each [`DataShape`] has the first few of them.
pub static DATA_FIELDS: [Field; 5] = fields! { "data."
    "type" Type
    "amount" Amount
    "currency" Currency
    "contents" Contents
    "plan_id" String
};

/// The fields of the items in `data.contents`, all optional.
pub static ITEM_FIELDS: [Field; 6] = fields! { "data.contents[]."
    "content_type" ContentType
    "quantity" Quantity
    "amount" Amount
    "currency" Currency
    "id" String
    "name" String
};

/// The options of `measure`. `eventId` is an alias of `event_id`.
pub static OPTION_FIELDS: [Field; 4] = fields! { ""
    "custom_event_name" CustomName
    "opt_out" Bool
    "event_id" String
    "eventId" String
};

/// An event's entry in the table; `None` if there is no such event.
pub fn find_event(name: RawJson) -> Option<&'static (ThinStr<'static>, DataShape)> {
    EVENTS.iter().find(|(known, _)| name.is_str(*known))
}

/// Where and when a page made a call.
#[derive(Debug, Clone, Copy)]
pub struct CallContext<'a> {
    /// Milliseconds since the epoch.
    pub time: u64,
    /// The page's URL.
    pub url: RawJson<'a>,
    /// The URL of the page before; empty if there is none.
    pub referrer: RawJson<'a>,
}

/// The start of each event on the wire: `{"type":…,"timestamp_ms":…,"id":…`.
pub fn begin_event_json<'s>(
    s: Scratch<'s>,
    name: ThinStr,
    time: u64,
    id: ThinStr,
) -> ScratchString<'s> {
    s.copy(thin!("{\"type\":\""))
        .append(name)
        .append(thin!("\",\"timestamp_ms\":"))
        .append_u64(time)
        .append_json_key(thin!("id"))
        .append_json_str(id)
}

/// Adds the options that are part of the wire form.
fn write_options_json<'s>(mut out: ScratchString<'s>, options: RawJson) -> ScratchString<'s> {
    for field in OPTION_FIELDS[..2].iter().rev() {
        let value = options.get(field.name);
        if value.is_defined() {
            out = value.write_json(out.append_json_key(field.name));
        }
    }
    out
}

/// An event's wire form. `options` and `data` have passed [`crate::schema::validate`].
pub fn write_event_json<'s>(
    s: Scratch<'s>,
    name: ThinStr,
    context: CallContext,
    id: ThinStr,
    options: RawJson,
    data: RawJson,
) -> ScratchString<'s> {
    let mut out = begin_event_json(s, name, context.time, id);
    out = public_url::write_public_url(out, thin!("source_url"), context.url);
    out = public_url::write_public_url(out, thin!("referrer_url"), context.referrer);
    out = write_options_json(out, options);
    data.write_json(out.append_json_key(thin!("data")))
        .append(thin!("}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_events() {
        for view in VIEWS {
            let mut names = EVENTS.iter().map(|(name, _)| name.as_str());
            assert!(names.any(|name| name == view.as_str()), "{view:?}");
        }
    }
}
