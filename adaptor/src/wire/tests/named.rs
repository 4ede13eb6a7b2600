//! Which thing a refused message is about.

use super::*;

#[track_caller]
fn check(message: impl AsRef<[u8]>, expected: Option<&str>) {
    let mut scratch = Scratch::default();
    assert_eq!(name_in_refused(message.as_ref(), &mut scratch).as_deref(), expected);
}

#[test]
fn what_stands_before_the_fault_is_read() {
    check(r#"{"ns":"shop.lamp","data":{"t":,}}"#, Some("shop.lamp"));
    check(r#"{"data":1,"ns":"shop.lamp""#, Some("shop.lamp"));
    check(r#" {"ns":"Shop Lamp","type":"thing_update"}"#, Some("Shop Lamp"));
    check(r#"{"ns":"a\u002eb"}"#, Some("a.b"));
    check(r#"{"ns":"a","ns":"b"}"#, Some("b"));
    check(b"{\"ns\":\"a\",\"data\":\"gr\xfcn\"}", Some("a"));
    check(r#"["shop.lamp",null,5"#, Some("shop.lamp"));
    check(format!(r#"{{"ns":"deep","data":{}"#, "[".repeat(100)), Some("deep"));
}

#[test]
fn msgpack_is_read_as_far_as_it_goes() {
    check(b"\x94\xa4lamp\xc0\x81\xa1t", Some("lamp"));
    check(b"\x82\xa2ns\xa4lamp\xa4data", Some("lamp"));
    check(b"\x94\xa4la", None);
}

#[test]
fn what_says_none_has_none() {
    for message in [
        "",
        "5",
        "nothing",
        "{",
        "[",
        "[]",
        "{}",
        "{'ns': 'a'}",
        r#"{"ns":5}"#,
        r#"{"data":[,"ns":"a"}"#,
        r#"{"data":{"ns":"a"}}"#,
    ] {
        check(message, None);
    }
    // Names stand at the beginning; who floods is not looked at for long.
    check(format!(r#"{{"data":"{}","ns":"a"}}"#, "x".repeat(20_000)), None);
}
