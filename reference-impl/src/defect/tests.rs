//! Every row of the tables does something, no two rows share a name, and the data beside the cases knows each of them.

mod calls;
mod lines;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::pipe::{Config, Profile, Session};

const DEFECTS_FILE: &str = include_str!("../../../cases/pipe/defects.toml");
const CLAUSES_FILE: &str = include_str!("../../../cases/pipe/clauses.toml");

/// A profile, the flags, and what each read brings, with `¶` for a line feed, `¤` for a carriage return and
/// `§` for 5000 letters. A request may leave out its version: `{…` stands for it.
type Script = (Profile, Option<&'static str>, &'static [&'static str]);

/// Sessions in which every row has something to do.
const SESSIONS: [Script; 14] = [
    (
        Profile::Published,
        Some("vxtlj0éü"),
        &[
            "{…\"method\":\"echo\",\"params\":[\"é/\u{2028}\u{1f4b6}\u{10fffd}\\u0001\\u001f\",12345678901234567890,9007199254740991],\"id\":\"7\"}¶",
            "¶¶¶ ¶",
            r#"{…"method":"echo","params":{},"id":1.5}¤¶"#,
            r#"{…¤"method":"echo","params":{"a":[1,{"b":2}]},"id":""}¶"#,
            r#"{…"method":"echo","id":1}¶{…"method":"echo","params":null,"id":1}¶"#,
            r#"{…"method":"echo"}¶[]¶{…"method":"echo","params":["x"],"id":2}¶5¶0¶null¶"#,
            r#"[{…"method":"echo"}]¶[{…"method":"no"}]¶"#,
            r#"[1,2,null,{…"method":"Echo","id":"5"},{…"method":"echo","id":"5","params":[]}]¶"#,
            r#"[{…"method":"rpc.echo","id":1,"params":[1]},{"method":"echo","id":3,"params":[1]}]¶"#,
            r#"[{…"method":"no"},{…"method":"echo","id":3,"params":[1]}]¶"#,
            r#"{"jsonrpc":"1.0","method":"echo","id":2}¶{"jsonrpc":2.0,"method":"echo","id":2}¶"#,
            r#"{"method":"echo","id":2}¶{"method":"echo","id":2,"jsonrpc":"2.0"}¶"#,
            r#"{…"id":2}¶{…"method":["echo"],"id":2}¶{…"Method":"echo","id":2}¶{…"method":"echo","id":[]}¶"#,
            r#"{…"method":"rpc.discover","id":2}¶{…"method":"__construct","id":2}¶{…"method":"echo\u0000","id":2}¶"#,
            r#"{…"method":"","id":2}¶{…"method":"nosuch","id":2}¶{…"method":"nosuch","id":"3"}¶"#,
            r#"{…"method":"echo","params":"x","id":2}¶{…"method":"echo","params":false,"id":2}¶"#,
            r#"{…"method":"echo","params":[1],"id":null}¶{…"method":"no","id":null}¶{…"method":5,"id":1}¶"#,
            r#"[{…"method":"no","id":1},{…"method":"echo","id":1},{…"method":"echo","id":2}]¶[{…"id":1},{…¶[ ]¶{…"method":"echo","id":"\u0001","params":[1]}¶"#,
            r#"{…"method":"echo","params":[1],"id":5¶{…"method":"echo","params":[1],"id":5}¶[{…}¶"#,
        ],
    ),
    (
        Profile::Published,
        Some("vtl"),
        &[
            r#"{…"method":"api3","params":["System","get",{"check_permissions":0}],"id":1}¶"#,
            r#"{…"method":"api3","params":["System","get",{"check_permissions":false}],"id":1}¶"#,
            r#"{…"method":"api4","params":["System","get",{"checkPermissions":false}],"id":1}¶"#,
            r#"[{…"method":"api4","params":["System","get",{"checkPermissions":false}],"id":1}]¶"#,
            r#"{…"method":"api3","params":["System","get"],"id":1}¶{…"method":"api4","params":["System","get"],"id":1}¶"#,
            r#"{…"method":"api3","params":["Contact","get",{"id":1,"check_permissions":0}],"id":1}¶"#,
            r#"{…"method":"api3","params":[],"id":1}¶{…"method":"api4","params":["No"],"id":1}¶"#,
            r#"{…"method":"api4","params":["No","get"],"id":1}¶{…"method":"api3","params":["No","get"],"id":1}¶"#,
            r#"[{…"method":"api3","params":["System","get",{"check_permissions":0}],"id":1}]¶"#,
            r#"[{…"method":"api3","params":["System","get"],"id":1}]¶"#,
            r#"{…"method":"api4","params":["Contact","get",{"where":[["no","=",1]],"checkPermissions":false}],"id":1}¶"#,
            r#"{…"method":"api4","params":["System","get",{"checkPermissions":false}],"id":1}¶"#,
            r#"{…"method":"options","params":{"bufferSize":70000,"responsePrefix":"\u0001"},"id":1}¶"#,
            r#"[{…"method":"no","id":1}]¶{…"method":"options","id":1}¶"#,
            r#"{…"method":"api3","params":["Noise","stderr",{"api.System.get":{}}],"id":1}¶"#,
            r#"{…"method":"rpc.echo","id":1,"params":[1]}¶"#,
            r#"{…"method":"options","params":{"apiCheckPermissions":false,"apiError":"array"},"id":1}¶"#,
            r#"{…"method":"api4","params":["System","get"],"id":1}¶{…"method":"api3","params":["System","get"],"id":1}¶"#,
            r#"{…"method":"api4","params":["System","get",{"checkPermissions":true}],"id":1}¶"#,
            r#"[{…"method":"api4","params":["System","get",{"checkPermissions":true}],"id":1}]¶"#,
            r#"{…"method":"options","id":1}¶{…"method":"options","params":{"apiError":"exception"},"id":1}¶"#,
            r#"{…"method":"api4","params":["No","get"],"id":1}¶{…"method":"options","params":{"bufferSize":70000},"id":1}¶"#,
            r#"{…"method":"options","params":{"apiError":"some"},"id":1}¶{…"method":"options","params":{"apiError":"Array"},"id":1}¶"#,
            r#"{…"method":"options","params":{"bufferSize":80000,"apiError":"some"},"id":1}¶{…"method":"options","id":1}¶"#,
            r#"{…"method":"options","params":{"none":1},"id":1}¶"#,
        ],
    ),
    (
        Profile::Published,
        Some("vtl"),
        &[
            r#"{…"method":"login","id":1}¶{…"method":"login","params":{},"id":1}¶"#,
            r#"{…"method":"login","params":{"userId":1,"user":"admin"},"id":3}¶{…"method":"login","params":{"no":1},"id":1}¶"#,
            r#"{…"method":"login","params":{"cred":"Bearer no"},"id":4}¶"#,
            r#"{…"method":"login","params":{"userId":1},"id":3}¶"#,
            r#"{…"method":"api4","params":["Contact","getCount"],"id":5}¶"#,
            r#"{…"method":"login","params":{"cred":"Bearer no"},"id":4}¶"#,
            r#"{…"method":"api4","params":["Contact","getCount"],"id":5}¶"#,
            r#"{…"method":"api3","params":["Contact","getcount"],"id":5}¶"#,
            r#"{…"method":"options","params":{"apiError":"array","responsePrefix":"@"},"id":6}¶"#,
            r#"[{…"method":"api3","params":["No","get"],"id":7},{…"method":"api3","params":["Noise","echo"],"id":7}]¶"#,
            r#"{…"method":"options","params":{"apiError":"array","responsePrefix":"@"},"id":6}¶"#,
            r#"{…"method":"api3","params":["Noise","echo"],"id":8}¶"#,
            r#"{…"method":"options","id":6¶{…"method":"options","id":6}¶"#,
            r#"{…"method":"echo","params":[0],"id":"9"}¶0"#,
        ],
    ),
    (
        Profile::Published,
        Some("vtl"),
        &[
            r#"{…"method":"login","params":{"contactId":202},"id":1}¶{…"method":"api4","params":["System","get"],"id":1}¶"#,
        ],
    ),
    (
        Profile::Published,
        Some("jltv"),
        &[
            r#"{…"method":"login","params":{"user":"admin"},"id":1}¶{…"method":"api4","params":["System","get"],"id":1}¶"#,
        ],
    ),
    (
        Profile::Published,
        Some("vul"),
        &[
            r#"{…"method":"login","params":{"contactId":202},"id":1}¶{…"method":"api4","params":["System","get"],"id":1}¶"#,
            r#"{…"method":"login","params":{"cred":"Bearer demokey"},"id":1}¶"#,
            r#"{…"method":"api4","params":["Contact","get",{"limit":3}],"id":2}¶"#,
            r#"{…"method":"api4","params":["System","get",{"checkPermissions":0}],"id":3}¶"#,
            r#"{…"method":"api4","params":["Noise","echo",{"chain":{"x":["System","get",{"checkPermissions":false}]}}],"id":4}¶"#,
            r#"{…"method":"options","id":5}¶"#,
            r#"{…"method":"api3","params":["System","get",{"check_permissions":""}],"id":6}¶"#,
            r#"{…"method":"api3","params":["System","get",{"check_permissions":""}],"id":6}¶"#,
            r#"[{…"method":"api3","params":["System","get",{"check_permissions":""}],"id":6}]¶"#,
            r#"{…"method":"api3","params":["System","get",{"check_permissions":0}],"id":6}¶"#,
            r#"{…"method":"api3","params":["System","get"],"id":6}¶"#,
            r#"[{…"method":"api4","params":["System","get",{"checkPermissions":""}],"id":6}]¶"#,
            r#"{…"method":"options","params":{"apiCheckPermissions":false},"id":1}¶{…"method":"options","id":5}¶"#,
        ],
    ),
    (
        Profile::Published,
        Some("u"),
        &[
            r#"{…"method":"login","params":{"userId":1},"id":1}¶{…"method":"api4","params":["System","get"],"id":1}¶"#,
        ],
    ),
    (
        Profile::Published,
        Some("u"),
        &[
            r#"{…"method":"login","params":{"user":"admin"},"id":1}¶{…"method":"api4","params":["System","get"],"id":1}¶"#,
        ],
    ),
    (
        Profile::Published,
        Some("t"),
        &[
            r#"{…"method":"options","params":{"bufferSize":44,"responsePrefix":"@"},"id":1}¶"#,
            r#"{…"method":"echo","id":12345}¶{…"method":"echo","id":123456}{}¶"#,
            r#"{}¶"#,
        ],
    ),
    (Profile::Published, None, &[r#"{…"met"#, r#"hod":"echo","id":1}¶1"#]),
    (
        Profile::Published,
        Some("xj"),
        &[r#"{…"method":"options","params":{"apiCheckPermissions":false},"id":1}¶"#],
    ),
    (
        Profile::Published,
        Some("tu"),
        &[r#"{…"method":"options","params":{"apiCheckPermissions":false},"id":1}¶"#],
    ),
    (
        Profile::Published,
        Some("ut"),
        &[r#"{…"method":"options","params":{"apiCheckPermissions":false},"id":1}¶"#],
    ),
    (
        Profile::Draft,
        None,
        &[
            r#"{"OPTIONS":{"maxLine":20000,"responsePrefix":"@"}}¶{"OPTIONS":{}}¶"#,
            r#"{…"method":"echo","params":"x","id":1}¶{…"method":"api4","params":["No","get"],"id":1}¶"#,
            r#"{…"method":"api3","params":["No","get"],"id":1}¶"#,
            r#"{…"method":"api4","params":["System","get",{"checkPermissions":false}],"id":1}¶"#,
            r#"[{…"method":"api4","params":["System","get",{"checkPermissions":false}],"id":1}]¶"#,
            r#"{…"method":"login","params":{"userId":1},"id":1}¶"#,
            r#"{…"method":"login","params":{"user":"admin"},"id":1}¶"#,
        ],
    ),
];

/// Lines in which JSON is used with freedom, and one long answer.
fn more_lines() -> Vec<Vec<u8>> {
    let echo = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"echo","params":[{params}],"id":1}}"#).into_bytes()
    };
    vec![
        echo("\"\t\""),
        echo("1,"),
        ["\u{feff}".as_bytes(), &echo("1")].concat(),
        echo(r#""\ud800\\\ud83d\ude00\udc00x""#),
        echo(r#"{"a":1,"a":2}"#),
        echo("1e999"),
        echo(&format!("{}{}", "[".repeat(70), "]".repeat(70))),
        echo(&format!("{}0", "0,".repeat(20_000))),
        echo(&format!("{}0", "0,".repeat(29_000))),
        b"\xff".to_vec(),
        echo("1"),
    ]
}

/// All that a server with these seeds writes in those sessions.
fn play(defects: &[Defect], variants: &[Variant]) -> Vec<u8> {
    let mut out = Vec::new();
    for (profile, flags, reads) in SESSIONS.into_iter().chain(calls::SESSIONS).chain(lines::SESSIONS) {
        let mut session = Session::new(&Config {
            profile,
            flags: flags.map(Into::into),
            defects: defects.to_vec(),
            variants: variants.to_vec(),
            ..Config::default()
        });
        out.extend(session.header());
        for read in reads {
            let read = read.replace("{…", r#"{"jsonrpc":"2.0","#).replace('¶', "\n").replace('¤', "\r");
            let read = read.replace('§', &"y".repeat(5000));
            session.feed(read.as_bytes(), &mut out);
        }
        session.finish(&mut out);
        out.extend(session.take_stderr());
    }
    let mut session =
        Session::new(&Config { defects: defects.to_vec(), variants: variants.to_vec(), ..Config::default() });
    for line in more_lines().into_iter().chain(calls::lines()) {
        session.feed(&line, &mut out);
        session.feed(b"\n", &mut out);
    }
    out
}

/// The tables of a TOML file by their header: the lines `key = "value"` of each, up to the next table.
fn tables(file: &str, header: &str) -> Vec<BTreeMap<String, String>> {
    let mut found: Vec<BTreeMap<String, String>> = Vec::new();
    let mut inside = false;
    for line in file.lines() {
        if line.starts_with('[') {
            inside = line == header;
            if inside {
                found.push(BTreeMap::new());
            }
        } else if let Some((key, value)) = line.split_once(" = ").filter(|_| inside)
            && let Some(table) = found.last_mut()
        {
            table.insert(key.to_owned(), value.trim_matches('"').to_owned());
        }
    }
    found
}

#[test]
fn every_defect_and_every_variant_makes_a_difference_and_no_two_defects_the_same() {
    let sound = play(&[], &[]);
    let mut seen = BTreeMap::from([(sound.clone(), "none")]);
    let twins: Vec<_> = Defect::all()
        .filter_map(|d| seen.insert(play(&[d], &[]), d.slug()).map(|other| (other, d.slug())))
        .collect();
    assert!(twins.is_empty(), "{twins:?}");
    let idle: Vec<&str> = Variant::all().filter(|v| play(&[], &[*v]) == sound).map(Variant::slug).collect();
    assert!(idle.is_empty(), "{idle:?}");
}

#[test]
fn markers_are_answered_with_their_token_whatever_is_wrong() {
    let marker = br#"{"jsonrpc":"2.0","method":"echo","params":["a7k2m9"],"id":"a7k2m9"}"#;
    let seeds =
        Defect::all().map(|d| (vec![d], Vec::new())).chain(Variant::all().map(|v| (Vec::new(), vec![v])));
    for (defects, variants) in seeds {
        for flags in ["vtl", "vul", "x"] {
            let config = Config {
                flags: Some(flags.into()),
                defects: defects.clone(),
                variants: variants.clone(),
                ..Config::default()
            };
            let mut session = Session::new(&config);
            for before in
                [&br#"{"jsonrpc":"2.0","#[..], b"[]", b"\xff", br#"{"jsonrpc":"2.0","method":"no","id":1}"#]
            {
                session.feed(before, &mut Vec::new());
                session.feed(b"\n", &mut Vec::new());
                let mut out = Vec::new();
                session.feed(marker, &mut out);
                session.feed(b"\n", &mut out);
                let out = String::from_utf8(out).unwrap();
                assert!(
                    out.ends_with('\n') && out.contains("a7k2m9"),
                    "{defects:?} {variants:?} {flags}: {out}"
                );
            }
        }
    }
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

#[test]
fn the_data_beside_the_cases_names_each_defect_once_and_no_other() {
    let listed: Vec<String> =
        tables(DEFECTS_FILE, "[[defect]]").into_iter().map(|mut row| row.remove("name").unwrap()).collect();
    let names: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    assert_eq!(names.len(), listed.len());
    assert_eq!(names, Defect::all().map(Defect::slug).collect());
}

#[test]
fn every_clause_that_binds_servers_has_a_gross_and_a_narrow_defect() {
    let clauses = tables(CLAUSES_FILE, "[[clause]]");
    let wanted: BTreeSet<(&str, &str)> = clauses
        .iter()
        .filter(|clause| ["must", "states", "should"].contains(&clause["level"].as_str()))
        .filter(|clause| clause["role"] != "client" && !clause.contains_key("untestable"))
        .flat_map(|clause| ["gross", "narrow"].map(|kind| (clause["id"].as_str(), kind)))
        .collect();
    let rows = tables(DEFECTS_FILE, "[[defect]]");
    let given = rows.iter().map(|row| (row["clause"].as_str(), row["kind"].as_str())).collect();
    let missing: Vec<_> = wanted.difference(&given).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let unknown: Vec<_> = given.iter().filter(|(id, _)| clauses.iter().all(|c| c["id"] != *id)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// What the reference does itself, and readings that a variant of another name plays too.
const READINGS_WITHOUT_VARIANT: [&str; 40] = [
    "flags-json-rpc-only-2-0",
    "flags-default-v-t-l",
    "flags-non-ascii-per-character",
    "flags-trust-both-untrusted-wins",
    "flags-trust-neither-untrusted",
    "line-empty-ignored-blank-parse-error",
    "echo-input-no-params-empty-array",
    "login-one-principal-several-refused",
    "options-list-four-defined",
    "options-modified-only-modified",
    "options-unknown-refused",
    "options-bad-value-refused",
    "buffer-limit-newline-not-counted",
    "buffer-over-long-one-error",
    "buffer-default-kb-1024",
    "prefix-before-response-set-reply-prefixed",
    "echo-any-params-returned",
    "options-notation-older-notation",
    "request-rpc-reserved-no-extension",
    "request-version-1-refused",
    "request-scalar-line-invalid-request",
    "params-wrong-type-invalid-params",
    "params-null-invalid",
    "notification-no-reply-no-reply",
    "error-code-invalid-request-id-of-request",
    "batch-responses-served",
    "batch-all-notifications-nothing",
    "batch-all-notifications-refused", // with batch-responses-refused
    "batch-invalid-members-error-each",
    "batch-invalid-members-refused", // with batch-responses-refused
    "batch-order-in-order",
    "number-beyond-beyond-exact",
    "freedom-raw-control-refused",
    "freedom-trailing-comma-refused",
    "freedom-byte-order-mark-refused",
    "freedom-lone-surrogate-refused",
    "freedom-duplicate-member-last-wins",
    "freedom-huge-number-accepted",
    "freedom-deep-nesting-accepted",
    "end-exits-last-line-served",
];

#[test]
fn every_reading_of_every_clause_is_that_of_the_reference_or_of_a_variant() {
    let mut clause = String::new();
    let mut readings = BTreeSet::new();
    let mut in_reading = false;
    for line in CLAUSES_FILE.lines() {
        let text = || line.split('"').nth(1).unwrap_or_default().to_owned();
        match line.split(" = ").next() {
            Some("[[clause]]") => in_reading = false,
            Some("[[clause.reading]]") => in_reading = true,
            Some("id") => clause = text().split_once(':').unwrap().1.replace('.', "-"),
            Some("name") if in_reading => assert!(readings.insert(format!("{clause}-{}", text()))),
            _ => {}
        }
    }
    let variants = Variant::all().filter_map(|v| v.slug().strip_prefix("reading-")).map(str::to_owned);
    let known: BTreeSet<String> =
        variants.chain(READINGS_WITHOUT_VARIANT.into_iter().map(str::to_owned)).collect();
    assert_eq!(readings, known);
}
