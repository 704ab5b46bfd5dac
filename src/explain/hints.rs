//! Suggests how to fix a violation, where the call itself shows how.

use crate::explain::money;
use crate::mem::{ThinString, thin};
use crate::raw_json::{RawJson, Tag};
use crate::schema::events::{self, DataShape, EVENTS, Field};
use crate::schema::validate::{Location, Violation, ViolationKind};

/// Names that other pixels (Meta, Google, TikTok, Pinterest) have for the same events.
const OTHER_PIXELS_EVENTS: [(&str, &str); 30] = [
    ("purchase", "order_created"),
    ("completepayment", "order_created"),
    ("placeanorder", "order_created"),
    ("order", "order_created"),
    ("ordercompleted", "order_created"),
    ("checkout", "order_created"),
    ("pageview", "page_viewed"),
    ("pagevisit", "page_viewed"),
    ("page", "page_viewed"),
    ("viewcontent", "contents_viewed"),
    ("viewitem", "contents_viewed"),
    ("viewcategory", "contents_viewed"),
    ("productviewed", "contents_viewed"),
    ("addtocart", "items_added"),
    ("productadded", "items_added"),
    ("begincheckout", "checkout_started"),
    ("initiatecheckout", "checkout_started"),
    ("lead", "lead_created"),
    ("generatelead", "lead_created"),
    ("submitform", "lead_created"),
    ("contact", "lead_created"),
    ("completeregistration", "registration_completed"),
    ("signup", "registration_completed"),
    ("register", "registration_completed"),
    ("schedule", "appointment_scheduled"),
    ("bookappointment", "appointment_scheduled"),
    ("subscribe", "subscription_created"),
    ("subscription", "subscription_created"),
    ("starttrial", "trial_started"),
    ("trial", "trial_started"),
];

/// Names that other pixels have for the same fields.
const OTHER_PIXELS_FIELDS: [(&str, &str); 20] = [
    ("value", "amount"),
    ("price", "amount"),
    ("total", "amount"),
    ("revenue", "amount"),
    ("valuecurrency", "currency"),
    ("currencycode", "currency"),
    ("items", "contents"),
    ("products", "contents"),
    ("content", "contents"),
    ("sku", "id"),
    ("itemid", "id"),
    ("productid", "id"),
    ("contentid", "id"),
    ("itemname", "name"),
    ("title", "name"),
    ("contentname", "name"),
    ("category", "content_type"),
    ("qty", "quantity"),
    ("planname", "plan_id"),
    ("plan", "plan_id"),
];

/// Names under which other pixels take the ID of an order. This pixel takes it in the options.
const ID_ALIASES: [&str; 6] = [
    "eventid",
    "orderid",
    "transactionid",
    "dedupid",
    "deduplicationid",
    "orderno",
];

const SYMBOLS: [(&str, &str); 4] = [("$", "USD"), ("€", "EUR"), ("£", "GBP"), ("¥", "JPY")];

/// What to do about a violation of a call with this name and data.
pub fn hint_for(violation: &Violation, name: RawJson, data: RawJson) -> Option<String> {
    let shape = events::find_event(name).map(|(_, shape)| *shape);
    let text = match violation.kind {
        ViolationKind::UnknownName | ViolationKind::Empty
            if violation.location == Location::Name =>
        {
            return suggest_event(violation.found);
        }
        ViolationKind::NoData | ViolationKind::Missing | ViolationKind::WrongShape => {
            format!("send type: \"{}\"", shape?.name().as_str())
        }
        ViolationKind::InvalidAmount => suggest_amount(violation, data),
        ViolationKind::NotInteger if violation.found.is_string() => {
            let digits = string(violation.found);
            digits.parse::<u32>().ok()?;
            format!("send the number {digits}, without quotes")
        }
        ViolationKind::NoCurrency => "add currency: \"USD\", or the currency of the amount".into(),
        ViolationKind::NotCurrency | ViolationKind::WrongType
            if violation.path.as_str().ends_with("currency") =>
        {
            let given = string(violation.found);
            let (_, code) = SYMBOLS.iter().find(|(symbol, _)| *symbol == given)?;
            format!("send \"{code}\"")
        }
        ViolationKind::UnknownField => suggest_field(violation, shape?)?,
        ViolationKind::CustomNameMissing | ViolationKind::CustomNameEmpty => {
            "pass it in the last argument: { custom_event_name: \"your_name\" }".into()
        }
        ViolationKind::ReservedCustomName => {
            format!("measure \"{}\" instead", string(violation.found))
        }
        ViolationKind::CustomNameNotAllowed => {
            "omit it, or measure \"custom\" with that name".into()
        }
        ViolationKind::InvalidCustomName => {
            let name = to_custom_name(&string(violation.found));
            if name.is_empty() {
                return None;
            }
            format!("for example \"{name}\"")
        }
        _ => return None,
    };
    Some(text)
}

