//! Formats and parses amounts by the decimals that ISO 4217 gives each currency
//! (<https://www.six-group.com/en/products-services/financial-information/data-standards.html>).

/// The currencies that do not have 2 decimals, by their number of decimals.
pub const DECIMALS: [(usize, &[&str]); 3] = [(0, &NONE), (3, &THREE), (4, &FOUR)];

const NONE: [&str; 17] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
];
const THREE: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
const FOUR: [&str; 2] = ["CLF", "UYW"];

/// How many decimals a currency has, by its code in uppercase.
pub fn decimals(currency: &str) -> usize {
    DECIMALS
        .iter()
        .find(|(_, codes)| codes.contains(&currency))
        .map_or(2, |(decimals, _)| *decimals)
}

/// `USD 25.99`, from 2599.
pub fn format(minor: i64, currency: &str) -> String {
    let currency = currency.to_ascii_uppercase();
    let amount = format_decimal((minor, decimals(&currency)));
    format!("{currency} {amount}")
}

/// An amount as it is written, `25.99`: all its digits as one number, and how many of them are decimals.
pub type ParsedAmount = (i64, usize);

/// Separators of groups of digits that never separate decimals: spaces, non-breaking ones too, and the Swiss apostrophes.
const GROUPING: [char; 5] = [' ', '\u{a0}', '\u{202f}', '\'', '\u{2019}'];

/// What a text can mean as an amount: nothing, one amount, or two if its only separator may be a decimal or a group
/// separator. "1.299" is slightly more than one in London, and slightly more than a thousand in Berlin; the reading as
/// decimals comes first. A currency's symbol or code may precede or follow the number.
pub fn parse(text: &str) -> Vec<ParsedAmount> {
    let is_minus = |c: char| c == '-' || c == '\u{2212}';
    // "25,-" is a round price
    let is_dash = |c: char| is_minus(c) || c == '\u{2013}';
    let end = text.trim_end_matches(is_dash);
    let text = match end.strip_suffix([',', '.']) {
        Some(round) if end.len() < text.len() => round,
        _ => text,
    };
    let is_outside = |c: char| !c.is_ascii_digit() && c != '.' && c != ',';
    let before = text.find(|c: char| !is_outside(c)).unwrap_or(0);
    let (before, number) = text.split_at(before);
    let number = number.trim_end_matches(is_outside);
    // the point of an abbreviation, "kr." or "Rs.", does not belong to the number
    let number = match before.chars().next_back() {
        Some(c) if c.is_alphabetic() => number.trim_start_matches(['.', ',']).trim_start(),
        _ => number,
    };
    let sign = match before.chars().filter(|c| is_minus(*c)).count() {
        0 => 1,
        1 => -1,
        _ => return Vec::new(),
    };
    let marks: String = number.chars().filter(|c| matches!(c, '.' | ',')).collect();
    let only_one_kind = marks.chars().all(|c| marks.starts_with(c));
    let last = number.rfind(['.', ',']);
    let as_decimals = last.and_then(|at| {
        let (whole, decimals) = (&number[..at], &number[at + 1..]);
        let is_possible = (marks.len() == 1 || !only_one_kind)
            && decimals.bytes().all(|byte| byte.is_ascii_digit());
        let whole = is_possible.then(|| ungrouped(whole))??;
        written(sign, &whole, decimals)
    });
    let as_groups = || {
        let whole = only_one_kind.then(|| ungrouped(number))??;
        written(sign, &whole, "")
    };
    as_decimals.into_iter().chain(as_groups()).collect()
}

/// The digits of a whole number without group separators, if the groups are valid: three digits at the end, and two or three
/// before them, as in India. A number that begins with a zero has no groups.
fn ungrouped(whole: &str) -> Option<String> {
    let is_separator = |c: char| GROUPING.contains(&c) || c == '.' || c == ',';
    let separators: String = whole.chars().filter(|c| is_separator(*c)).collect();
    let groups: Vec<_> = whole.split(is_separator).collect();
    let digits = groups.concat();
    let is_proper = match groups.as_slice() {
        [_] => true,
        [first, middle @ .., last] => {
            (1..=3).contains(&first.len())
                && !first.starts_with('0')
                && middle.iter().all(|group| (2..=3).contains(&group.len()))
                && last.len() == 3
                && separators.chars().all(|c| separators.starts_with(c))
        }
        [] => false,
    };
    (is_proper && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

fn written(sign: i64, whole: &str, decimals: &str) -> Option<ParsedAmount> {
    let digits = [whole, decimals].concat();
    Some((sign * digits.parse::<i64>().ok()?, decimals.len()))
}

/// Parses a number as JavaScript writes it, whose point always precedes decimals.
pub fn parse_number(text: &str) -> Option<ParsedAmount> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, text),
    };
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_plain(whole) && is_plain(decimals)).then(|| written(sign, whole, decimals))?
}

/// `1299` or `1.299`: an amount with a point before its decimals.
pub fn format_decimal((digits, decimals): ParsedAmount) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let all = format!("{:0>width$}", digits.unsigned_abs(), width = decimals + 1);
    let (whole, part) = all.split_at(all.len() - decimals);
    let point = if part.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{part}")
}

