//! Finds the place of a mismatch in the text of an answer, so that it can be marked.

use civispec_wire::json::{Json, parse};

/// Column and width, in characters, of what stands at a JSON pointer in `text`; for a member that is missing, of the
/// bracket that closes the value where it should stand. Nothing for text that is no condensed JSON.
#[must_use]
pub fn place(text: &str, pointer: &str) -> Option<(usize, usize)> {
    let value = parse(text.as_bytes()).ok()?;
    if value.to_string() != text {
        return None;
    }
    let mut at = 0;
    let mut here = &value;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        match child(here, &step) {
            Some((offset, next)) => {
                at += offset;
                here = next;
            }
            None => return Some((at + width(here).saturating_sub(1), 1)),
        }
    }
    Some((at, width(here)))
}

/// The offset of a child within the text of its parent, and the child; of duplicate members the last, as oracles read
/// them.
fn child<'a>(parent: &'a Json, step: &str) -> Option<(usize, &'a Json)> {
    let mut offset = 1;
    let mut found = None;
    match parent {
        Json::Array(items) => {
            let index: usize = step.parse().ok()?;
            for item in items.iter().take(index) {
                offset += width(item) + 1;
            }
            found = items.get(index).map(|item| (offset, item));
        }
        Json::Object(members) => {
            for (name, value) in members {
                offset += width(&Json::from(name.as_str())) + 1;
                if name == step {
                    found = Some((offset, value));
                }
                offset += width(value) + 1;
            }
        }
        _ => {}
    }
    found
}

fn width(value: &Json) -> usize {
    value.to_string().chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_found_in_the_text() {
        let text = r#"{"a":[1,{"é":"x"}],"b":null}"#;
        for (pointer, wanted) in
            [("/a/0", "1"), ("/a/1/é", "\"x\""), ("/b", "null"), ("", text), ("/a/7", "]"), ("/c", "}")]
        {
            let (at, width) = place(text, pointer).unwrap();
            assert_eq!(text.chars().skip(at).take(width).collect::<String>(), wanted, "{pointer}");
        }
        assert_eq!(place("{ \"a\":1}", "/a"), None);
        assert_eq!(place("nonsense", "/a"), None);
    }
}
