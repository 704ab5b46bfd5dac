//! Merges the two halves of one conversion.

use serde_json::{Map, Value};

use super::{HASHED, MAX_HASHES, PLACES};

/// One event from both halves: all that the backend gave, and from the browser what the backend lacks.
pub fn merge(backend: &str, browser: &str) -> String {
    let (Ok(mut merged), Ok(browser)) = (
        serde_json::from_str::<Map<String, Value>>(backend),
        serde_json::from_str::<Map<String, Value>>(browser),
    ) else {
        // Both are the relay's own JSON, so this cannot happen.
        return backend.to_owned();
    };
    let opts_out = |event: &Map<String, Value>| event.get("opt_out") == Some(&Value::Bool(true));
    let opt_out = opts_out(&merged) || opts_out(&browser);
    for (name, value) in browser {
        match (merged.get_mut(&name), value) {
            (None, value) => _ = merged.insert(name, value),
            (Some(Value::Object(user)), Value::Object(other)) if name == "user" => {
                merge_user(user, other);
            }
            (Some(Value::Object(data)), Value::Object(other)) if name == "data" => {
                merge_data(data, other);
            }
            _ => {}
        }
    }
    if opt_out {
        merged.insert("opt_out".to_owned(), true.into());
    }
    Value::Object(merged).to_string()
}

fn merge_user(user: &mut Map<String, Value>, other: Map<String, Value>) {
    for (name, value) in other {
        let is_hashed = HASHED.iter().any(|(_, hashed, _)| *hashed == name);
        let is_list = is_hashed || PLACES.iter().any(|(_, place)| *place == name);
        match (user.get_mut(&name), value) {
            (None, value) => _ = user.insert(name, value),
            (Some(Value::Array(list)), Value::Array(more)) if is_list => {
                for value in more {
                    if list.len() < MAX_HASHES && !list.contains(&value) {
                        list.push(value);
                    }
                }
            }
            _ => {}
        }
    }
}

/// `amount` and `currency` belong together, and so do the amounts in `contents` and the currency. So a currency is taken
/// only with the amount, and contents only where they have the same currency.
fn merge_data(data: &mut Map<String, Value>, mut other: Map<String, Value>) {
    let is_money = ["amount", "currency"]
        .iter()
        .any(|name| data.contains_key(*name));
    let same_currency = match (data.get("currency"), other.get("currency")) {
        (Some(Value::String(one)), Some(Value::String(two))) => one.eq_ignore_ascii_case(two),
        (None, _) => !is_money,
        _ => false,
    };
    if is_money {
        if !same_currency {
            other.remove("contents");
        }
        other.remove("amount");
        other.remove("currency");
    }
    for (name, value) in other {
        data.entry(name).or_insert(value);
    }
}
