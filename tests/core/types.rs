//! The TypeScript types match the table in `src/schema/events.rs`: this test writes a copy of the table to
//! `tests/types/schema.gen.ts`, and `tsc` compares the types with that copy (`tests/types/matches-schema.ts`).

use std::fs;
use std::path::Path;

use oaiq::schema::events::{EVENTS, Field, FieldType, ITEM_FIELDS, OPTION_FIELDS};

/// A field's type in TypeScript.
fn held(holds: FieldType, data_type: &str) -> String {
    match holds {
        FieldType::Type => format!("\"{data_type}\""),
        FieldType::Amount | FieldType::Quantity => "number".into(),
        FieldType::Currency
        | FieldType::String
        | FieldType::ContentType
        | FieldType::CustomName => "string".into(),
        FieldType::Contents => "readonly ItemFields[]".into(),
        FieldType::Bool => "boolean".into(),
    }
}

/// An object type with these fields.
fn object(fields: &[Field], data_type: &str, indent: &str) -> String {
    let mut out = String::from("{\n");
    for field in fields {
        let held = held(field.field_type, data_type);
        out += &format!("{indent}  {}: {held};\n", field.name().as_str());
    }
    out + indent + "}"
}

/// The table as prettier writes it.
fn table() -> String {
    let mut out = String::from(
        "// The table of src/schema/events.rs, written by tests/core/types.rs.\n\n\
         /** The data of each event. */\n\
         export interface Events {\n",
    );
    for (name, shape) in &EVENTS {
        let data = object(shape.fields(), shape.name().as_str(), "  ");
        out += &format!("  {}: {data};\n", name.as_str());
    }
    let item = object(&ITEM_FIELDS, "", "");
    let options = object(&OPTION_FIELDS, "", "");
    out += &format!(
        "}}\n\n\
         /** Each of `data.contents`. */\n\
         export interface ItemFields {item}\n\n\
         /** All options; `custom_event_name` is for `custom` alone. */\n\
         export interface OptionFields {options}\n"
    );
    out
}

#[test]
fn the_types_are_held_to_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/types/schema.gen.ts");
    let table = table();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == table,
        "tests/types/schema.gen.ts is not the table of src/schema/events.rs. \
         `UPDATE=1 cargo test --all-features --test pixel types::` writes it anew; \
         then `npm test` says what www/types/oaiq.d.ts must follow"
    );
}
