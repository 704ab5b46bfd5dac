//! The one table of event names, data shapes and fields, and an event's form on the wire.

use crate::mem::{Scratch, ScratchString, ThinStr, thin};
use crate::raw_json::RawJson;
use crate::visitor::public_url;

/// What an event's `data` looks like; `data.type` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataShape {
    /// Things viewed, added or bought.
    Contents,
    /// Something that a customer did.
    CustomerAction,
    /// A plan begun.
    PlanEnrollment,
    /// Whatever the site calls by a name of its own.
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

    /// The fields that its `data` may have.
    pub fn fields(self) -> &'static [Field] {
        let count = match self {
            DataShape::Contents => 4,
            DataShape::CustomerAction => 3,
            DataShape::PlanEnrollment | DataShape::Custom => 5,
        };
        DATA_FIELDS.split_at(count).0
    }
}

/// Each event that a page can measure, with its shape. The last is [`CUSTOM`].
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

/// What a field holds, where it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// The event's own [`DataShape::name`]; it must be there.
    Type,
    /// A whole number of the currency's minor unit (ISO 4217), which needs a currency.
    Amount,
    /// Three letters.
    Currency,
    /// An array of objects with the fields of [`ITEM_FIELDS`].
    Contents,
    /// A string that is not empty.
    String,
    /// The same; diagnostics tell of this one where it is no string.
    ContentType,
    /// A whole number.
    Quantity,
    /// The name of a `custom` event, and of no other.
    CustomName,
    /// `true` or `false`.
    Bool,
}

/// A field of a call.
#[derive(Debug)]
pub struct Field {
    /// As diagnostics name it: `data.contents[].amount`.
    pub path: ThinStr<'static>,
    /// Its name in its object: the last part of the path.
    pub name: ThinStr<'static>,
    /// What it must hold.
    pub field_type: FieldType,
}

/// The fields of an object, which stand behind this in a path.
macro_rules! fields {
    ($in:literal $($name:literal $holds:ident)*) => {
        [$(Field {
            path: thin!(concat!($in, $name)),
            name: thin!(concat!($in, $name)).skip($in.len()),
            field_type: FieldType::$holds,
        }),*]
    };
}

/// The fields of `data`, in the order in which faults are told. Each [`DataShape`] has the first so many of them.
pub static DATA_FIELDS: [Field; 5] = fields! { "data."
    "type" Type
    "amount" Amount
    "currency" Currency
    "contents" Contents
    "plan_id" String
};

/// The fields of each of `data.contents`, all optional.
pub static ITEM_FIELDS: [Field; 6] = fields! { "data.contents[]."
    "content_type" ContentType
    "quantity" Quantity
    "amount" Amount
    "currency" Currency
    "id" String
    "name" String
};

/// What `measure` takes as options. `eventId` is an alias of `event_id`.
pub static OPTION_FIELDS: [Field; 4] = fields! { ""
    "custom_event_name" CustomName
    "opt_out" Bool
    "event_id" String
    "eventId" String
};

/// The table's entry for an event of that name, or `None` for what is no event.
pub fn find_event(name: RawJson) -> Option<&'static (ThinStr<'static>, DataShape)> {
    EVENTS.iter().find(|(known, _)| name.is_str(*known))
}

/// Where and when something was measured.
#[derive(Debug, Clone, Copy)]
pub struct CallContext<'a> {
    /// Milliseconds since the epoch.
    pub time: u64,
    /// The page's address.
    pub url: RawJson<'a>,
    /// The address of the page before; empty where there is none.
    pub referrer: RawJson<'a>,
}

/// The parts that all events on the wire begin with: `{"type":…,"timestamp_ms":…,"id":…`.
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

/// Adds the options that are part of the wire form, from the call's options or from a wire form.
pub fn write_options_json<'s>(mut out: ScratchString<'s>, options: RawJson) -> ScratchString<'s> {
    for field in OPTION_FIELDS[..2].iter().rev() {
        let value = options.get(field.name);
        if value.is_defined() {
            out = value.write_json(out.append_json_key(field.name));
        }
    }
    out
}

/// An event's wire form; `options` and `data` have passed [`crate::schema::validate`].
pub fn write_event_json<'s>(
    s: Scratch<'s>,
    name: ThinStr,
    moment: CallContext,
    id: ThinStr,
    options: RawJson,
    data: RawJson,
) -> ScratchString<'s> {
    let mut out = begin_event_json(s, name, moment.time, id);
    out = public_url::write_public_url(out, thin!("source_url"), moment.url);
    out = public_url::write_public_url(out, thin!("referrer_url"), moment.referrer);
    out = write_options_json(out, options);
    data.write_json(out.append_json_key(thin!("data")))
        .append(thin!("}"))
}
