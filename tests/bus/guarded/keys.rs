//! Access keys: what each opens, who is refused, and where the door is without any.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::program::{BrokerProgram, program, run};
use crate::support::scratch::ScratchFolder;
use crate::support::wait::until;

use super::http::{ask, connect, rest, send};
use super::{add_key, key};

#[test]
fn a_key_opens_what_it_says_until_it_is_revoked() {
    let folder = ScratchFolder::new();
    let data = folder.path("data");
    let made = key(&data, &["add", "lamp", "--read", "shop", "--write", "shop.lamp"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert!(made.stdout.starts_with("tb_") && made.stdout.lines().count() == 1, "{}", made.stdout);
    assert!(made.stderr.contains("reads shop, writes shop.lamp"), "{}", made.stderr);
    let lamp = made.stdout;
    let reader = add_key(&data, &["reader"]);

    let broker = BrokerProgram::start(&["--data", data.to_str().expect("a path of text")]);
    let door = broker.doors().web;
    let by = |key: &str| format!("Access-Key: {key}");
    let none = ask(door, "GET", "/things", &[]);
    assert_eq!((none.status, none.problem().as_str()), (401, "no_key"));
    assert_eq!(none.header("www-authenticate"), Some("Bearer"));
    let wrong = ask(door, "GET", "/things", &[&by("tb_wrong")]);
    assert_eq!((wrong.status, wrong.problem().as_str()), (401, "wrong_key"));
    assert_eq!(ask(door, "GET", "/healthz", &[]).status, 200, "who looks whether it is well needs none");
    assert_eq!(ask(door, "GET", "/readyz", &[]).status, 200);
    assert_eq!(ask(door, "GET", "/", &[]).status, 200, "the page needs none, since it asks for one");
    assert_eq!(ask(door, "GET", "/page/none.js", &[]).status, 404, "nor do its files");
    for path in ["/metrics", "/status", "/events", "/ws", "/snapshots", "/nothing", "/page"] {
        assert_eq!(ask(door, "GET", path, &[]).status, 401, "{path}");
    }

    for header in [by(&lamp), format!("Authorization: Bearer {lamp}")] {
        assert_eq!(send(door, "PUT", "/things/shop/lamp", &[&header], "5").status, 200);
        let refused = send(door, "PUT", "/things/shop", &[&header], "5");
        assert_eq!((refused.status, refused.problem().as_str()), (403, "forbidden"), "{refused:?}");
        assert_eq!(ask(door, "GET", "/things", &[&header]).status, 200);
        assert_eq!(ask(door, "GET", "/things/lab", &[&header]).status, 403);
    }
    assert_eq!(ask(door, "GET", "/things/lab", &[&by(&reader)]).status, 404, "it reads everything");
    assert_eq!(ask(door, "DELETE", "/things/shop", &[&by(&reader)]).status, 403, "and writes nothing");

    let listed = key(&data, &["list"]);
    assert!(listed.stdout.contains("reader") && listed.stdout.contains("reads shop"), "{}", listed.stdout);
    assert_eq!(key(&data, &["revoke", "lamp"]).code, Some(0));
    until("the end of the key", || {
        let answer = ask(door, "GET", "/things", &[&by(&lamp)]);
        (answer.status == 401 && answer.problem() == "wrong_key").then_some(())
    });
    assert_eq!(ask(door, "GET", "/things", &[&by(&reader)]).status, 200);
    assert_eq!(key(&data, &["revoke", "reader"]).code, Some(0));
    until("the end of the last", || {
        (ask(door, "GET", "/things", &[&by(&reader)]).status == 401).then_some(())
    });
    assert_eq!(ask(door, "GET", "/things", &[]).status, 401, "without any the door stays closed");

    let said = broker.said();
    assert!(said.contains("127.0.0.1:") && said.contains("there is no access key"), "{said}");
    for key in [&lamp, &reader] {
        assert!(!said.contains(&key[3..]) && !listed.stdout.contains(&key[3..]), "{said}");
    }
}

#[test]
fn a_stream_ends_with_its_key() {
    let folder = ScratchFolder::new();
    let data = folder.path("data");
    let reader = add_key(&data, &["reader"]);
    let writer = add_key(&data, &["writer", "--write", ""]);
    let mut broker = BrokerProgram::start(&["--data", data.to_str().expect("a path of text")]);
    let door = broker.doors().web;
    let put = || send(door, "PUT", "/things/lamp", &[&format!("Access-Key: {writer}")], "5");
    let mut stream = connect(door);
    let head = format!(
        "GET /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccess-Key: {reader}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("it can be sent");
    let mut first = [0; 15];
    stream.read_exact(&mut first).expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    assert_eq!(key(&data, &["revoke", "reader"]).code, Some(0));
    broker.signal("HUP");
    broker.find_error("access keys read again: 1 key");
    // It ends by itself before long; what it would tell makes it look at once.
    assert_eq!(put().status, 200);
    let told = rest(stream);
    assert!(!told.contains("lamp"), "nothing is told after the key is revoked: {told}");
}

#[test]
fn a_key_in_an_address_is_refused_and_not_told() {
    let folder = ScratchFolder::new();
    let data = folder.path("data");
    let made = add_key(&data, &["a"]);
    let mut broker = BrokerProgram::start(&["--data", data.to_str().expect("a path of text"), "-v", "-v"]);
    let door = broker.doors().web;
    let header = format!("Access-Key: {made}");
    for path in [format!("/things?access-key={made}"), format!("/things?x={made}"), format!("/things/{made}")]
    {
        for headers in [&[][..], &[header.as_str()]] {
            let answer = ask(door, "GET", &path, headers);
            assert_eq!((answer.status, answer.problem().as_str()), (400, "key_in_url"));
            assert!(!answer.body.contains(&made[3..]), "{answer:?}");
        }
    }
    broker.find_error("an access key in its address");
    assert!(!broker.said().contains(&made[3..]), "{}", broker.said());
}

#[test]
fn the_first_key_that_is_made_closes_the_door_of_a_running_broker() {
    let folder = ScratchFolder::new();
    let data = folder.path("data");
    let mut broker = BrokerProgram::start(&["--data", data.to_str().expect("a path of text")]);
    let door = broker.doors().web;
    assert_eq!(ask(door, "GET", "/things", &[]).status, 200);
    let made = add_key(&data, &["a"]);
    broker.signal("HUP");
    broker.find_error("access keys read again: 1 key");
    assert_eq!(ask(door, "GET", "/things", &[]).status, 401);
    assert_eq!(ask(door, "GET", "/things", &[&format!("Access-Key: {made}")]).status, 200);

    std::fs::write(data.join("keys.toml"), "[[key]]\nname = 5\n").expect("a file can be written");
    broker.signal("HUP");
    broker.find_error("the access keys stay as they are: ");
    assert!(broker.said().contains("keys.toml:2: "), "{}", broker.said());
    assert_eq!(
        ask(door, "GET", "/things", &[&format!("Access-Key: {made}")]).status,
        200,
        "it stays as it was"
    );
}

#[test]
fn without_keys_the_door_is_on_the_loopback_and_with_keys_where_the_broker_is() {
    let folder = ScratchFolder::new();
    let data = folder.path("data");
    let start = || {
        let mut command = program("thingsbus-broker");
        command.arg("--data").arg(&data);
        BrokerProgram::start_command(&mut command, "127.0.0.1")
    };
    // An address of this machine that is the loopback's and not the one that the loopback is asked for by.
    let other = |broker: &BrokerProgram| {
        let mut other = broker.doors().web;
        other.set_ip("127.0.0.2".parse().expect("an address"));
        TcpStream::connect(other).is_ok()
    };
    {
        let mut broker = start();
        broker.find_error("web:      http://localhost:");
        assert_eq!(ask(broker.doors().web, "GET", "/things", &[]).status, 200);
        assert!(!other(&broker), "nobody is there");
        assert!(broker.said().contains("this machine only"), "{}", broker.said());
    }
    add_key(&data, &["a"]);
    let mut broker = start();
    let line = broker.find_error("web:      http://localhost:");
    assert!(line.contains("on all addresses, with an access key"), "{line}");
    broker.find_error("access keys can be read on their way");
    assert!(other(&broker), "the door is everywhere");
    assert_eq!(ask(broker.doors().web, "GET", "/things", &[]).status, 401);
}

#[test]
fn it_does_not_listen_elsewhere_without_keys_unless_told_so_twice() {
    let ended = run("thingsbus-broker", &["--port", "0", "--set", "web.bind=0.0.0.0"]);
    assert_eq!(ended.code, Some(64), "{}", ended.stderr);
    let last = ended.stderr.lines().last().expect("a line");
    assert!(last.starts_with("thingsbus-broker: web.bind = 0.0.0.0: "), "{last}");
    assert!(last.contains("thingsbus-broker key add") && last.contains("--insecure-http"), "{last}");

    let mut broker = BrokerProgram::start(&["--set", "web.bind=0.0.0.0", "--insecure-http"]);
    assert!(broker.find_error("web:      ").contains("not protected"), "{}", broker.said());
    assert_eq!(ask(broker.doors().web, "GET", "/things", &[]).status, 200);
}

#[test]
fn what_is_wrong_with_keys_is_told_in_one_line() {
    let folder = ScratchFolder::new();
    let data = folder.path("data");
    let fails = |arguments: &[&str], part: &str| {
        let ended = key(&data, arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(64), ""), "{}", ended.stderr);
        assert!(
            ended.stderr.starts_with("thingsbus-broker: ") && ended.stderr.contains(part),
            "{}",
            ended.stderr
        );
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    };
    add_key(&data, &["a"]);
    fails(&["add", "a"], "there is a key \"a\" already");
    fails(&["add", "b", "--read", "B"], "\"B\"");
    fails(&["revoke", "b"], "there is no key \"b\"; there are: a");
    let none = run("thingsbus-broker", &["key", "list"]);
    assert!(none.code == Some(64) && none.stderr.contains("--data FOLDER"), "{}", none.stderr);

    std::fs::write(data.join("keys.toml"), "[[key]]\nname = \"a\"\nsha256 = 5\n")
        .expect("a file can be written");
    fails(&["list"], "keys.toml:3: ");
    let flags = ["--port", "0", "--bind", "127.0.0.1", "--data", data.to_str().expect("a path of text")];
    for flags in [&flags[..], &[&flags[..], &["--check"]].concat()] {
        let ended = run("thingsbus-broker", flags);
        assert_eq!(ended.code, Some(64), "{}", ended.stderr);
        assert!(ended.stderr.lines().last().expect("a line").contains("keys.toml:3: "), "{}", ended.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_file_of_keys_that_others_may_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = ScratchFolder::new();
    let data = folder.path("data");
    add_key(&data, &["a"]);
    let file = data.join("keys.toml");
    assert_eq!(std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    let mut broker = BrokerProgram::start(&["--data", data.to_str().expect("a path of text")]);
    broker.find_error("chmod 600");
}