/// The event that a name probably means.
pub(crate) fn closest_event(given: &str) -> Option<&'static str> {
    let known = EVENTS.iter().map(|(name, _)| name.as_str());
    closest(given, known, &OTHER_PIXELS_EVENTS)
}

fn suggest_event(given: RawJson) -> Option<String> {
    let given = string(given);
    if ["app_installed", "app_opened"].contains(&given.as_str()) {
        return Some(format!(
            "send {given} from your server through the Conversions API; pages cannot measure it"
        ));
    }
    match closest_event(&given) {
        Some(name) => Some(format!("did you mean \"{name}\"?")),
        None => Some(
            "for an event of your own, call oaiq(\"measure\", \"custom\", { type: \"custom\" }, { custom_event_name: \"your_name\" })"
                .into(),
        ),
    }
}

fn suggest_amount(violation: &Violation, data: RawJson) -> String {
    let text = string(violation.found);
    let known = currency_of(violation, data);
    let named = || SYMBOLS.iter().find(|(symbol, _)| text.contains(symbol));
    let code = match &known {
        Some(code) => code.as_str(),
        None => named().map_or("USD", |(_, code)| code),
    };
    if let Ok(whole) = text.parse::<i64>() {
        return format!(
            "send the number {whole}, without quotes, if it is {}",
            money::format(whole, code)
        );
    }
    let amounts = match violation.found.tag() {
        Tag::Str => money::parse(&text),
        _ => money::parse_number(violation.found.raw_text().as_str())
            .into_iter()
            .collect(),
    };
    match amounts.as_slice() {
        [] => "for example 2599 for USD 25.99".into(),
        [amount] => match money::to_minor_units(*amount, code) {
            Some(minor) if known.is_some() => {
                format!("send {minor} for {}", money::format(minor, code))
            }
            Some(minor) => format!("send {minor} if it is {}", money::format(minor, code)),
            None if known.is_some() => format!(
                "{code} has {}, so round it first",
                match money::decimals(code) {
                    0 => "no decimals".into(),
                    decimals => format!("{decimals} decimals"),
                }
            ),
            None => "for example 2599 for USD 25.99".into(),
        },
        [..] => {
            let amounts = amounts.into_iter().map(|it| describe_amount(it, code));
            let amounts: Vec<_> = amounts.collect();
            format!(
                "this can mean {}; send the whole number of the one that you mean",
                amounts.join(" or ")
            )
        }
    }
}

/// `USD 1299.00 (129900)`
fn describe_amount(amount: money::ParsedAmount, code: &str) -> String {
    match money::to_minor_units(amount, code) {
        Some(minor) => format!("{} ({minor})", money::format(minor, code)),
        None => format!(
            "{code} {} (more decimals than {code} has)",
            money::format_decimal(amount)
        ),
    }
}

