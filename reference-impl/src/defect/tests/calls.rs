//! Sessions in which the rows of the tables `calls_*` have something to do.

use super::Script;
use crate::pipe::Profile;

pub(super) const SESSIONS: [Script; 6] = [
    (
        Profile::Published,
        Some("vtlv"),
        &[
            r#"{…"method":"echo","params":["true","123456","\f","<b>",{},"\u001b",1.5E+1],"id":"é\u0001"}¶"#,
            r#"{…"method":"echo","params":["x",1e21],"id":0}¶{…"params":["x"],"id":1}¶"#,
            r#"{…"\u006dethod":"echo","id":1}¶{…"method":"echo","method":"no","id":1}¶"#,
            "\u{feff}{…\"method\":\"echo\",\"id\":1}¶\u{feff}{…\"method\":\"echo\",\"id\":2}¶",
            r#"{…"method":"no"}¶[{…"method":"echo","id":1}]¶[[{…"method":"echo","id":1}],5]¶"#,
            r#"[{…"method":"echo","id":1},{…"method":"no","id":2},{…"method":"echo","id":3}]¶"#,
            r#"{…"id":1}¶[{…"method":"echo","id":1},{…"method":"echo","id":2}]¶"#,
            r#"{…"method":"options","params":5,"id":1}¶{…"method":"api4","params":"x","id":1}¶"#,
            r#"{…"method":"options","params":{"bufferSize":70000},"id":1¶{…"method":"options","id":1}¶"#,
            "{}¶{}¶{}¶{}¶{}¶{}¶{}¶{}¶{}¶{}¶",
        ],
    ),
    (
        Profile::Published,
        Some("vtl"),
        &[
            r#"{…"method":"api3","params":["No","get",{"check_permissions":0}],"id":1}¶"#,
            r#"{…"method":"api4","params":["No","get",{}],"id":1}¶[{…"method":"api4","params":["No","get"],"id":1}]¶"#,
            r#"{…"method":"api3","params":["Contact","get",{"id":99999,"check_permissions":0}],"id":1}¶"#,
            r#"{…"method":"api4","params":["Contact","get",{"where":[["id","=",99999]],"checkPermissions":false}],"id":1}¶"#,
            r#"{…"method":"api4","params":["Contact","get"],"id":1}¶"#,
            r#"{…"method":"options","params":{"apiError":"array"},"id":1}¶{…"method":"api3","params":["No","get"],"id":1}¶"#,
            r#"{…"method":"login","params":[["x"]],"id":1}¶"#,
            r#"{…"method":"login","params":{"contactId":99999},"id":1}¶{…"method":"login","params":{"userId":99},"id":1}¶"#,
            r#"{…"method":"login","params":{"user":""},"id":1}¶[{…"method":"login","params":{"cred":"no"},"id":1}]¶"#,
            r#"{…"method":"login","params":{"cred":"Bearer s3cr3tk3y!"},"id":1}¶"#,
            r#"{…"method":"login","params":{"userId":1},"id":1}¶"#,
            r#"{…"method":"api4","params":["Contact","get",{"limit":2,"checkPermissions":false}],"id":1}¶"#,
        ],
    ),
    (
        Profile::Published,
        Some("vul"),
        &[
            r#"{…"method":"echo","id":1}¶{…"method":"api3","params":["Contact","get",{"rowCount":1}],"id":1}¶"#,
            r#"{…"method":"login","params":{"cred":"Bearer s3cr3tk3y"},"id":1}¶"#,
            r#"{…"method":"api4","params":["Contact","get",{"limit":2}],"id":1}¶"#,
            r#"{…"method":"api4","params":["Contact","get",{"limit":2,"checkPermissions":false}],"id":1}¶"#,
            r#"{…"method":"api3","params":["Contact","getcount",{"check_permissions":0}],"id":1}¶"#,
            r#"{…"method":"api4","params":["Contact","get",{"chain":{"c":["Contact","getCount",{}]}}],"id":1}¶"#,
            r#"{…"method":"api4","params":["Contact","get",{"chain":{"c":["Contact","getCount",{"checkPermissions":false}]}}],"id":1}¶"#,
        ],
    ),
    (Profile::Published, None, &["\u{feff}{…\"method\":\"echo\",\"id\":1}¶"]),
    (
        Profile::Published,
        None,
        &["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]¶"],
    ),
    (
        Profile::Draft,
        None,
        &[
            r#"{…"method":"echo","params":null,"id":1}¶{…"method":"api4","params":[],"id":1}¶"#,
            r#"{…"method":"echo","params":"x","id":1}¶{"OPTIONS":{}}¶"#,
        ],
    ),
];

/// Lines that are too long to write out.
pub(super) fn lines() -> Vec<Vec<u8>> {
    vec![format!("{}{}", "[".repeat(300), "]".repeat(300)).into_bytes()]
}
