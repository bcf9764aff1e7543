//! Compares what was sent with what came back: numbers by exact value, and within what JSON promises to keep.

use civispec_wire::json::{Json, Number};

/// How a value that came back compares with the one that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Same {
    /// It is the same value.
    Exactly,
    /// But for numbers of more digits than a double holds, which were rounded.
    Rounded,
    /// But for numbers that should have been kept and were rounded all the same.
    Changed,
    /// It is another value.
    No,
}

/// Compares two values of any shape.
#[must_use]
pub fn compare(sent: &Json, got: &Json) -> Same {
    match (sent, got) {
        (Json::Number(a), Json::Number(b)) => number(a, b),
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).map(|(x, y)| compare(x, y)).max().unwrap_or(Same::Exactly)
        }
        (Json::Object(a), Json::Object(b)) if a.len() == b.len() => {
            let sorted = |members: &[(String, Json)]| {
                let mut order: Vec<usize> = (0..members.len()).collect();
                order.sort_by(|&i, &j| members[i].0.cmp(&members[j].0));
                order
            };
            let pairs = sorted(a).into_iter().zip(sorted(b));
            pairs
                .map(|(i, j)| if a[i].0 == b[j].0 { compare(&a[i].1, &b[j].1) } else { Same::No })
                .max()
                .unwrap_or(Same::Exactly)
        }
        _ if sent == got => Same::Exactly,
        _ => Same::No,
    }
}

fn number(sent: &Number, got: &Number) -> Same {
    if sent.same_value(got) {
        return Same::Exactly;
    }
    match (sent.text().parse::<f64>(), got.text().parse::<f64>()) {
        // The same double in more digits than needed: whoever reads doubles sees no change.
        (Ok(a), Ok(b)) if a.to_bits() == b.to_bits() && a.is_finite() => Same::Rounded,
        (Ok(a), Ok(b)) if !is_promised(sent) && (a - b).abs() <= a.abs() * 1e-9 + f64::MIN_POSITIVE => {
            Same::Rounded
        }
        // What single precision makes of it.
        (Ok(a), Ok(b)) if (a - b).abs() <= a.abs() * 1e-6 => Same::Changed,
        _ => Same::No,
    }
}

/// Whether every reader keeps the number: an integer within 2^53-1, or one of at most 15 digits within the range of
/// doubles.
fn is_promised(n: &Number) -> bool {
    const SAFE: u64 = (1 << 53) - 1;
    let digits = n.text().split(['e', 'E']).next().unwrap_or_default().replace(['-', '.'], "");
    let significant = digits.trim_start_matches('0').trim_end_matches('0').len();
    n.as_i64().is_some_and(|i| i.unsigned_abs() <= SAFE)
        || significant == 0
        || (significant <= 15 && n.text().parse::<f64>().is_ok_and(f64::is_normal))
}

/// Whether the value holds a number that not every reader keeps.
#[must_use]
pub fn has_unpromised(value: &Json) -> bool {
    match value {
        Json::Number(n) => !is_promised(n),
        Json::Array(items) => items.iter().any(has_unpromised),
        Json::Object(members) => members.iter().any(|(_, v)| has_unpromised(v)),
        _ => false,
    }
}

/// Whether the value holds a number beyond the range of doubles, such as `1e999`.
#[must_use]
pub fn has_huge(value: &Json) -> bool {
    match value {
        Json::Number(n) => n.text().parse::<f64>().is_ok_and(f64::is_infinite),
        Json::Array(items) => items.iter().any(has_huge),
        Json::Object(members) => members.iter().any(|(_, v)| has_huge(v)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use civispec_wire::json::parse;

    fn same(a: &str, b: &str) -> Same {
        compare(&parse(a.as_bytes()).unwrap(), &parse(b.as_bytes()).unwrap())
    }

    #[test]
    fn values_are_compared_exactly_and_an_object_is_no_list() {
        for (a, b) in
            [("1.0", "1"), ("[1e2]", "[100]"), (r#"{"a":1,"b":[]}"#, r#"{"b":[],"a":1}"#), ("-0", "0")]
        {
            assert_eq!(same(a, b), Same::Exactly, "{a} {b}");
        }
        for (a, b) in
            [("{}", "[]"), (r#"{"0":"x"}"#, r#"["x"]"#), ("1", "\"1\""), ("[1]", "[1,1]"), ("null", "0")]
        {
            assert_eq!(same(a, b), Same::No, "{a} {b}");
        }
    }

    #[test]
    fn only_numbers_that_nobody_promised_to_keep_may_be_rounded() {
        for (a, b) in [
            ("12345678901234567890", "1.2345678901234567e+19"),
            ("9007199254740993", "9007199254740992"),
            ("123456789.123456789", "123456789.12345679"),
            ("1e-400", "0"),
            ("0.1", "0.10000000000000001"),
        ] {
            assert_eq!(same(a, b), Same::Rounded, "{a} {b}");
        }
        for (a, b) in [
            ("9007199254740991", "9007199254740990"),
            ("[1234567891]", "[1234567936]"),
            ("0.1", "0.10000000149"),
        ] {
            assert_eq!(same(a, b), Same::Changed, "{a} {b}");
        }
        for (a, b) in [
            ("0.1", "0.11"),
            ("12345678901234567890", "5"),
            ("1e999", "2e999"),
            ("-9223372036854775808", "9223372036854775807"),
            ("123456.5", "123457"),
        ] {
            assert_eq!(same(a, b), Same::No, "{a} {b}");
        }
    }

    #[test]
    fn a_number_beyond_doubles_is_seen_at_any_depth() {
        assert!(has_huge(&parse(br#"{"a":[1,{"b":-1e999}]}"#).unwrap()));
        assert!(!has_huge(&parse(br#"{"a":[1,{"b":1e308}]}"#).unwrap()));
    }
}
