//! What Google Tag Manager's template knows of events, users and currencies, and the container that contains the template.

use oaiq::explain::money;
use oaiq::schema::events::EVENTS;
use oaiq::schema::user_fields::USER_FIELDS;

use crate::replace_region;

/// gtm/template.tpl, with its tables replaced.
pub fn template(file: &str) -> String {
    let mut out = String::from("// The events, with the `type` of their data.\n");
    out += "var EVENT_SHAPES = {\n";
    for (name, shape) in &EVENTS {
        out += &format!("  {}: \"{}\",\n", name.as_str(), shape.name().as_str());
    }
    out += "};\n\n// The fields of user data.\nvar USER_FIELDS = [\n";
    for field in &USER_FIELDS {
        out += &format!("  \"{}\",\n", field.name.as_str());
    }
    out += "];\n\n// The currencies that do not have 2 decimals, by ISO 4217.\n";
    out += "var CURRENCY_DIGITS = {\n";
    for (digits, codes) in money::DECIMALS {
        for code in codes {
            out += &format!("  {code}: {digits},\n");
        }
    }
    out += "};\n";
    replace_region(file, "// generated: schema\n", "// end\n", &out)
}

/// gtm/container.json, with this template.
pub fn container(file: &str, template: &str) -> String {
    let text = serde_json::Value::from(template).to_string();
    replace_region(file, "\"templateData\": ", "\n", &text)
}