/// The currency of an amount: its item's own, or the event's.
fn currency_of(violation: &Violation, data: RawJson) -> Option<String> {
    let mut currency = data.get(thin!("currency"));
    if let Location::Item(place) = violation.location {
        let mut item = data.get(thin!("contents")).first_child();
        for _ in 0..place {
            item = item?.next_sibling();
        }
        let own = item?.get(thin!("currency"));
        if own.is_string() {
            currency = own;
        }
    }
    let code = string(currency).to_ascii_uppercase();
    (code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(code)
}

fn suggest_field(violation: &Violation, shape: DataShape) -> Option<String> {
    let name = ThinString::as_str(&violation.unknown_field?.to_thin_string()).to_owned();
    let fields: &[Field] = match violation.location {
        Location::Name => return None,
        Location::Data => shape.fields(),
        Location::Item(_) => &events::ITEM_FIELDS,
        Location::Options => &events::OPTION_FIELDS,
    };
    let normalized = normalize_name(&name);
    let is_option = |known: &Field| known.name.as_str() == name;
    if violation.location != Location::Options {
        if ID_ALIASES.contains(&normalized.as_str()) {
            return Some("pass it as event_id in the last argument: { event_id: \"...\" }".into());
        }
        if events::OPTION_FIELDS.iter().any(is_option) {
            return Some(format!("pass {name} in the last argument (the options)"));
        }
    } else if ID_ALIASES.contains(&normalized.as_str()) {
        return Some("did you mean event_id?".into());
    }
    let known = || fields.iter().map(|field| field.name.as_str());
    if let Some(meant) = closest(&name, known(), &OTHER_PIXELS_FIELDS) {
        return Some(if meant == "amount" {
            "did you mean amount? It is in the currency's minor unit: 2599 for USD 25.99".into()
        } else {
            format!("did you mean {meant}?")
        });
    }
    let is_items = events::ITEM_FIELDS.iter().any(is_option);
    (violation.location == Location::Data && is_items && shape != DataShape::CustomerAction)
        .then(|| format!("pass {name} in an item of contents: contents: [{{ {name}: ... }}]"))
}

/// The known name that a name probably means: another pixel's name for it, or a typo.
pub(crate) fn closest<'a>(
    given: &str,
    known: impl Iterator<Item = &'a str>,
    aliases: &[(&str, &'a str)],
) -> Option<&'a str> {
    let given = normalize_name(given);
    if given.len() > 40 {
        return None;
    }
    let names: Vec<_> = known.collect();
    if let Some((_, name)) = aliases.iter().find(|(other, _)| *other == given)
        && names.contains(name)
    {
        return Some(name);
    }
    let distance = |name: &&str| levenshtein(&given, &normalize_name(name));
    let nearest = names.into_iter().min_by_key(distance)?;
    (distance(&nearest) <= nearest.len() / 4).then_some(nearest)
}

/// Letters and digits only, in lowercase: `addToCart` and `add_to_cart` become the same.
fn normalize_name(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// The edit distance of two texts (<https://en.wikipedia.org/wiki/Levenshtein_distance>).
fn levenshtein(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

/// A valid custom event name that resembles another.
fn to_custom_name(given: &str) -> String {
    let mut name = String::new();
    for c in given.chars() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '-') => name.push(c),
            _ if name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    name.truncate(64);
    name.trim_matches(['_', '-']).into()
}

fn string(value: RawJson) -> String {
    if value.is_string() {
        value.to_thin_string().as_str().into()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use crate::explain::explain_event;
    use proptest::prelude::*;

    fn advice(name: &str, data: &str, options: &str) -> Vec<String> {
        let violations = explain_event(&format!("\"{name}\""), data, options);
        violations.into_iter().filter_map(|it| it.advice).collect()
    }

    #[test]
    fn an_event_of_another_pixel_or_a_typo_suggests_the_right_name() {
        for (given, meant) in [
            ("Purchase", "order_created"),
            ("add_to_cart", "items_added"),
            ("AddToCart", "items_added"),
            ("PageView", "page_viewed"),
            ("order_create", "order_created"),
            ("orderCreated", "order_created"),
            ("lead_craeted", "lead_created"),
            ("sign_up", "registration_completed"),
        ] {
            assert_eq!(
                advice(given, "{}", ""),
                [format!("did you mean \"{meant}\"?")],
                "{given}"
            );
        }
        assert!(advice("app_installed", "{}", "")[0].contains("Conversions API"));
        assert!(advice("newsletter", "{}", "")[0].contains("custom_event_name"));
    }

    #[test]
    fn an_amount_in_major_units_suggests_the_number_to_send() {
        for (data, expected) in [
            (
                r#"{"type":"contents","amount":25.99,"currency":"USD"}"#,
                "send 2599 for USD 25.99",
            ),
            (
                r#"{"type":"contents","amount":"25.99","currency":"eur"}"#,
                "send 2599 for EUR 25.99",
            ),
            (
                r#"{"type":"contents","amount":"1,234.50","currency":"USD"}"#,
                "send 123450 for USD 1234.50",
            ),
            (
                r#"{"type":"contents","amount":25.5,"currency":"JPY"}"#,
                "JPY has no decimals, so round it first",
            ),
            (
                r#"{"type":"contents","amount":1.234,"currency":"KWD"}"#,
                "send 1234 for KWD 1.234",
            ),
            (
                r#"{"type":"contents","amount":"2599","currency":"USD"}"#,
                "send the number 2599, without quotes, if it is USD 25.99",
            ),
            (
                r#"{"type":"contents","amount":"25,99 €","currency":"EUR"}"#,
                "send 2599 for EUR 25.99",
            ),
            (
                r#"{"type":"contents","amount":"19,9 €","currency":"EUR"}"#,
                "send 1990 for EUR 19.90",
            ),
            (
                r#"{"type":"contents","amount":"1,50","currency":"EUR"}"#,
                "send 150 for EUR 1.50",
            ),
            (
                r#"{"type":"contents","amount":"1.299,00","currency":"EUR"}"#,
                "send 129900 for EUR 1299.00",
            ),
            (
                r#"{"type":"contents","amount":true,"currency":"KWD"}"#,
                "for example 2599 for USD 25.99",
            ),
        ] {
            assert_eq!(advice("order_created", data, ""), [expected], "{data}");
        }
        let item = r#"{"type":"contents","currency":"USD","contents":[{},{"amount":1.5,"currency":"EUR"}]}"#;
        assert_eq!(advice("order_created", item, ""), ["send 150 for EUR 1.50"]);
    }

    #[test]
    fn an_ambiguous_amount_suggests_both_readings() {
        for (data, expected) in [
            (
                r#"{"type":"contents","amount":"1.299","currency":"EUR"}"#,
                "this can mean EUR 1.299 (more decimals than EUR has) or EUR 1299.00 (129900); send the whole number of the one that you mean",
            ),
            (
                r#"{"type":"contents","amount":"1,299","currency":"KWD"}"#,
                "this can mean KWD 1.299 (1299) or KWD 1299.000 (1299000); send the whole number of the one that you mean",
            ),
        ] {
            assert_eq!(advice("order_created", data, ""), [expected], "{data}");
        }
    }

    #[test]
    fn an_amount_without_a_currency_is_read_in_that_of_its_symbol() {
        let data = r#"{"type":"contents","amount":"25,99 €"}"#;
        assert_eq!(
            advice("order_created", data, "")[0],
            "send 2599 if it is EUR 25.99"
        );
    }

    #[test]
    fn an_unknown_field_suggests_the_right_name_or_place() {
        for (data, expected) in [
            (r#"{"type":"contents","value":1}"#, "did you mean amount?"),
            (
                r#"{"type":"contents","items":[]}"#,
                "did you mean contents?",
            ),
            (
                r#"{"type":"contents","order_id":"1"}"#,
                "event_id in the last argument",
            ),
            (
                r#"{"type":"contents","opt_out":true}"#,
                "pass opt_out in the last argument",
            ),
            (
                r#"{"type":"contents","curency":"USD"}"#,
                "did you mean currency?",
            ),
            (
                r#"{"type":"contents","quantity":1}"#,
                "in an item of contents",
            ),
            (
                r#"{"type":"contents","contents":[{"sku":"a"}]}"#,
                "did you mean id?",
            ),
        ] {
            let found = advice("order_created", data, "");
            assert!(found[0].contains(expected), "{data}: {found:?}");
        }
        assert_eq!(
            advice(
                "order_created",
                r#"{"type":"contents"}"#,
                r#"{"transaction_id":"1"}"#
            ),
            ["did you mean event_id?"]
        );
        assert!(advice("order_created", r#"{"type":"contents","zebra":"USD"}"#, "").is_empty());
    }

    #[test]
    fn an_invalid_custom_name_suggests_a_valid_one() {
        let custom = r#"{"type":"custom"}"#;
        assert_eq!(
            advice(
                "custom",
                custom,
                r#"{"custom_event_name":"Newsletter Sign-up!"}"#
            ),
            ["for example \"newsletter_sign-up\""]
        );
        assert_eq!(
            advice("custom", custom, r#"{"custom_event_name":"order_created"}"#),
            ["measure \"order_created\" instead"]
        );
        assert!(advice("custom", custom, r#"{"custom_event_name":"¿?"}"#).is_empty());
    }

    #[test]
    fn a_currency_symbol_suggests_its_code() {
        let data = r#"{"type":"contents","amount":1,"currency":"€"}"#;
        assert_eq!(advice("order_created", data, ""), ["send \"EUR\""]);
    }

    proptest! {
        #[test]
        fn any_call_is_explained_without_a_panic(name in any::<String>(), field in any::<String>(), text in any::<String>(), number in any::<f64>()) {
            let quoted = |text: &str| serde_json::to_string(text).unwrap();
            let data = format!(
                r#"{{"type":"contents",{}:{},"amount":{},"currency":{}}}"#,
                quoted(&field), quoted(&text), serde_json::to_string(&number).unwrap(), quoted(&text)
            );
            for name in [name.as_str(), "order_created", "custom"] {
                let options = format!(r#"{{"custom_event_name":{}}}"#, quoted(&text));
                explain_event(&quoted(name), &data, &options);
            }
        }
    }
}
