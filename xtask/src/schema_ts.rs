//! The tables as TypeScript. tests/types/matches-schema.ts compares www/types/oaiq.d.ts with them.

use oaiq::schema::events::{DataShape, EVENTS, Field, FieldType, ITEM_FIELDS, OPTION_FIELDS};
use oaiq::schema::user_fields::USER_FIELDS;

fn type_of(field: &Field, shape: Option<DataShape>) -> String {
    match field.field_type {
        FieldType::Type => format!("\"{}\"", shape.map_or("", |shape| shape.name().as_str())),
        FieldType::Amount | FieldType::Quantity => "number".into(),
        FieldType::Currency
        | FieldType::String
        | FieldType::ContentType
        | FieldType::CustomName => "string".into(),
        FieldType::Contents => "readonly ItemFields[]".into(),
        FieldType::Bool => "boolean".into(),
    }
}

fn object(fields: &[Field], shape: Option<DataShape>, indent: &str) -> String {
    let mut out = String::from("{\n");
    for field in fields {
        let name = field.name;
        out += &format!("{indent}  {}: {};\n", name.as_str(), type_of(field, shape));
    }
    out + indent + "}"
}

/// tests/types/schema.gen.ts
pub fn schema() -> String {
    let mut out = String::from(
        "// Written by `npm run generate` from src/schema/.\n\n\
         /** The data of each event. */\n\
         export interface Events {\n",
    );
    for (name, shape) in &EVENTS {
        let data = object(shape.fields(), Some(*shape), "  ");
        out += &format!("  {}: {data};\n", name.as_str());
    }
    out += &format!(
        "}}\n\n\
         /** Each of `data.contents`. */\n\
         export interface ItemFields {}\n\n\
         /** All options; `custom_event_name` is for `custom` alone. */\n\
         export interface OptionFields {}\n\n\
         /** The fields of `user`; `zip_code` is an alias of `postal_code`. */\n\
         export interface UserFields {{\n",
        object(&ITEM_FIELDS, None, ""),
        object(&OPTION_FIELDS, None, ""),
    );
    for field in &USER_FIELDS {
        out += &format!("  {}: string;\n", field.name.as_str());
    }
    out + "  zip_code: string;\n}\n"
}