/// Converts an amount in a currency's major unit to its minor unit; `None` if that is no whole number.
pub fn to_minor_units((digits, written): ParsedAmount, currency: &str) -> Option<i64> {
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
        assert_eq!(format(2599, "USD"), "USD 25.99");
        assert_eq!(format(5, "eur"), "EUR 0.05");
        assert_eq!(format(-2599, "USD"), "USD -25.99");
        assert_eq!(format(2599, "JPY"), "JPY 2599");
        assert_eq!(format(2599, "KWD"), "KWD 2.599");
        assert_eq!(format(i64::MIN, "USD"), "USD -92233720368547758.08");
    }

    #[test]
    fn an_unambiguous_text_has_one_reading() {
        for (text, expected) in [
            ("25,99 €", (2599, 2)),
            ("19,9 €", (199, 1)),
            ("1,50", (150, 2)),
            ("1.299,00", (129_900, 2)),
            ("1,299.00", (129_900, 2)),
            ("1 299,00 €", (129_900, 2)),
            ("1\u{a0}299,00\u{a0}€", (129_900, 2)),
            ("CHF 1'299.50", (129_950, 2)),
            ("1.299.000", (1_299_000, 0)),
            ("1,23,456.00", (12_345_600, 2)),
            ("1299,000", (1_299_000, 3)),
            ("0,500", (500, 3)),
            ("$25", (25, 0)),
            ("Rs. 25.50", (2550, 2)),
            ("25,-", (25, 0)),
            ("-0.5", (-5, 1)),
            ("−$1,299.00", (-129_900, 2)),
            (".5", (5, 1)),
        ] {
            assert_eq!(parse(text), [expected], "{text}");
        }
    }

    #[test]
    fn a_single_separator_before_three_digits_has_two_readings() {
        for text in ["1.299", "1,299", "$1,299", "1.299 €"] {
            assert_eq!(parse(text), [(1299, 3), (1299, 0)], "{text}");
        }
        assert_eq!(
            parse_number("1.299"),
            Some((1299, 3)),
            "a number has one reading"
        );
    }

    #[test]
    fn a_text_that_is_no_amount_has_no_reading() {
        for no in [
            "",
            "free",
            "inf",
            "1e3",
            "1.2.3",
            "1,2,3",
            "1.29,00.5",
            "1 2",
            "12-34",
            "--5",
            "-",
            ".",
            "99999999999999999999",
        ] {
            assert_eq!(parse(no), [], "{no}");
            assert_eq!(parse_number(no).filter(|_| !no.is_empty()), None, "{no}");
        }
    }

    /// An amount as a country writes it: `group` between groups of three digits, and `point` before the decimals.
    fn as_written(minor: i64, decimals: usize, group: &str, point: &str) -> String {
        let digits = format!("{minor:0>width$}", width = decimals + 1);
        let (whole, part) = digits.split_at(digits.len() - decimals);
        let mut text = String::new();
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i).is_multiple_of(3) {
                text += group;
            }
            text.push(digit);
        }
        if decimals > 0 {
            text += point;
        }
        text + part
    }

    proptest! {
        #[test]
        fn any_text_has_at_most_two_readings(text in any::<String>(), near in "[-−€$ ]{0,2}[0-9., '-]{0,12}[€ -]{0,2}") {
            for text in [text, near] {
                let readings = parse(&text);
                prop_assert!(readings.len() <= 2);
                for amount in readings {
                    to_minor_units(amount, "USD");
                    format_decimal(amount);
                }
                parse_number(&text);
            }
        }

        #[test]
        fn every_currencys_and_countrys_format_is_read_exactly_or_as_one_of_two(
            minor in prop_oneof![0..10_000i64, 0..1_000_000_000_000i64],
            (group, point) in prop::sample::select(vec![("", "."), ("", ","), (",", "."), (".", ","), (" ", ","), ("\u{a0}", ","), ("'", "."), ("\u{2019}", ".")]),
            (before, after) in prop::sample::select(vec![("", ""), ("$", ""), ("", " €"), ("CHF ", ""), ("", " kr")]),
        ) {
            for currency in ["JPY", "USD", "KWD", "CLF"] {
                let number = as_written(minor, decimals(currency), group, point);
                let readings = parse(&format!("{before}{number}{after}"));
                let minors: Vec<_> = readings.iter().map(|it| to_minor_units(*it, currency)).collect();
                // one separator, with three digits after it and one to three before it that do not begin with a zero
                let separators = number.chars().filter(|c| ".,".contains(*c)).count();
                let is_ambiguous = separators == 1
                    && !number.starts_with('0')
                    && number.chars().all(|c| c.is_ascii_digit() || ".,".contains(c))
                    && number.split(['.', ',']).nth(1).is_some_and(|part| part.len() == 3)
                    && number.len() <= 7;
                if is_ambiguous {
                    prop_assert_eq!(minors.len(), 2, "{}", number);
                    prop_assert!(minors.contains(&Some(minor)), "{}", number);
                } else {
                    prop_assert_eq!(minors, [Some(minor)], "{}", number);
                }
            }
        }

        #[test]
        fn a_formatted_amount_parses_to_the_same(minor in -1_000_000_000i64..1_000_000_000) {
            for currency in ["USD", "JPY", "KWD", "CLF"] {
                let text = format(minor, currency);
                let readings = parse(&text[4..]);
                prop_assert_eq!(to_minor_units(readings[0], currency), Some(minor));
                prop_assert_eq!(parse_number(&text[4..]), Some(readings[0]));
                prop_assert_eq!(format_decimal(readings[0]), &text[4..]);
            }
        }
    }
}
