//! Templates: the text that a case sends, with holes for drawn, captured and declared values.
//!
//! Pure; turns a template and variables into bytes. `cases/README.md` documents the holes.

use std::fmt;

use civispec_wire::json::{Json, Style};

use super::pattern::integer;
use crate::draw::Vars;

/// A reference to a value, with an optional offset: `$n`, `$n+1`, `@cred`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Var {
    /// The name; declared values keep their `@`.
    pub name: String,
    /// Added to an integer.
    pub offset: i64,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// Bytes as they are.
    Bytes(Vec<u8>),
    /// A value's text; strings without quotes.
    Value(Var),
    /// A unit repeated until the whole line has so many bytes.
    Pad(Length, Vec<u8>),
    /// A unit repeated so many times.
    Repeat(usize, Vec<u8>),
}

/// A length in bytes: fixed or a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Length {
    /// A number in the case itself.
    Fixed(usize),
    /// A captured number.
    Var(Var),
}

/// Most bytes that a rendered line may have; a case that asks for more is wrong.
pub const LONGEST_LINE: usize = 64 << 20;

impl Var {
    /// Reads `$name`, `$name+1`, `$name-1` or `@name`.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('$').unwrap_or(text);
        let cut = bare.find(['+', '-']).unwrap_or(bare.len());
        let (name, offset) = bare.split_at(cut);
        let shape = name.strip_prefix('@').unwrap_or(name);
        if shape.is_empty() || !shape.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("'{text}' is not a name: letters, digits and '_' after '$' or '@'"));
        }
        let offset = match offset.strip_prefix('+').unwrap_or(offset) {
            "" => 0,
            digits => digits.parse().map_err(|_| format!("'{offset}' is not a whole number"))?,
        };
        Ok(Self { name: name.to_owned(), offset })
    }

    /// The value, with the offset added if it is an integer.
    pub fn value(&self, vars: &mut Vars) -> Json {
        let value = vars.get(&self.name);
        match value.as_i64() {
            Some(n) if self.offset != 0 => integer(n.saturating_add(self.offset)),
            _ => value,
        }
    }

    /// The value as it is put into text: strings escaped but without quotes, anything else as JSON.
    fn text(&self, vars: &mut Vars) -> String {
        let value = self.value(vars);
        let printed = value.print(Style::default());
        match value {
            Json::String(_) => printed[1..printed.len() - 1].to_owned(),
            _ => printed,
        }
    }
}

impl fmt::Display for Var {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sigil = if self.name.starts_with('@') { "" } else { "$" };
        match self.offset {
            0 => write!(f, "{sigil}{}", self.name),
            n => write!(f, "{sigil}{}{n:+}", self.name),
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => f.write_str(&String::from_utf8_lossy(bytes)),
            Self::Value(var) => write!(f, "<{var}>"),
            Self::Pad(Length::Fixed(n), unit) => write!(f, "<pad:{n}:{}>", String::from_utf8_lossy(unit)),
            Self::Pad(Length::Var(v), unit) => write!(f, "<pad:{v}:{}>", String::from_utf8_lossy(unit)),
            Self::Repeat(n, unit) => write!(f, "<repeat:{n}:{}>", String::from_utf8_lossy(unit)),
        }
    }
}

/// Reads the text of a send line.
///
/// # Errors
/// Column (in bytes, from 0) and what was expected.
pub fn parse(text: &str) -> Result<Vec<Slot>, (usize, String)> {
    let mut slots = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let at = text.len() - rest.len() + open;
        push_bytes(&mut slots, &rest.as_bytes()[..open]);
        let close =
            rest[open..].find('>').ok_or((at, "this hole has no '>' (write <lt> for a '<')".to_owned()))?;
        slots.push(hole(&rest[open + 1..open + close]).map_err(|e| (at, e))?);
        rest = &rest[open + close + 1..];
    }
    push_bytes(&mut slots, rest.as_bytes());
    Ok(slots)
}

/// Reads variables inside a string of a pattern; any other `<` is text.
pub(super) fn parse_inside_string(text: &str) -> Result<Vec<Slot>, String> {
    let mut slots = Vec::new();
    let mut rest = text;
    while let Some(open) =
        rest.match_indices('<').map(|(i, _)| i).find(|&i| rest[i + 1..].starts_with(['$', '@']))
    {
        push_bytes(&mut slots, &rest.as_bytes()[..open]);
        let close = rest[open..].find('>').ok_or("this hole has no '>'")?;
        slots.push(Slot::Value(Var::parse(&rest[open + 1..open + close])?));
        rest = &rest[open + close + 1..];
    }
    push_bytes(&mut slots, rest.as_bytes());
    Ok(slots)
}

