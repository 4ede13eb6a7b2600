//! What msgpack says that JSON cannot, and msgpack that is none.

use super::*;

/// The data of a short form, as JSON, and how many places were mended; or the reason's name.
#[track_caller]
fn check(data: &str, expected: &str, repairs: u32) {
    check_datagram(hex(&format!("94 a161 c0 {data} c0")), &format!("a|-|{expected}|-|{repairs}"));
    check_datagram(
        hex(&format!("83 a464617461 {data} a474797065 ac7468696e675f757064617465 a26e73 a161")),
        &format!("a|-|{expected}|-|{repairs}"),
    );
}

#[track_caller]
fn check_refused(data: &str, expected: &str) {
    check_datagram(hex(&format!("94 a161 c0 {data}")), expected);
}

#[test]
fn every_marker() {
    check("c0", "null", 0);
    check("c2", "false", 0);
    check("c3", "true", 0);
    check("00", "0", 0);
    check("7f", "127", 0);
    check("e0", "-32", 0);
    check("ff", "-1", 0);
    check("cc ff", "255", 0);
    check("cd ffff", "65535", 0);
    check("ce ffffffff", "4294967295", 0);
    check("cf ffffffffffffffff", "18446744073709551615", 0);
    check("d0 80", "-128", 0);
    check("d1 8000", "-32768", 0);
    check("d2 80000000", "-2147483648", 0);
    check("d3 8000000000000000", "-9223372036854775808", 0);
    check("ca 3dcccccd", "0.1", 0);
    check("ca 7f7fffff", "3.4028235e+38", 0);
    check("ca 80000000", "-0.0", 0);
    check("cb 3fb999999999999a", "0.1", 0);
    check("cb 7fefffffffffffff", "1.7976931348623157e+308", 0);
    check("cb 0000000000000001", "5e-324", 0);
    check("cb 3ff0000000000000", "1.0", 0);
    for not_finite in
        ["ca 7fc00000", "ca 7f800000", "ca ff800000", "cb 7ff8000000000000", "cb fff0000000000000"]
    {
        check(not_finite, "null", 1);
    }
    check("a0", "\"\"", 0);
    check("a3 c3a922", r#""é\"""#, 0);
    check("a3 000a7f", "\"\\u0000\\n\u{7f}\"", 0);
    check("d9 01 61", "\"a\"", 0);
    check("da 0001 61", "\"a\"", 0);
    check("db 00000001 61", "\"a\"", 0);
    check("90", "[]", 0);
    check("92 01 91 c0", "[1,[null]]", 0);
    check("dc 0001 01", "[1]", 0);
    check("dd 00000001 01", "[1]", 0);
    check("80", "{}", 0);
    check("82 a162 01 a161 81 a0 02", r#"{"b":1,"a":{"":2}}"#, 0);
    check("de 0001 a161 01", r#"{"a":1}"#, 0);
    check("df 00000001 a161 01", r#"{"a":1}"#, 0);
}

#[test]
fn bin_is_base64() {
    check("c4 00", r#""""#, 0);
    check("c4 03 0001ff", r#""AAH/""#, 0);
    check("c5 0001 ff", r#""/w==""#, 0);
    check("c6 00000002 6162", r#""YWI=""#, 0);
    check("81 a178 c4 02 6162", r#"{"x":"YWI="}"#, 0);
    check("81 c4 01 78 91 c4 02 6162", r#"{"x":["YWI="]}"#, 0); // a key is text
    check_refused("81 c4 01 ff 01", "not_utf8");
    // And text where text is wanted, since packers of old knew no difference.
    check_datagram(hex("94 c4 01 61 c0 01 c4 01 75"), "a|-|1|u|0");
    check_datagram(hex("94 c4 01 ff c0 01 c0"), "not_utf8");
    check_datagram(
        hex("84 c404 74797065 c40c 7468696e675f757064617465 c402 6e73 c401 61 c404 64617461 c401 61
             c411 646f63756d656e746174696f6e5f75726c c401 75"),
        r#"a|-|"YQ=="|u|0"#,
    );
    // What is ignored may hold what it likes.
    check_datagram(
        hex("84 a178 c4 01 ff a474797065 ac7468696e675f757064617465 a26e73 a161 a464617461 01"),
        "a|-|1|-|0",
    );
}

#[test]
fn extensions() {
    check("c7 03 05 616263", r#"{"ext":5,"base64":"YWJj"}"#, 0);
    check("c7 00 05", r#"{"ext":5,"base64":""}"#, 0);
    check("d4 80 ff", r#"{"ext":-128,"base64":"/w=="}"#, 0);
    check("d5 7f 0000", r#"{"ext":127,"base64":"AAA="}"#, 0);
    check("d6 01 00000000", r#"{"ext":1,"base64":"AAAAAA=="}"#, 0);
    check("d7 01 0000000000000000", r#"{"ext":1,"base64":"AAAAAAAAAAA="}"#, 0);
    check("d8 01 00000000000000000000000000000000", r#"{"ext":1,"base64":"AAAAAAAAAAAAAAAAAAAAAA=="}"#, 0);
    check("c8 0001 05 61", r#"{"ext":5,"base64":"YQ=="}"#, 0);
    check("c9 00000001 05 61", r#"{"ext":5,"base64":"YQ=="}"#, 0);
}

#[test]
fn timestamps() {
    check("d6 ff 54d69d40", "1423351104.0", 0);
    check("d7 ff e14e3900 54d69d40", "1423351104.945", 0); // 945,000,000 ns << 34 | s
    check("d7 ff 0000000354d69d40", "14308252992.0", 0); // 34 bits of seconds
    check("c7 0c ff 1dcd6500 ffffffffffffffff", "-0.5", 0);
    check("c7 0c ff ffffffff 7fffffffffffffff", "9.223372036854776e+18", 0);
    check("c7 05 ff 0000000000", r#"{"ext":-1,"base64":"AAAAAAA="}"#, 0); // of a length that none has
    check_datagram(hex("94 a161 d6 ff 54d69d40 01 c0"), "a|1423351104.0|1|-|0");
    check_datagram(hex("94 a161 d7 ff e14e3900 54d69d40 01 c0"), "a|1423351104.945|1|-|0");
    check_datagram(hex("94 a161 c7 0c ff 1dcd6500 ffffffffffffffff 01 c0"), "a|-0.5|1|-|0");
}

#[test]
fn keys() {
    check("81 01 02", r#"{"1":2}"#, 0);
    check("81 ff 02", r#"{"-1":2}"#, 0);
    check("81 ca 3fc00000 02", r#"{"1.5":2}"#, 0);
    check("81 cb 7ff8000000000000 02", r#"{"null":2}"#, 1);
    check("82 c0 02 c3 01", r#"{"null":2,"true":1}"#, 0);
    check("81 a122 02", r#"{"\"":2}"#, 0);
    check("81 d6 ff 00000001 02", r#"{"1.0":2}"#, 0);
    check("82 a161 02 a161 03", r#"{"a":2,"a":3}"#, 0);
    for key in ["90", "91 01", "80", "81 01 01", "d4 05 00", "dd ffffffff"] {
        check_refused(&format!("81 {key} 01"), "bad_key");
    }
    // In the message itself too.
    check_datagram(hex("81 90 01"), "bad_key");
    check_datagram(
        hex("84 01 02 a474797065 ac7468696e675f757064617465 a26e73 a161 a464617461 01"),
        "a|-|1|-|0",
    );
    check_datagram(
        hex("84 a26e73 a142 a474797065 ac7468696e675f757064617465 a26e73 a161 a464617461 01"),
        "a|-|1|-|0",
    );
}

#[test]
fn what_is_no_update() {
    let check = |datagram: &str, expected: &str| check_datagram(hex(datagram), expected);
    check("", "not_msgpack");
    check("c1", "not_msgpack");
    check("c0", "not_an_update");
    check("00", "not_an_update");
    check("a161", "not_an_update");
    check("80", "bad_type");
    check("90", "not_an_update");
    check("93 a161 c0 01", "not_an_update");
    check("95 a161 c0 01 c0 c0", "not_an_update");
    check("94 a141 c0 01 c0", "bad_ns");
    check("94 c0 c0 01 c0", "bad_ns");
    check("94 a161 c3 01 c0", "bad_ts");
    check("94 a161 a131 01 c0", "bad_ts");
    check("94 a161 c0 01 01", "bad_documentation_url");
    check("94 a161 05 01 a0", "a|5.0|1|-|0");
    check("94 a161 cb7ff8000000000000 01 c0", "a|-|1|-|1");
    check("94 a161 c0 c1 c0", "not_msgpack");
    check("94 a161 c0 a1ff c0", "not_utf8");
    check("94 a161 c0 a3eda080 c0", "not_utf8");
    check("94 a161 c0 01 c0 00", "a|-|1|-|1"); // what follows is ignored, and counted
    check("94 a161 c0 91 cb7ff8000000000000 c0 c1", "a|-|[null]|-|2");
}

#[test]
fn json_in_a_datagram() {
    for space in ["", " ", "\n", "\r\n", "\t"] {
        check_datagram(format!("{space}{}\n", with_data("[1, NaN]")), "a|-|[1, null]|-|1");
        check_datagram(format!("{space}[\"a\", null, 1, null]"), "a|-|1|-|0");
    }
    check_datagram("{\"type\":", "not_json");
    check_datagram("[1", "not_json");
}

#[test]
fn lengths_are_believed_only_when_the_bytes_are_there() {
    on_small_stack(|| {
        for claim in ["db", "c6", "c9", "dd", "df"] {
            check_datagram(hex(&format!("94 a161 c0 {claim} ffffffff")), "not_msgpack");
            check_datagram(hex(&format!("94 a161 c0 {claim} ffffffff 01 01 01")), "not_msgpack");
        }
        for claim in ["d9 ff", "da ffff", "c4 ff", "c5 ffff", "c7 ff", "c8 ffff", "dc ffff", "de ffff"] {
            check_datagram(hex(&format!("94 a161 c0 {claim} 05 05")), "not_msgpack");
        }
        check_datagram(hex("dd ffffffff"), "not_an_update");
        check_datagram(hex("df ffffffff"), "not_msgpack");
    });
}

#[test]
fn truncated_anywhere_is_refused() {
    let everything =
        hex("83 a464617461 dc 0013 c0 c3 7f e0 cc01 cd0001 ce00000001 cf0000000000000001 d001 d10001
        d200000001 d30000000000000001 ca3f800000 cb3ff0000000000000 a161 d90161 c40161 d40500 de0001 a161 80
        a474797065 ac7468696e675f757064617465 a26e73 a161");
    let told = r#"a|-|[null,true,127,-32,1,1,1,1,1,1,1,1,1.0,1.0,"a","a","YQ==",{"ext":5,"base64":"AA=="},{"a":{}}]|-|0"#;
    check_datagram(&everything, told);
    for bytes in 0..everything.len() {
        check_datagram(&everything[..bytes], "not_msgpack");
    }
}
