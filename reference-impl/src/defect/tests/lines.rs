//! Sessions in which defects of lines, flags, options and the prefix have something to do.

use super::{Profile, Script};

pub(super) const SESSIONS: [Script; 8] = [
    (
        Profile::Published,
        Some("vt"),
        &[
            r#"{…"method":"options","params":{"apiError":"array"},"id":1}¶"#,
            r#"{…"method":"login","params":{"contactId":202},"id":2}¶"#,
            r#"{…"method":"options","id":3}¶"#,
        ],
    ),
    (Profile::Published, Some(""), &[]),
    (Profile::Published, Some("01"), &[]),
    (Profile::Published, Some("0"), &[]),
    (
        Profile::Published,
        Some("xv"),
        &[r#"{…"method":"api4","params":["Contact","get",{"limit":1,"checkPermissions":false}],"id":1}¶"#],
    ),
    (
        Profile::Published,
        Some("vu"),
        &[
            r#"{…"method":"options","params":{"responsePrefix":"@"},"id":1}¶"#,
            r#"{…"method":"echo","params":["x"],"id":2}¶"#,
        ],
    ),
    (
        Profile::Published,
        Some("vtl"),
        &[
            r#"{…"method":"no§","id":1}¶{…"method":"é12345678901💶","id":1}¶{…"method":"noverylongname💶","id":1}¶"#,
            r#"{…"method":"no34567890123💶","id":1}¶"#,
            r#"[{…"method":"echo","params":[1],"id":1},{…"method":"no","id":2}]¶"#,
            r#"{…"method":"echo","params":["a"],"id":1}¶{…"method":"echo","params":["b"],"id":2}¶"#,
            r#"{…"method":"echo","params":["c"],"id":3}¶{…"method":"echo","params":["d"],"id":4}¶"#,
            r#"{…"method":"echo","params":["e"],"id":5}¶{…"method":"echo","params":["f"],"id":6}¶"#,
            r#"{…"method":"echo","params":["g"],"id":7}¶{…"method":"echo","params":["h"],"id":8}¶"#,
            r#"{…"method":"echo","params":["i"],"id":9}¶"#,
            r#"{…"method":"echo","params":["a"#,
            "§",
            r#"b"],"id":10}¶"#,
            "{…\"method\":\"echo\",\"params\":[\"a\u{85}b\"],\"id\":11}¶",
            r#"{…"method":"echo","params":["a\nb"],"id":12}¶{…"method":"echo","params":["a\\nb"],"id":13}¶"#,
            r#"{…"method":"api3","params":["Contact","getcount",{"check_permissions":false}],"id":14}¶"#,
            r#"{…"method":"echo","params":[1],"id":15}¶"#,
            r#"{…"method":"api4","params":["Contact","get",{"limit":2,"checkPermissions":false}],"id":16}¶"#,
            r#"{…"method":"echo","params":[1],"id":17}¶{…"id":18}¶"#,
        ],
    ),
    (
        Profile::Published,
        Some("vtl"),
        &[
            r#"{…"method":"options","params":{"apiError":"exception"},"id":1}¶"#,
            r#"{…"method":"api4","params":["No","get"],"id":2}¶"#,
            r#"{…"method":"options","id":3}¶{…"method":"options","params":{"responsePrefix":"@"},"id":4}¶"#,
            r#"{…"method":"options","id":5}¶{…"method":"options","params":{"responsePrefix":null},"id":6}¶"#,
            r#"{…"method":"echo","params":["x"],"id":7}¶"#,
            r#"{…"method":"options","params":{"apiError":"array","bufferSize":"x"},"id":8}¶"#,
            r#"{…"method":"options","id":9}¶"#,
            r#"{…"method":"options","params":{"apiError":"exception","none":1},"id":10}¶"#,
            r#"{…"method":"options","id":11}¶{…"method":"options","params":{"buffersize":90000},"id":12}¶"#,
            r#"{…"method":"options","params":{"bufferSize":80000},"id":13}¶"#,
            r#"{…"method":"options","id":14}¶"#,
            r#"{…"method":"options","params":{"responsePrefix":""},"id":15}¶"#,
            r#"{…"method":"echo","params":["x"],"id":16}¶"#,
            r#"{…"method":"options","params":{"responsePrefix":"\"é "},"id":17}¶"#,
            r#"{…"method":"options","params":{"responsePrefix":"%"},"id":18}¶¶"#,
            r#"{…"method":"echo","params":["x"],"id":19}¶"#,
        ],
    ),
];