/// The text of string slots, unescaped.
pub(crate) fn text_of(slots: &[Slot], vars: &mut Vars) -> String {
    let mut text = String::new();
    for slot in slots {
        match slot {
            Slot::Bytes(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
            Slot::Value(var) => match var.value(vars) {
                Json::String(s) => text.push_str(&s),
                other => text.push_str(&other.to_string()),
            },
            Slot::Pad(..) | Slot::Repeat(..) => {}
        }
    }
    text
}

fn push_bytes(slots: &mut Vec<Slot>, bytes: &[u8]) {
    match slots.last_mut() {
        _ if bytes.is_empty() => {}
        Some(Slot::Bytes(last)) => last.extend_from_slice(bytes),
        _ => slots.push(Slot::Bytes(bytes.to_vec())),
    }
}

fn hole(inner: &str) -> Result<Slot, String> {
    if inner.starts_with(['$', '@']) {
        return Var::parse(inner).map(Slot::Value);
    }
    let (word, rest) = inner.split_once(':').unwrap_or((inner, ""));
    match word {
        "lt" => Ok(Slot::Bytes(b"<".to_vec())),
        "x" => hex(rest).map(Slot::Bytes),
        "pad" | "repeat" => {
            let (length, unit) =
                rest.split_once(':').ok_or("expected <pad:LENGTH:UNIT> or <repeat:COUNT:UNIT>")?;
            if unit.is_empty() {
                return Err("the unit to repeat is empty".to_owned());
            }
            let unit = unit.as_bytes().to_vec();
            match (word, length.parse::<usize>()) {
                ("pad", Ok(n)) => Ok(Slot::Pad(Length::Fixed(n), unit)),
                ("pad", Err(_)) if length.starts_with('$') => {
                    Var::parse(length).map(|v| Slot::Pad(Length::Var(v), unit))
                }
                ("repeat", Ok(n)) if n.saturating_mul(unit.len()) <= LONGEST_LINE => {
                    Ok(Slot::Repeat(n, unit))
                }
                _ => Err(format!("'{length}' is not a length that can be sent")),
            }
        }
        _ => Err(format!(
            "unknown hole <{inner}>; expected $name, @value, pad, repeat, x or lt (write <lt> for a '<')"
        )),
    }
}

/// Reads `0a 0d` or `0a0d`.
///
/// # Errors
/// What is not hex.
pub fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    if !digits.len().is_multiple_of(2) {
        return Err(format!("'{text}' has an odd number of hex digits"));
    }
    digits
        .chunks(2)
        .map(|pair| {
            let byte: String = pair.iter().collect();
            u8::from_str_radix(&byte, 16).map_err(|_| format!("'{byte}' is not a hex byte"))
        })
        .collect()
}

/// The bytes of a line, without its LF.
///
/// # Errors
/// When a pad asks for a length that is no integer, or for more than [`LONGEST_LINE`].
pub fn render(slots: &[Slot], vars: &mut Vars) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut pads = Vec::new();
    for slot in slots {
        match slot {
            Slot::Bytes(bytes) => out.extend_from_slice(bytes),
            Slot::Value(var) => out.extend_from_slice(var.text(vars).as_bytes()),
            Slot::Repeat(n, unit) => out.extend_from_slice(&unit.repeat(*n)),
            Slot::Pad(length, unit) => pads.push((out.len(), length, unit)),
        }
    }
    for (at, length, unit) in pads.into_iter().rev() {
        let target = match length {
            Length::Fixed(n) => *n,
            Length::Var(var) => {
                let value = var.value(vars);
                let n = value
                    .as_i64()
                    .ok_or_else(|| format!("<pad> needs an integer, but ${} is {value}", var.name))?;
                usize::try_from(n).map_err(|_| format!("<pad> to {n} bytes makes no sense"))?
            }
        };
        if target > LONGEST_LINE {
            return Err(format!("<pad> to {target} bytes is beyond the {LONGEST_LINE} that a case may send"));
        }
        let missing = target.saturating_sub(out.len());
        let fill: Vec<u8> = unit.iter().copied().cycle().take(missing).collect();
        out.splice(at..at, fill);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str) -> Vec<u8> {
        let mut vars = Vars::new(1, "c", 0);
        vars.capture("n", Json::from(30));
        vars.capture("q", Json::from("a\"b"));
        render(&parse(text).unwrap(), &mut vars).unwrap()
    }

    #[test]
    fn holes_are_replaced_by_values_bytes_and_padding() {
        assert_eq!(rendered("a<$n+1>b"), b"a31b");
        assert_eq!(rendered("\"<$q>\""), br#""a\"b""#);
        assert_eq!(rendered("<x:e2 80 a8>!"), b"\xe2\x80\xa8!");
        assert_eq!(rendered("<lt><repeat:3:ab>"), b"<ababab");
        let padded = rendered("{\"p\":\"<pad:$n+1:x>\"}");
        assert_eq!((padded.len(), padded.last()), (31, Some(&b'}')));
    }

    #[test]
    fn a_bad_template_is_refused_with_its_column() {
        for (text, column) in [("ab<$n", 2), ("<foo>", 0), ("x<pad:3>", 1), ("<x:0g>", 0), ("<$>", 0)] {
            assert_eq!(parse(text).unwrap_err().0, column, "{text}");
        }
    }
}
