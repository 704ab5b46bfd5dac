//! The tables of docs/events.md, each between two markers.

use oaiq::host::IdentifierKind;
use oaiq::schema::events::{DATA_FIELDS, EVENTS, FieldType, ITEM_FIELDS, OPTION_FIELDS};
use oaiq::schema::user_fields::USER_FIELDS;

use crate::replace_region;

/// docs/events.md, with its tables replaced.
pub fn events(file: &str) -> String {
    let tables = [
        ("events", event_table()),
        ("fields", field_table()),
        ("items", item_table()),
        ("options", option_table()),
        ("user", user_table()),
    ];
    tables
        .into_iter()
        .fold(file.to_owned(), |file, (name, table)| {
            let start = format!("<!-- generated: {name} -->\n");
            replace_region(&file, &start, "<!-- end -->", &format!("\n{table}\n"))
        })
}

/// A table as prettier aligns it.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<_> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let width = |column: usize| {
        let cells = rows
            .iter()
            .chain([&head])
            .map(|row| row[column].chars().count());
        cells.max().unwrap_or(0).max(3)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let rows: String = rows.iter().map(|row| line(row)).collect();
    line(&head) + &line(&rule) + &rows
}

fn code(name: &str) -> String {
    format!("`{name}`")
}

/// One row for each data shape.
fn event_table() -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (name, shape) in &EVENTS {
        let name = code(name.as_str());
        let shape_name = code(shape.name().as_str());
        if let Some(row) = rows.iter_mut().find(|row| row[1] == shape_name) {
            row[0] += &format!(" {name}");
            continue;
        }
        let fields = shape.fields().iter().map(|field| field.name);
        let fields = fields.filter(|name| name.as_str() != "type");
        let fields: Vec<_> = fields.map(|name| code(name.as_str())).collect();
        rows.push(vec![name, shape_name, fields.join(" ")]);
    }
    table(&["event", "`data.type`", "fields of `data`"], &rows)
}

fn field_table() -> String {
    let rows: Vec<_> = DATA_FIELDS
        .iter()
        .map(|field| {
            let description = match field.field_type {
                FieldType::Type => "required; the `data.type` of the event",
                FieldType::Amount => {
                    "a whole number in the currency's minor unit (ISO 4217): `2599` is USD 25.99, `500` is JPY 500. Needs `currency`. A text such as `\"25,99 €\"` is rejected, and debug says which number to send"
                }
                FieldType::Currency => "a three-letter code",
                FieldType::Contents => {
                    "an array of items, whose fields are all optional. An item's `amount` needs its own currency or the event's"
                }
                _ => "a non-empty string",
            };
            vec![code(field.name.as_str()), description.into()]
        })
        .collect();
    table(&["field of `data`", "value"], &rows)
}

fn item_table() -> String {
    let rows: Vec<_> = ITEM_FIELDS
        .iter()
        .map(|field| {
            let description = match field.field_type {
                FieldType::Quantity => "a whole number",
                FieldType::Amount => "as in `data`, of one such item",
                FieldType::Currency => "a three-letter code; by default the event's",
                _ => "a non-empty string",
            };
            vec![code(field.name.as_str()), description.into()]
        })
        .collect();
    table(&["field of an item", "value"], &rows)
}

fn option_table() -> String {
    let description = |name: &str| match name {
        "custom_event_name" => {
            "required for `custom`, and only for it: 1 to 64 letters, digits, `_` or `-`, starting and ending with a letter or digit; not the name of a standard event"
        }
        "opt_out" => "`true` or `false`",
        "event_id" => {
            "your own ID, such as the order number. OpenAI counts the first event of each pixel, name and ID. Without it the pixel generates an ID, and a reload of the page counts again"
        }
        "eventId" => "an alias of `event_id`",
        name => panic!("the option {name} has no description"),
    };
    let names = OPTION_FIELDS.iter().map(|field| field.name);
    let rows: Vec<_> = names
        .map(|name| vec![code(name.as_str()), description(name.as_str()).into()])
        .collect();
    table(&["option", "value"], &rows)
}

/// One row for each kind of identifier, in the order in which sites usually have them.
fn user_table() -> String {
    let rows: Vec<_> = [
        (IdentifierKind::ExternalId, "trimming"),
        (
            IdentifierKind::Email,
            "trimming, lowercasing; it must be an email address of at most 254 characters",
        ),
        (
            IdentifierKind::Phone,
            "leaving out spaces, `( ) . -`, a `+` and leading zeroes; 8 to 15 digits with their country code, so `+49 170 1234567` and not `0170 1234567`",
        ),
        (
            IdentifierKind::PersonName,
            "leaving out white space and punctuation, lowercasing",
        ),
        (
            IdentifierKind::Plain,
            "sent as provided; left out if it contains an email address or a phone number",
        ),
    ]
    .into_iter()
    .map(|(kind, description)| {
        let fields = USER_FIELDS.iter().filter(|field| field.kind == kind);
        let mut names: Vec<_> = fields.map(|field| code(field.name.as_str())).collect();
        if kind == IdentifierKind::Plain {
            // the alias belongs to the last one
            let last = names.pop().unwrap_or_default();
            names.push(format!("{last} (or `zip_code`)"));
        }
        vec![names.join(", "), description.into()]
    })
    .collect();
    table(&["field", "normalized by"], &rows)
}
