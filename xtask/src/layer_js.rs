//! What the data layer's script and the helpers know of events and currencies.

use oaiq::explain::money;
use oaiq::schema::events::EVENTS;

use crate::HEADER;

/// www/helpers/currencies.gen.js
pub fn currencies() -> String {
    let lists = money::DECIMALS.iter();
    let lists: Vec<_> = lists
        .map(|(decimals, codes)| format!("{} {decimals}", codes.join(" ")))
        .collect();
    format!(
        "{HEADER}
/** The currencies that do not have 2 decimals, each group followed by its number of decimals (ISO 4217). */
export const CURRENCY_DECIMALS =\n  \"{}\";\n",
        lists.join(" ")
    )
}

/// www/layer/schema.gen.js
pub fn schema() -> String {
    let mut types = String::new();
    let mut fields = String::new();
    for (name, shape) in &EVENTS {
        let shape_name = shape.name();
        types += &format!("  {}: \"{}\",\n", name.as_str(), shape_name.as_str());
        let names = shape.fields().iter().map(|field| field.name.as_str());
        let names = names.filter(|name| !["type", "amount", "currency"].contains(name));
        let names: Vec<_> = names.collect();
        let line = format!("  {}: \"{}\",\n", shape_name.as_str(), names.join(" "));
        if !fields.contains(&line) {
            fields += &line;
        }
    }
    format!(
        "{HEADER}
/** `data.type` by the name of the event. */
export const DATA_TYPES = {{\n{types}}};

/** The fields of `data` besides `type`, `amount` and `currency`, by its type. */
export const MORE_FIELDS = {{\n{fields}}};\n"
    )
}
