//! API calls: what they do, who may, and how they fail.

use civispec_reference::pipe::Profile;

use super::{calls, text};

const ADMIN: (&str, &str) = ("login", r#"{"cred":"Bearer s3cr3tk3y"}"#);
const DEMO: (&str, &str) = ("login", r#"{"cred":"Bearer demokey"}"#);
const DENIED: &str = "-32099";

/// The outcome of the last of these calls.
fn last(flags: &str, steps: &[(&str, &str)]) -> String {
    calls(Profile::Published, flags, steps).pop().unwrap()
}

#[test]
fn contacts_live_through_api3() {
    let results = calls(
        Profile::Published,
        "u",
        &[
            ADMIN,
            (
                "api3",
                r#"["Contact","create",{"contact_type":"Individual","first_name":"Eve","sequential":1}]"#,
            ),
            ("api3", r#"["contact","GETCOUNT",{"first_name":"Eve"}]"#),
            ("api3", r#"["Contact","create",{"id":205,"last_name":"Example"}]"#),
            ("api3", r#"["Contact","delete",{"id":205}]"#),
            ("api3", r#"["Contact","get",{"id":205}]"#),
            ("api3", r#"["Contact","delete",{"id":205}]"#),
            ("api3", r#"["Contact","create",{"first_name":"Eve"}]"#),
            ("api3", r#"["Contact","get",{"rowCount":2,"id":{">":2},"sequential":1}]"#),
        ],
    );
    assert!(
        results[1].starts_with(r#"{"is_error":0,"version":3,"count":1,"values":[{"id":205,"#),
        "{results:?}"
    );
    assert_eq!(results[2], "1");
    assert!(results[3].contains(r#""values":{"205":{"id":205,"#), "{results:?}");
    assert!(results[3].contains(r#""display_name":"Eve Example""#), "{results:?}");
    assert_eq!(results[4], r#"{"is_error":0,"version":3,"count":1,"values":1}"#);
    assert_eq!(results[5], r#"{"is_error":0,"version":3,"count":0,"values":{}}"#);
    assert_eq!(results[6..8], ["-32099", "-32099"]);
    assert_eq!(results[8].matches("contact_type").count(), 2);
}

#[test]
fn contacts_live_through_api4() {
    let results = calls(
        Profile::Published,
        "u",
        &[
            ADMIN,
            ("api4", r#"["Contact","create",{"values":{"contact_type":"Household","display_name":"H"}}]"#),
            ("api4", r#"["Contact","update",{"where":[["id","=",205]],"values":{"display_name":"I"}}]"#),
            ("api4", r#"["Contact","get",{"select":["display_name"],"orderBy":{"id":"DESC"},"limit":2},0]"#),
            ("api4", r#"["Contact","get",{"where":[["id","IN",[1,205]]]},"display_name"]"#),
            ("api4", r#"["Contact","delete",{"where":[["id","=",205]]}]"#),
            ("api4", r#"["Contact","delete",{"where":[["id","=",205]]}]"#),
            ("api4", r#"["Contact","delete"]"#),
            ("api4", r#"["Contact","get",{"where":[["nope","=",1]]}]"#),
            ("api4", r#"["contact","get"]"#),
            ("api4", r#"["Contact","getFields"]"#),
        ],
    );
    assert!(
        results[1].starts_with(r#"[{"id":205,"contact_type":"Household","display_name":"H""#),
        "{results:?}"
    );
    assert!(results[2].contains(r#""display_name":"I""#), "{results:?}");
    assert_eq!(results[3], r#"{"display_name":"I"}"#);
    assert!(results[4].starts_with(r#"{"Example Society":{"id":1,"#), "{results:?}");
    assert_eq!(results[5..7], [r#"[{"id":205}]"#, "[]"]);
    assert_eq!(results[7..10], ["-32099", "-32099", "-32099"]);
    assert!(results[10].starts_with(r#"[{"name":"id","#), "{results:?}");
}

#[test]
fn the_system_tells_its_version_and_flushes_nothing() {
    assert_eq!(
        last("t", &[("api3", r#"["System","flush",{"check_permissions":0}]"#)]),
        r#"{"is_error":0,"version":3,"count":1,"values":1}"#
    );
    assert_eq!(
        last("u", &[ADMIN, ("api4", r#"["System","get",{}]"#)]),
        r#"[{"version":"5.81.0","uf":"Standalone"}]"#
    );
}

#[test]
fn a_user_gets_what_its_permissions_cover() {
    for (user, method, params, wanted) in [
        (None, "api4", r#"["Contact","get"]"#, DENIED),
        (None, "api3", r#"["Contact","getfields"]"#, DENIED),
        (None, "api4", r#"["System","get"]"#, DENIED),
        (None, "api4", r#"["Noise","stderr"]"#, r#"[{"ok":1}]"#),
        (Some(DEMO), "api3", r#"["Contact","get"]"#, DENIED),
        (Some(DEMO), "api4", r#"["Contact","get",{"select":["id"]}]"#, r#"[{"id":203}]"#),
        (Some(DEMO), "api4", r#"["Contact","getCount",{"where":[["id","=",202]]}]"#, r#"[{"row_count":0}]"#),
        (Some(DEMO), "api4", r#"["Contact","update",{"where":[["id","=",203]],"values":{}}]"#, DENIED),
        (Some(DEMO), "api4", r#"["System","flush"]"#, DENIED),
        (Some(ADMIN), "api4", r#"["Contact","getCount"]"#, r#"[{"row_count":6}]"#),
    ] {
        let steps: Vec<(&str, &str)> = user.into_iter().chain([(method, params)]).collect();
        assert_eq!(last("u", &steps), wanted, "{params}");
    }
}

/// Every way to wish for a call without checks.
fn opt_outs() -> Vec<(&'static str, String)> {
    let mut ways = Vec::new();
    for off in ["false", "0", "\"\"", "\"0\"", "[]"] {
        ways.push(("api3", format!(r#"["System","get",{{"check_permissions":{off}}}]"#)));
        ways.push((
            "api3",
            format!(r#"["Noise","stderr",{{"api.System.get":{{"check_permissions":{off}}}}}]"#),
        ));
        ways.push((
            "api3",
            format!(r#"["Noise","stderr",{{"check_permissions":{off},"api.System.get":1}}]"#),
        ));
        ways.push((
            "api4",
            format!(r#"["System","get",{{"checkPermissions":true,"checkPermissions":{off}}}]"#),
        ));
        ways.push((
            "api4",
            format!(
                r#"["Noise","stderr",{{"chain":{{"x":["System","get",{{"checkPermissions":{off}}}]}}}}]"#
            ),
        ));
    }
    ways
}

#[test]
fn a_trusted_session_can_skip_checks_at_every_level_and_an_untrusted_one_cannot() {
    for (method, params) in opt_outs() {
        assert_ne!(last("t", &[(method, &params)]), DENIED, "{params}");
        assert_eq!(last("u", &[(method, &params)]), DENIED, "{params}");
        assert_eq!(last("tu", &[("options", "{}"), DEMO, (method, &params)]), DENIED, "{params}");
    }
}

#[test]
fn other_spellings_skip_no_checks() {
    for params in [
        r#"["System","get",{"checkPermissions":false}]"#,
        r#"["System","get",{"check_permissions":null}]"#,
        r#"["System","get",{"check_permissions":"false"}]"#,
        r#"["System","get",{"check_permissions":false,"check_permissions":1}]"#,
    ] {
        assert_eq!(last("t", &[("api3", params)]), DENIED, "{params}");
    }
    assert_eq!(last("t", &[("api4", r#"["System","get",{"check_permissions":false}]"#)]), DENIED);
}

#[test]
fn the_option_sets_the_default_and_an_explicit_wish_beats_it() {
    let off = ("options", r#"{"apiCheckPermissions":false}"#);
    assert_ne!(last("t", &[off, ("api4", r#"["System","get"]"#)]), DENIED);
    assert_eq!(last("t", &[off, ("api4", r#"["System","get",{"checkPermissions":true}]"#)]), DENIED);
    assert_eq!(
        last("t", &[off, ("api3", r#"["Noise","stderr",{"check_permissions":1,"api.System.get":{}}]"#)]),
        DENIED
    );
}

#[test]
fn chained_calls_run_for_every_row_with_its_values() {
    let chain = r#"["Contact","get",{"where":[["id","<",3]],"select":["id"],
        "chain":{"me":["Contact","get",{"where":[["id","=","$id"]],"select":["display_name"]},0]}}]"#;
    assert_eq!(
        last("u", &[ADMIN, ("api4", &chain.replace('\n', ""))]),
        r#"[{"id":1,"me":{"display_name":"Example Society"}},{"id":2,"me":{"display_name":"Berta Beispiel"}}]"#
    );
    let nested = r#"["Contact","get",{"id":2,"api.Contact.getcount":[{"id":"$value.id"},{"id":9}]}]"#;
    assert!(last("u", &[ADMIN, ("api3", nested)]).contains(r#""api.Contact.getcount":[1,0]"#));
}

#[test]
fn calls_that_multiply_or_nest_without_end_are_stopped() {
    let mut deep = r#"["Noise","stderr",{}]"#.to_owned();
    for _ in 0..50 {
        deep = format!(r#"["Noise","stderr",{{"chain":{{"x":{deep}}}}}]"#);
    }
    assert_eq!(last("u", &[("api4", &deep)]), "-32099");
    let wide = format!(r#"["Noise","stderr",{{"api.Noise.stderr":[{}{{}}]}}]"#, "{},".repeat(2000));
    assert_eq!(last("u", &[("api3", &wide)]), "-32099");
}

#[test]
fn errors_are_results_or_json_rpc_errors_as_the_option_says() {
    let array = ("options", r#"{"apiError":"array"}"#);
    for method in ["api3", "api4"] {
        assert_eq!(last("t", &[(method, r#"["Contact","zz"]"#)]), "-32099");
        assert_eq!(
            last("t", &[array, (method, r#"["Contact","zz"]"#)]),
            r#"{"is_error":1,"error_message":"there is no such entity or action","error_code":"not-found","entity":"Contact","action":"zz"}"#
        );
        assert_eq!(last("t", &[array, (method, r#"["Contact"]"#)]), "-32602");
    }
}

#[test]
fn tuples_of_another_shape_are_invalid_params() {
    for params in [
        "[]",
        "{}",
        r#"["Contact"]"#,
        r#"["Contact",1]"#,
        r#"[1,"get"]"#,
        r#"["Contact","get",null]"#,
        r#"["Contact","get",[1]]"#,
        r#"["Contact","get","x"]"#,
        r#"["Contact","get",{},1.5]"#,
        r#"["Contact","get",{},0,0]"#,
        r#"{"entity":"Contact","action":"get"}"#,
    ] {
        for method in ["api3", "api4"] {
            assert_eq!(last("t", &[(method, params)]), "-32602", "{method} {params}");
        }
    }
    assert_eq!(last("t", &[("api4", r#"["Noise","stderr",[],null]"#)]), r#"[{"ok":1}]"#);
}

#[test]
fn noise_comes_before_the_response() {
    let request = |action: &str, params: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"api4","params":["Noise","{action}",{params}],"id":1}}"#) + "\n"
    };
    let response = "{\"jsonrpc\":\"2.0\",\"result\":[{\"ok\":1}],\"id\":1}\n";
    assert_eq!(text("u", &request("echo", "{}")), format!("DEBUG: noise\n{response}"));
    assert_eq!(text("u", &request("echo", r#"{"text":"a\nb"}"#)), format!("a\nb{response}"));
    assert_eq!(text("u", &request("partial", "{}")), format!("noise-without-newline{response}"));
    assert_eq!(text("u", &request("stderr", "{}")), response);
}
