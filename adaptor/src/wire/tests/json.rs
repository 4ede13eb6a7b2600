//! What JSON updates are taken, and as what.

use super::*;

/// `data` in, `data` out and how many places were mended; or the reason's name.
#[track_caller]
fn check_data(data: &str, expected: &str, repairs: u32) {
    check_update(with_data(data), &format!("a|-|{expected}|-|{repairs}"));
    check_update(format!(r#"["a",null,{data},null]"#), &format!("a|-|{expected}|-|{repairs}"));
}

#[track_caller]
fn check_data_kept(data: &str) {
    check_data(data, data, 0);
    let ns = "a".parse().unwrap();
    assert_eq!(Update::new(&ns, None, data, None).unwrap().data(), data);
}

#[track_caller]
fn check_data_refused(data: &str, expected: &str) {
    check_update(with_data(data), expected);
    let ns = "a".parse().unwrap();
    assert_eq!(Update::new(&ns, None, data, None).unwrap_err().name(), expected);
}

#[test]
fn ts() {
    let check = |ts: &str, expected: &str| {
        let found = if expected.starts_with("bad") { expected } else { &format!("a|{expected}|1|-|0") };
        let found = found.replace("|0 mended", "|0");
        check_update(format!(r#"{{"type":"thing_update","ns":"a","data":1,"ts":{ts}}}"#), &found);
        check_update(format!(r#"["a",{ts},1,null]"#), &found);
    };
    check("1423351104.945", "1423351104.945");
    check("1423351104", "1423351104.0"); // 0.2.1 refuses it; here it is made what 0.2.1 takes
    check("1.423351104945e9", "1423351104.945");
    check("0", "0.0");
    check("-0", "-0.0");
    check("-1.5", "-1.5");
    check("1e300", "1e300"); // Python reads an exponent as a float too
    check("1e-7", "1e-7");
    check("123456789012345678901234567890", "1.2345678901234568e29");
    check("null", "-");
    for ts in ["true", "false", r#""1423351104.945""#, r#""""#, "[]", "[1]", "{}", r#""NaN""#, r#""inf""#] {
        check(ts, "bad_ts");
    }
    check_update(r#"{"type":"thing_update","ns":"a","data":1}"#, "a|-|1|-|0"); // missing
    for ts in ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", &"9".repeat(400)] {
        check_update(format!(r#"{{"type":"thing_update","ns":"a","data":1,"ts":{ts}}}"#), "a|-|1|-|1");
        check_update(format!(r#"["a",{ts},[NaN],null]"#), "a|-|[null]|-|2");
    }
    for ts in ["inf", "nan", "-NaN", "+1", "1_000", "0x10", "1.", ".5", "1e", "--1", "infinity"] {
        check_update(format!(r#"["a",{ts},1,null]"#), "not_json");
    }
}

#[test]
fn data_is_kept_byte_for_byte() {
    for data in [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-0.0",
        "1.0",
        "1e5",
        "1E+05",
        "1e-400",
        "0.1000000000000000055511151231257827",
        "9223372036854775808",
        "18446744073709551616",
        "-9223372036854775809",
        "1.7976931348623157e308",
        r#""""#,
        r#""\u0041\/\b\f\n\r\t\"\\""#,
        r#""\ud83d\ude00\uD83D\uDE00""#,
        r#""\ud800\udc00\uDBFF\uDFFF\ud7ff\ue000""#,
        "\"\u{7f}\u{80}\u{2028}\u{2029}\u{feff}\u{fffd}\u{10ffff}\"",
        "{}",
        "[]",
        "[ ]",
        r#"{"b":1,"a":2,"b":3}"#,
        r#"{ "b" :	[ 1 ,2,  { } ] }"#,
        r#"{"":{"ns":"x","type":"y","data":0}}"#,
        r#"{"\u006es":1}"#,
        r#"["\\","\\\\\"",""]"#,
        r#""NaN Infinity""#,
    ] {
        check_data_kept(data);
    }
    // A number as long as one likes, if a double can hold it.
    check_data_kept(&format!("0.{}", "1".repeat(1000)));
    check_data_kept(&"1".repeat(308));
    check_data_kept(&"\"".replace('"', &format!("\"{}\"", "x".repeat(10_000))));
}

#[test]
fn line_ends_between_tokens_are_taken_out() {
    check_data("[1,\n2]", "[1,2]", 0);
    check_data("\r\n{\n \"a\"\t:\r\n\r\n 1 ,\"b\\n\":\n[\n]\r}\n", r#"{ "a"	: 1 ,"b\n":[]}"#, 0);
    check_data("\n5 \n", "5", 0);
    check_data("[\n-Infinity\n,\n\"\\ud800\"]", r#"[null,"\ufffd"]"#, 2);
    check_update("\n{\n\"type\"\n:\n\"thing_update\"\n,\n\"ns\"\n:\n\"a\"\n,\"data\":1\n}\n", "a|-|1|-|0");
    check_update("\r\n[\"a\"\n,\nnull,\n{}\n,null]\n \n", "a|-|{}|-|0");
}

#[test]
fn what_is_no_json_is_mended_where_it_can_be() {
    check_data("NaN", "null", 1);
    check_data("[NaN,Infinity,-Infinity]", "[null,null,null]", 3);
    check_data(r#"{"NaN": NaN, "x": [NaN ]}"#, r#"{"NaN": null, "x": [null ]}"#, 2);
    check_data("[1e999, -1E+999, 1e99999999999999999999]", "[null, null, null]", 3);
    check_data("[1.7976931348623159e308, 1.7976931348623158e308]", "[null, 1.7976931348623158e308]", 1);
    check_data(
        &format!("[{}, {}]", "9".repeat(309), "9".repeat(308)),
        &format!("[null, {}]", "9".repeat(308)),
        1,
    );
    check_data(&format!("{}.5", "9".repeat(400)), "null", 1);
    check_data(&format!("-{}", "9".repeat(400)), "null", 1);
    // Halves of surrogate pairs, alone, in the wrong order, and before whole ones.
    check_data(r#""\ud800""#, r#""\ufffd""#, 1);
    check_data(r#""\uDFFFx""#, r#""\ufffdx""#, 1);
    check_data(r#""\udbff""#, r#""\ufffd""#, 1);
    check_data(r#""\ud7ff\udbff\ue000""#, r#""\ud7ff\ufffd\ue000""#, 1);
    check_data(r#""\udc00\ud800""#, r#""\ufffd\ufffd""#, 2);
    check_data(r#""\ud800\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#, 1);
    check_data(r#""\ud800\u0041""#, r#""\ufffd\u0041""#, 1);
    check_data(r#""\ud800\n\ud800\\udc00""#, r#""\ufffd\n\ufffd\\udc00""#, 2);
    check_data(r#"{"\ud800":"\udc00"}"#, r#"{"\ufffd":"\ufffd"}"#, 2);
    // Only what is told on is counted.
    check_update(r#"{"type":"thing_update","ns":"a","data":1,"x":[NaN,"\ud800"]}"#, "a|-|1|-|0");
}

#[test]
fn new_takes_only_what_needs_no_mending() {
    let check = |data: &str, expected: Result<&str, Rejected>| {
        let ns = "a".parse().unwrap();
        assert_eq!(Update::new(&ns, None, data, None).map(|update| update.data()), expected, "{data:?}");
    };
    check(" [1, 2]\t", Ok("[1, 2]"));
    check("\n[1]\n", Ok("[1]")); // only what is inside goes on the wire
    check("[1,\n2]", Err(Rejected::NotJson));
    check("NaN", Err(Rejected::NotJson));
    check("[1e999]", Err(Rejected::NotJson));
    check(r#""\ud800""#, Err(Rejected::NotJson));
    check("", Err(Rejected::NotJson));
    check("1 2", Err(Rejected::NotJson));
    check(&nested("[", "", "]", 65), Err(Rejected::TooDeep));
}

#[test]
fn what_is_no_json_is_refused() {
    for data in [
        "",
        ",",
        "nul",
        "nulll",
        "True",
        "None",
        "undefined",
        "'a'",
        "01",
        "-01",
        "00",
        "1.",
        ".5",
        "-",
        "+1",
        "1e",
        "1e+",
        "1.e5",
        "0x1",
        "1_0",
        "-NaN",
        "+Infinity",
        "-Inf",
        "Inf",
        "nan",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[",
        "]",
        "[1",
        "{",
        "}",
        "{]",
        "[}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        "{,}",
        "{1:2}",
        "{a:1}",
        "{null:1}",
        "{\"a\" 1}",
        "{\"a\"::1}",
        "[1//c\n]",
        "[1/*c*/]",
        r#"""#,
        r#""\""#,
        r#""\x""#,
        r#""\u12""#,
        r#""\u12g4""#,
        r#""\u+123""#,
        r#""\ud800\u""#,
        r#""\ud800\u12x4""#,
        r#""\u00é""#,
        "\"\t\"",
        "\"\n\"",
        "\"\0\"",
        "\"\u{1f}\"",
        "1 2",
        "\u{feff}1",
        "\u{a0}1",
        "1\u{b}",
        "1\0",
        "\"a\"\"b\"",
    ] {
        check_data_refused(data, "not_json");
    }
    let good = with_data("1");
    for bad in [format!("\u{feff}{good}"), format!("{good}}}"), format!("{good},"), format!("{good}\0")] {
        check_update(&bad, "not_json");
    }
    check_update(format!("{good}{good}"), "not_json");
    check_update("", "not_json");
    check_update(" \n", "not_json");
    check_update("hello", "not_json");
    check_update("{", "not_json");
    check_update(r#"{"type":"thing_update","ns":"a","data":1"#, "not_json");
    check_update(r#"{"type":"thing_update","ns":"a","data":1 "ts":2}"#, "not_json");
    check_update(r#"["a",null,1,null"#, "not_json");
    check_update(r#"["a",null,1 null]"#, "not_json");
}

#[test]
fn invalid_utf8_is_refused() {
    for bad in [&b"\xff"[..], b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe9"] {
        let message = [br#"["a",null,""#, bad, br#"",null]"#].concat();
        check_update(&message, "not_utf8");
        check_datagram(&message, "not_utf8");
        assert_eq!(decode_message(&message, &mut Scratch::default()), Err(Rejected::NotUtf8));
    }
}

#[test]
fn keys() {
    // Of a key that stands twice the last one counts.
    check_update(
        r#"{"type":"x","ns":"A","data":1,"ts":true,"documentation_url":5,"type":"thing_update","ns":"b","data":2,"ts":3,"documentation_url":"u"}"#,
        "b|3.0|2|u|0",
    );
    check_update(r#"{"type":"thing_update","ns":"a","data":1,"data":NaN,"data":2}"#, "a|-|2|-|0");
    check_update(r#"{"type":"thing_update","ns":"a","data":1,"ns":"A"}"#, "bad_ns");
    // Unknown ones are ignored, whatever they hold.
    check_update(
        r#"{"x":{"ns":"no","data":[]},"type":"thing_update","NS":5,"ns ":6,"":7,"ns":"a","\ud800":8,"\u0000":9,"data":1}"#,
        "a|-|1|-|0",
    );
    // Escaped ones are what they say.
    check_update(
        r#"{"\u0074ype":"thing\u005fupdate","n\u0073":"a\u002eb","\u0064\u0061ta":"\u0031","documentation\u005furl":"http:\/\/x"}"#,
        r#"a.b|-|"\u0031"|http://x|0"#,
    );
    // What a broker numbered is read, and only there.
    let mut scratch = Scratch::default();
    let seq = |seq: &str| format!(r#"{{"type":"thing_update","ns":"a","data":1,"seq":{seq}}}"#);
    assert_eq!(decode_update(seq("812").as_bytes(), &mut scratch).unwrap().seq(), Some(812));
    for other in ["null", "-1", "1.0", "1e3", "\"1\"", "18446744073709551616", "[1]"] {
        assert_eq!(decode_update(seq(other).as_bytes(), &mut scratch).unwrap().seq(), None, "{other}");
    }
}

#[test]
fn what_is_missing_or_of_the_wrong_kind() {
    let check = |input: &str, expected: &str| check_update(input, expected);
    check("{}", "bad_type");
    check(r#"{"ns":"a","data":1}"#, "bad_type");
    for kind in [
        "null",
        "5",
        r#""""#,
        r#""thing_snapshot""#,
        r#""thing_update ""#,
        r#"["thing_update"]"#,
        r#""\ud800""#,
    ] {
        check_update(format!(r#"{{"type":{kind},"ns":"a","data":1}}"#), "bad_type");
    }
    check(r#"{"type":"thing_update","data":1}"#, "no_ns");
    check(r#"{"type":"thing_update","ns":"a"}"#, "no_data");
    for ns in
        ["null", "5", r#""A""#, r#""a.""#, r#""a b""#, r#"["a"]"#, r#""\ud800""#, r#""é""#, r#""a\u0000""#]
    {
        check_update(format!(r#"{{"type":"thing_update","ns":{ns},"data":1}}"#), "bad_ns");
        check_update(format!("[{ns},null,1,null]"), "bad_ns");
    }
    check(r#"{"type":"thing_update","ns":"","data":1}"#, "|-|1|-|0"); // the root
    for list in ["[]", "[ ]", r#"["a"]"#, r#"["a",null,1]"#, r#"["a",null,1,null,null]"#] {
        check_update(list, "not_an_update");
    }
    for other in ["5", "null", "true", r#""thing_update""#, "NaN", "\n1.5 "] {
        check_update(other, "not_an_update");
    }
}

#[test]
fn documentation_url() {
    let check = |url: &str, expected: &str| {
        check_update(format!(r#"["a",null,1,{url}]"#), expected);
        check_update(
            format!(r#"{{"type":"thing_update","ns":"a","data":1,"documentation_url":{url}}}"#),
            expected,
        );
    };
    check("null", "a|-|1|-|0");
    check(r#""""#, "a|-|1|-|0");
    check(r#""see the manual""#, "a|-|1|see the manual|0"); // what a URL is, is the reader's business
    check(r#""\u0068ttp:\/\/x\n""#, "a|-|1|http://x\n|0");
    for url in ["5", "false", "[]", "{}", "NaN", r#""\ud800""#] {
        check(url, "bad_documentation_url");
    }
    let longest = "é".repeat(limits::DOCUMENTATION_URL_BYTES_MAX / 2);
    check(&format!("{longest:?}"), &format!("a|-|1|{longest}|0"));
    check(&format!("\"{longest}x\""), "bad_documentation_url");
    check(&format!("\"{}\"", "\\u0041".repeat(2048)), &format!("a|-|1|{}|0", "A".repeat(2048))); // as read, not as written

    let ns = "a".parse().unwrap();
    let new = |url| Update::new(&ns, None, "1", url).map(|update| update.documentation_url());
    assert_eq!(new(Some("")), Ok(None));
    assert_eq!(new(Some("u")), Ok(Some("u")));
    assert_eq!(new(Some(&longest)), Ok(Some(longest.as_str())));
    assert_eq!(new(Some(&format!("{longest}x"))), Err(Rejected::DocumentationUrl));
}

#[test]
fn messages_that_are_no_updates() {
    let check = |json: &str, expected: Result<Message<'_>, Rejected>| {
        assert_eq!(decode_message(json.as_bytes(), &mut Scratch::default()), expected, "{json}");
    };
    check(r#"{"type":"thing_wish","data":5}"#, Ok(Message::Other));
    check(r#"{"type":""}"#, Ok(Message::Other));
    check(r#"{"type":5}"#, Err(Rejected::Type));
    check("{}", Err(Rejected::Type));
    check("[]", Err(Rejected::Shape));
    check(r#"["a",null,1,null]"#, Err(Rejected::Shape)); // the short form is for the input
    check("5", Err(Rejected::Shape));
    check("garbage", Err(Rejected::NotJson));
    check("", Err(Rejected::NotJson));
    check(r#"{"type":"thing_wish"} x"#, Err(Rejected::NotJson));
    check(r#"{"type":"thing_update","ns":"a"}"#, Err(Rejected::DataMissing));
    check(r#"{"type":"thing_mark","mark":"m","epoch":"e"}"#, Err(Rejected::Shape));
    check(r#"{"type":"thing_mark","mark":"m","seq":1}"#, Err(Rejected::Shape));
    check(r#"{"type":"thing_mark","epoch":"e","seq":1}"#, Err(Rejected::Shape));
    check(r#"{"type":"thing_mark","mark":"m","epoch":"e","seq":-1}"#, Err(Rejected::Shape));
    check(r#"{"type":"thing_mark","mark":"m\u0041","epoch":"e","seq":1}"#, Err(Rejected::Shape));
    check(
        r#"{"seq":1,"x":0,"epoch":"e","mark":"m","type":"thing_mark"}"#,
        Ok(Message::Mark(Mark { mark: "m", epoch: "e", seq: 1 })),
    );
}
