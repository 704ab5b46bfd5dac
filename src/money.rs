//! Amounts as people read them, by the decimals that ISO 4217 gives each currency
//! (<https://www.six-group.com/en/products-services/financial-information/data-standards.html>).

const NONE: [&str; 17] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
];
const THREE: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
const FOUR: [&str; 2] = ["CLF", "UYW"];

/// How many decimals a currency has, by its code in uppercase.
pub fn decimals(currency: &str) -> usize {
    if NONE.contains(&currency) {
        0
    } else if THREE.contains(&currency) {
        3
    } else if FOUR.contains(&currency) {
        4
    } else {
        2
    }
}

/// `USD 25.99`, from 2599.
pub fn shown(minor: i64, currency: &str) -> String {
    let currency = currency.to_ascii_uppercase();
    let decimals = decimals(&currency);
    let sign = if minor < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    let point = if part.is_empty() { "" } else { "." };
    format!("{currency} {sign}{whole}{point}{part}")
}

/// An amount as a page may write it: `25.99`, `"1,234.50"`, `"$25"`. All its digits as one number, and how many of them stand
/// behind the point.
pub type Written = (i64, usize);

/// Reads what a page may write as an amount.
pub fn of_text(text: &str) -> Option<Written> {
    let text = text.trim().trim_matches(['$', '€', '£', '¥', ' ']);
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, text),
    };
    let (mut digits, mut decimals, mut point) = (0i64, 0, false);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => {
                digits = digits
                    .checked_mul(10)?
                    .checked_add(i64::from(byte - b'0'))?;
                decimals += usize::from(point);
            }
            b'.' if !point => point = true,
            b',' if !point => {}
            _ => return None,
        }
    }
    text.bytes()
        .any(|byte| byte.is_ascii_digit())
        .then_some((sign * digits, decimals))
}

/// What a written amount in a currency's major unit is in its minor unit, if that is a whole number.
pub fn in_minor_units((digits, written): Written, currency: &str) -> Option<i64> {
    let decimals = decimals(currency);
    if written <= decimals {
        let factor = 10i64.pow((decimals - written) as u32);
        return digits.checked_mul(factor);
    }
    let divisor = 10i64.checked_pow((written - decimals) as u32)?;
    (digits % divisor == 0).then_some(digits / divisor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_amount_has_the_decimals_of_its_currency() {
        assert_eq!(shown(2599, "USD"), "USD 25.99");
        assert_eq!(shown(5, "eur"), "EUR 0.05");
        assert_eq!(shown(-2599, "USD"), "USD -25.99");
        assert_eq!(shown(2599, "JPY"), "JPY 2599");
        assert_eq!(shown(2599, "KWD"), "KWD 2.599");
        assert_eq!(shown(i64::MIN, "USD"), "USD -92233720368547758.08");
    }

    #[test]
    fn what_a_page_writes_is_read_where_it_is_an_amount() {
        assert_eq!(of_text("1,234.50"), Some((123_450, 2)));
        assert_eq!(of_text("$25"), Some((25, 0)));
        assert_eq!(of_text("-0.5"), Some((-5, 1)));
        for no in [
            "",
            "free",
            "inf",
            "1e3",
            "1.2.3",
            "-",
            "99999999999999999999",
        ] {
            assert_eq!(of_text(no), None, "{no}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_not(text in any::<String>()) {
            if let Some(amount) = of_text(&text) {
                in_minor_units(amount, "USD");
            }
        }

        #[test]
        fn what_is_shown_reads_back(minor in -1_000_000_000i64..1_000_000_000) {
            for currency in ["USD", "JPY", "KWD", "CLF"] {
                let text = shown(minor, currency);
                let major = of_text(&text[4..]).unwrap();
                prop_assert_eq!(in_minor_units(major, currency), Some(minor));
            }
        }
    }
}
