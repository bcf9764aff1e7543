//! Every row of the tables does something, and no two rows share a name.

use super::*;
use crate::pipe::{Config, Session};

/// Sessions in which every row has something to do: the flags, and what each read brings, with `¶` for a line feed
/// and `¤` for a carriage return.
const SESSIONS: [(&str, &[&str]); 4] = [
    (
        "vxtlj0",
        &[
            "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"é/\u{2028}\",12345678901234567890],\"id\":\"7\"}¶",
            r#"{"jsonrpc":"2.0","method":"echo","params":{},"id":1.5}¤¶"#,
            r#"{"jsonrpc":"2.0","method":"echo"}¶[]¶"#,
            r#"[{"jsonrpc":"2.0","method":"echo"}]¶"#,
            r#"[1,{"jsonrpc":"2.0","method":"Echo","id":"5"}]¶"#,
            r#"{"jsonrpc":"1.0","method":"echo","id":2}¶"#,
            r#"{"jsonrpc":"2.0","method":"login","params":{"userId":1},"id":3}¶"#,
            r#"{"jsonrpc":"2.0","method":"login","params":{"cred":"Bearer no"},"id":4}¶"#,
            r#"{"jsonrpc":"2.0","method":"api4","params":["Contact","getCount"],"id":5}¶"#,
            r#"{"jsonrpc":"2.0","method":"options","params":{"apiError":"array","responsePrefix":"@"},"id":6}¶"#,
            r#"[{"jsonrpc":"2.0","method":"api3","params":["No","get"],"id":7}]¶"#,
            r#"{"jsonrpc":"2.0","method":"api3","params":["Noise","echo"],"id":8}¶"#,
            r#"{¶"#,
            r#"{"jsonrpc":"2.0","method":"echo","params":[0],"id":"9"}¶0¶"#,
        ],
    ),
    (
        "u",
        &[
            r#"{"jsonrpc":"2.0","method":"login","params":{"cred":"Bearer demokey"},"id":1}¶"#,
            r#"{"jsonrpc":"2.0","method":"api4","params":["Contact","get",{"limit":3}],"id":2}¶"#,
            r#"{"jsonrpc":"2.0","method":"api4","params":["System","get",{"checkPermissions":0}],"id":3}¶"#,
            r#"{"jsonrpc":"2.0","method":"api4","params":["Noise","echo",{"chain":{"x":["System","get",{"checkPermissions":false}]}}],"id":4}¶"#,
            r#"{"jsonrpc":"2.0","method":"options","id":5}¶"#,
            r#"{"jsonrpc":"2.0","method":"api3","params":["System","get",{"check_permissions":""}],"id":6}¶"#,
        ],
    ),
    (
        "t",
        &[
            r#"{"jsonrpc":"2.0","method":"options","params":{"bufferSize":44,"responsePrefix":"@"},"id":1}¶"#,
            r#"{"jsonrpc":"2.0","method":"echo","id":12345}¶{"jsonrpc":"2.0","method":"echo","id":123456}{}¶"#,
            r#"{}¶"#,
        ],
    ),
    ("", &[r#"{"jsonrpc":"2.0","met"#, r#"hod":"echo","id":1}¶1"#]),
];

/// All that a server with these seeds writes in those sessions.
fn play(defects: &[Defect], variants: &[Variant]) -> String {
    let mut out = Vec::new();
    for (flags, reads) in SESSIONS {
        let mut session = Session::new(&Config {
            flags: Some(flags.into()),
            defects: defects.to_vec(),
            variants: variants.to_vec(),
            ..Config::default()
        });
        out.extend(session.header());
        for read in reads {
            session.feed(read.replace('¶', "\n").replace('¤', "\r").as_bytes(), &mut out);
        }
        session.finish(&mut out);
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn every_defect_and_every_variant_makes_a_difference() {
    let sound = play(&[], &[]);
    let defects = Defect::all().filter(|d| play(&[*d], &[]) == sound).map(Defect::slug);
    let variants = Variant::all().filter(|v| play(&[], &[*v]) == sound).map(Variant::slug);
    let idle: Vec<&str> = defects.chain(variants).collect();
    assert!(idle.is_empty(), "{idle:?} in {sound}");
}

#[test]
fn every_name_is_unique_and_leads_back_to_its_row() {
    let mut slugs: Vec<&str> = Defect::all().map(Defect::slug).collect();
    for slug in &slugs {
        assert_eq!(slug.parse::<Defect>().unwrap().slug(), *slug);
    }
    let count = slugs.len();
    slugs.sort_unstable();
    slugs.dedup();
    assert_eq!(slugs.len(), count);
    assert!(Variant::all().all(|v| v.slug().parse() == Ok(v)));
}

#[test]
fn an_unknown_name_is_told() {
    let error = "no-such".parse::<Defect>().unwrap_err();
    assert_eq!(error.to_string(), "there is no defect called \"no-such\"");
}
