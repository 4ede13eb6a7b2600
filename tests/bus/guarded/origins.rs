//! Pages of others: what a browser that shows one may ask.

use crate::support::program::BrokerProgram;

use super::http::ask;

pub(super) const UPGRADE: [&str; 4] = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

#[test]
fn a_page_of_another_origin_gets_nothing() {
    let mut broker = BrokerProgram::start(&[]);
    let door = broker.doors().web;
    let own = format!("Origin: http://{door}");
    assert_eq!(ask(door, "GET", "/things", &[&own]).status, 200);
    for origin in ["http://evil.example", "null", &format!("https://{door}"), "http://localhost:3000"] {
        let origin = format!("Origin: {origin}");
        for method in ["GET", "PUT", "DELETE", "OPTIONS", "POST"] {
            let answer = ask(door, method, "/things/a", &[&origin]);
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (403, "foreign_origin"),
                "{method} {origin}"
            );
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
        let answer = ask(door, "GET", "/ws", &[&UPGRADE[..], &[&origin]].concat());
        assert_eq!(answer.status, 403, "no WebSocket either");
    }
    broker.find_error("a page of another origin asks");
    let picture = ask(door, "GET", "/things", &["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"]);
    assert_eq!(picture.status, 403);
    let link = ask(door, "GET", "/things", &["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"]);
    assert_eq!(link.status, 200);
}

#[test]
fn no_page_gives_this_machine_a_name() {
    let broker = BrokerProgram::start(&[]);
    let door = broker.doors().web;
    let port = door.port();
    for host in ["localhost", "[::1]", "127.0.0.1", "pi.local"] {
        assert_eq!(ask(door, "GET", "/things", &[&format!("Host: {host}:{port}")]).status, 200, "{host}");
    }
    let host = format!("evil.example:{port}");
    let headers = [format!("Host: {host}"), format!("Origin: http://{host}")];
    let answer = ask(door, "GET", "/things", &[&headers[0], &headers[1]]);
    assert_eq!((answer.status, answer.problem().as_str()), (421, "wrong_host"));
}

#[test]
fn pages_that_are_named_may_ask_and_browsers_are_told() {
    let broker = BrokerProgram::start(&["--set", "web.origins=https://a.example, http://b.example:8080"]);
    let door = broker.doors().web;
    let origin = "Origin: http://b.example:8080";
    let asked =
        ["Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: access-key, if-match"];
    let before = ask(door, "OPTIONS", "/things/a", &[&[origin], &asked[..]].concat());
    assert_eq!(before.status, 200, "{before:?}");
    assert_eq!(before.header("access-control-allow-origin"), Some("http://b.example:8080"));
    assert_eq!(before.header("access-control-allow-methods"), Some("PUT"));
    assert_eq!(before.header("access-control-allow-headers"), Some("access-key, if-match"));
    let answer = ask(door, "GET", "/things/nothing", &[origin]);
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://b.example:8080"), "problems too");
    assert_eq!(ask(door, "GET", "/things", &["Origin: http://a.example"]).status, 403);
}
