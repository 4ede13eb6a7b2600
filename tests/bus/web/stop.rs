//! A broker that is stopped ends its streams in good order, and one without the door has no port.

use serde_json::{Value, json};

use crate::support::http::{Events, Http, request};
use crate::support::program::{BrokerProgram, program};
use crate::support::scratch::ScratchFolder;
use crate::support::test_broker::test_config;
use crate::support::wait::until;
use crate::support::{TestBroker, python};

#[test]
fn a_broker_that_stops_ends_its_streams() {
    let mut broker = BrokerProgram::start(&[]);
    let doors = broker.doors();
    let mut idle = Http::connect(doors.web);
    idle.put("/things/a", &json!(1));
    let mut events = python::script("events.py", &[&doors.http_url("/events")]);
    let mut socket = python::script("web_socket.py", &[&format!("ws://{}/ws", doors.web)]);
    let mut watch = Http::connect(doors.web);
    watch.send(request(doors.web, "POST", "/things", &[("Monitor", "0")], b"(\"a\")")).unwrap();
    assert_eq!(watch.head().expect("an answer").status, 200);
    let mut half = Http::connect(doors.web);
    half.send("PUT /things/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{").unwrap();
    let mut silent = Events::follow(doors.web, "", None);
    silent.through_mark();
    events.find("thing_mark");
    socket.find("thing_mark");
    broker.signal("TERM");
    // Not cut: ended, so that a client knows that it has everything that there was.
    assert_eq!(events.stdout.find("").as_deref(), Some("ended"), "{}", events.said());
    assert_eq!(socket.line(), "closed 1001");
    while watch.chunk().expect("it ends in good order").is_some() {}
    assert_eq!(silent.next(), None);
    assert_eq!(broker.wait().code(), Some(0), "{}", broker.said());
    assert!(!broker.said().contains("panicked"), "{}", broker.said());
}

#[test]
fn a_stopping_broker_says_so_to_who_waits() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    http.put("/things/a", &json!(1));
    let address = broker.web;
    broker.stop();
    // The connection is closed, and nobody is there any more.
    assert!(http.send(request(address, "GET", "/things/a", &[], b"")).is_err() || http.answer().is_err());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn without_the_door_there_is_no_port() {
    let config = test_config(|config| config.web.enabled = false);
    assert_eq!(thingsbus_broker::Broker::bind(config).expect("ports").addresses().web, None);
    let folder = ScratchFolder::new();
    let file = folder.path("ports.json");
    let mut command = program("thingsbus-broker");
    command
        .args(["--bind", "127.0.0.1", "--port", "0", "--set", "web.enabled=false", "--ports-file"])
        .arg(&file);
    let mut broker = crate::support::process::Process::start("thingsbus-broker", &mut command);
    let ports = until("the ports file", || std::fs::read(&file).ok());
    let ports = crate::support::peers::parse(&ports);
    assert_eq!(ports["http"], Value::Null, "{ports}");
    broker.signal("TERM");
    assert_eq!(broker.wait().code(), Some(0), "{}", broker.said());
}
