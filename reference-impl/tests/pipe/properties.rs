//! What holds for any input.

use civispec_reference::pipe::{Config, Profile, Session};
use civispec_wire::json;
use proptest::prelude::*;

/// A line that may be a request, nearly one, or nothing of the kind.
fn line() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        r#"{"jsonrpc":"2.0","method":"echo","params":{"a":[]},"id":1}"#,
        r#"{"jsonrpc":"2.0","method":"echo"}"#,
        r#"{"jsonrpc":"2.0","method":"options","params":{"bufferSize":90},"id":"o"}"#,
        r#"{"jsonrpc":"2.0","method":"options","params":{"responsePrefix":"@"},"id":2}"#,
        r#"{"jsonrpc":"2.0","method":"login","params":{"userId":2},"id":3}"#,
        r#"{"jsonrpc":"2.0","method":"api4","params":["Noise","stderr"],"id":4}"#,
        r#"[{"jsonrpc":"2.0","method":"echo","id":5},1,{}]"#,
        r#"[]"#,
        "",
    ]);
    prop_oneof![
        4 => fragment.clone().prop_map(str::to_owned),
        1 => (fragment, 0usize..60).prop_map(|(text, at)| text.get(..at).unwrap_or(text).to_owned()),
        1 => "[ -~]{0,120}",
    ]
}

fn input() -> impl Strategy<Value = Vec<u8>> {
    let lines = prop::collection::vec(line(), 0..12).prop_map(|lines| lines.join("\n").into_bytes());
    prop_oneof![9 => lines, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

fn run(profile: Profile, flags: &[u8], chunks: &[&[u8]]) -> Vec<u8> {
    let mut session = Session::new(&Config { profile, flags: Some(flags.to_vec()), ..Config::default() });
    let mut out = session.header();
    for chunk in chunks {
        session.feed(chunk, &mut out);
    }
    session.finish(&mut out);
    out
}

proptest! {
    #[test]
    fn any_split_of_the_input_gives_the_same_output(
        input in input(),
        cuts in prop::collection::vec(0usize..1000, 0..20),
        draft: bool,
    ) {
        let profile = if draft { Profile::Draft } else { Profile::Published };
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &input[w[0]..w[1]]).collect();
        prop_assert_eq!(run(profile, b"t", &chunks), run(profile, b"t", &[&input]));
        let single: Vec<&[u8]> = input.chunks(1).collect();
        prop_assert_eq!(run(profile, b"t", &single), run(profile, b"t", &[&input]));
    }

    #[test]
    fn output_is_lines_of_json_at_most_one_for_each_line_of_input(input in input(), flags: Vec<u8>) {
        let out = run(Profile::Published, &flags, &[&input]);
        prop_assert_eq!(out.last(), Some(&b'\n'));
        let lines: Vec<&[u8]> = out[..out.len() - 1].split(|b| *b == b'\n').collect();
        for line in &lines {
            prop_assert!(json::parse(line.strip_prefix(b"@").unwrap_or(line)).is_ok());
        }
        prop_assert!(lines.len() <= 1 + input.split(|b| *b == b'\n').filter(|line| !line.is_empty()).count());
    }

    #[test]
    fn any_flags_give_a_header_that_reports_each_of_them_once(flags: String) {
        let out = run(Profile::Published, flags.as_bytes(), &[]);
        let header = json::parse(out.strip_suffix(b"\n").unwrap()).unwrap();
        let reported: String = header.get("Civi::pipe").unwrap().as_object().unwrap().iter().map(|(flag, _)| flag.as_str()).collect();
        let mut unique: Vec<char> = Vec::new();
        for flag in flags.chars() {
            if !unique.contains(&flag) {
                unique.push(flag);
            }
        }
        prop_assert_eq!(reported, unique.into_iter().collect::<String>());
    }

    #[test]
    fn a_line_within_the_limit_is_served_and_one_beyond_it_is_not(limit in 60usize..400, length in 60usize..400) {
        let set = format!(r#"{{"jsonrpc":"2.0","method":"options","params":{{"bufferSize":{limit}}},"id":1}}"#);
        let echo = r#"{"jsonrpc":"2.0","method":"echo","id":2}"#;
        let input = format!("{set}\n{echo:>length$}\n");
        let out = String::from_utf8(run(Profile::Published, b"t", &[input.as_bytes()])).unwrap();
        prop_assert_eq!(out.ends_with("\"result\":[],\"id\":2}\n"), length <= limit, "{}", out);
    }
}
