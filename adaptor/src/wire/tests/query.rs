//! What may be asked, and what is told to who asks something else.

use super::limits::{PAGE_THINGS_MAX, QUERY_BYTES_MAX};
use super::*;

#[track_caller]
fn check(json: &str, expected: Query) {
    let Ask::Things(query) = Ask::decode(json.as_bytes()).unwrap() else { panic!("{json}") };
    assert_eq!(query, expected);
}

#[track_caller]
fn check_refused(json: impl AsRef<[u8]>, expected: &str) {
    let told = Ask::decode(json.as_ref()).unwrap_err().to_string();
    assert!(told.contains(expected), "{told}");
}

/// What an empty question asks: the root alone.
fn only_root() -> Query {
    Query { tree: false, ..Query::default() }
}

#[test]
fn taken() {
    check(
        r#"{"type":"thing_query","ns":"spacemon","tree":true,"since":812,"epoch":"e","limit":1000,"after":"spacemon.light"}"#,
        Query {
            ns: "spacemon".parse().unwrap(),
            tree: true,
            since: Some(812),
            epoch: Some("e".to_owned()),
            limit: 1000,
            after: "spacemon.light".parse().ok(),
            at: None,
            freshness: None,
        },
    );
    check(r#"{"type":"thing_query"}"#, only_root());
    check(
        r#"{ "wish": [1], "ns": "a\u002eb", "type": "thing_query", "tree": false }"#,
        Query { ns: "a.b".parse().unwrap(), ..only_root() },
    );
    check(r#"{"type":"thing_query","since":null,"epoch":null,"limit":null,"after":null}"#, only_root());
    check(r#"{"type":"thing_query","limit":0}"#, Query { limit: 1, ..only_root() });
    check(r#"{"type":"thing_query","limit":99999999}"#, Query { limit: PAGE_THINGS_MAX, ..only_root() });
    check(r#"{"type":"thing_query","after":""}"#, Query { after: Some(Namespace::root()), ..only_root() });
    let fresh = |freshness| Query { freshness, ..only_root() };
    check(r#"{"type":"thing_query","freshness":true}"#, fresh(Some(Words::ALL)));
    check(r#"{"type":"thing_query","freshness":["fresh","silent","late","late"]}"#, fresh(Some(Words::ALL)));
    check(r#"{"type":"thing_query","freshness":["late"]}"#, fresh(Some(Words::from_iter([Freshness::Late]))));
    check(r#"{"type":"thing_query","freshness":[]}"#, fresh(Some(Words::default())));
    check(r#"{"type":"thing_query","freshness":false}"#, fresh(None));
    for status in [r#"{"type":"status_query"}"#, "\n{\"type\": \"status_query\", \"verbose\": true}\n"] {
        assert_eq!(Ask::decode(status.as_bytes()).unwrap(), Ask::Status);
    }
    let rejected = Ask::decode(br#"{"type":"rejected_query"}"#).unwrap();
    assert_eq!(rejected, Ask::Rejected { ns: Namespace::root() });
}

#[test]
fn written() {
    let check = |ask: Ask, expected: &str| {
        let json = ask.encode();
        assert_eq!(String::from_utf8_lossy(&json), expected);
        assert_eq!(Ask::decode(&json).unwrap(), ask);
    };
    check(Ask::Status, r#"{"type":"status_query"}"#);
    check(Ask::Rejected { ns: "a.b".parse().unwrap() }, r#"{"type":"rejected_query","ns":"a.b"}"#);
    check(Ask::Things(Query::default()), r#"{"type":"thing_query","ns":"","tree":true,"limit":10000}"#);
    let query = Query {
        ns: "a.b".parse().unwrap(),
        tree: false,
        since: Some(u64::MAX),
        epoch: Some("\"e\"".to_owned()),
        limit: 5,
        after: "a.c".parse().ok(),
        at: Timestamp::from_seconds(1.5),
        freshness: Some([Freshness::Silent, Freshness::Late].into_iter().collect()),
    };
    check(
        Ask::Things(query),
        r#"{"type":"thing_query","ns":"a.b","tree":false,"since":18446744073709551615,"epoch":"\"e\"","limit":5,"after":"a.c","at":1.5,"freshness":["late","silent"]}"#,
    );
}

#[test]
fn refused() {
    check_refused("", "not a query: EOF while parsing");
    check_refused("hello", "not a query: expected value at line 1 column 1");
    check_refused("{}", "missing field `type`");
    check_refused("[]", "not a query");
    check_refused(" [\"status_query\"]", "not a query: a list where an object is expected");
    check_refused(r#"["thing_query","a",true]"#, "a list where an object is expected");
    check_refused(r#""status_query""#, "not a query");
    check_refused(
        r#"{"type":"thing_update"}"#,
        "unknown variant `thing_update`, expected one of `thing_query`",
    );
    check_refused(r#"{"type":"thing_query","ns":5}"#, "invalid type: integer `5`, expected a string");
    check_refused(r#"{"type":"thing_query","ns":"Shop"}"#, "try \"shop\"");
    check_refused(r#"{"type":"thing_query","after":"a..b"}"#, "try \"a.b\"");
    check_refused(r#"{"type":"thing_query","tree":"yes"}"#, "expected a boolean");
    check_refused(r#"{"type":"thing_query","since":-1}"#, "expected u64");
    check_refused(r#"{"type":"thing_query","since":1.5}"#, "expected u64");
    check_refused(r#"{"type":"thing_query","limit":-1}"#, "expected usize");
    check_refused(
        r#"{"type":"thing_query","freshness":["stale"]}"#,
        "a thing is \"fresh\", \"late\" or \"silent\"",
    );
    check_refused(r#"{"type":"thing_query","freshness":"late"}"#, "not a query");
    check_refused(r#"{"type":"thing_query"} x"#, "trailing characters");
    check_refused(b"{\"type\":\"thing_query\",\"ns\":\"\xff\"}", "not a query");
    check_refused("[".repeat(8_000), "not a query");
    check_refused(format!(r#"{{"type":"thing_query","x":{}"#, "[".repeat(8_000)), "recursion limit exceeded");
}

#[test]
fn lengths() {
    let json = r#"{"type":"status_query"}"#;
    let longest = format!("{json}{}", " ".repeat(QUERY_BYTES_MAX - json.len()));
    assert_eq!(Ask::decode(longest.as_bytes()).unwrap(), Ask::Status);
    check_refused(longest + " ", "a query has at most 8192 bytes, this one has 8193");
}
