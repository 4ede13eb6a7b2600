//! What one door takes is seen at all of them.

use std::net::UdpSocket;

use serde_json::{Value, json};
use thingsbus_adaptor::wire::{Namespace, encode_map};

use crate::support::http::{Events, Http, curl};
use crate::support::peers::{Push, parse, update};
use crate::support::process::Process;
use crate::support::program::program;
use crate::support::wait::until;
use crate::support::{TestBroker, python};

#[test]
fn what_curl_puts_is_seen_everywhere() {
    let broker = TestBroker::start();
    let url = broker.http_url("/things/shop.lamp");
    let mut old = python::script("old_client.py", &[&broker.clients_url(), "shop.lamp"]);
    let mut watch = Process::start(
        "thingsbus watch",
        program("thingsbus").env("THINGSBUS_BROKER", broker.clients.to_string()).args(["watch", "--json"]),
    );
    let mut events = Events::follow(broker.web, "", None);
    let mut socket = python::script("web_socket.py", &[&format!("ws://{}/ws", broker.web)]);
    assert_eq!(events.through_mark().0, []);
    assert_eq!(parse(socket.line().as_bytes())["type"], "thing_mark");
    // The two that do not say when they are ready are, when they say something.
    let push = Push::connect(&broker);
    until("the old client to hear", || {
        push.send(update("shop.lamp", &json!("warm-up")));
        old.stdout.next_within(std::time::Duration::from_millis(50))
    });
    watch.find("warm-up");

    let (status, said) = curl(&["-X", "PUT", &url, "-d", r#"{"on":true,"watts":7.5}"#]);
    assert_eq!((status, &parse(said.as_bytes())["ns"]), (200, &json!("shop.lamp")), "{said}");
    let seq = &parse(said.as_bytes())["seq"];

    let (status, told) = curl(&[&url]);
    let told = parse(told.as_bytes());
    assert_eq!((status, &told["data"]), (200, &json!({"on": true, "watts": 7.5})), "{told}");
    assert_eq!((&told["seq"], &told["documentation_url"]), (seq, &Value::Null), "{told}");
    assert!(told["ts"].is_f64() && told["received"].is_f64() && told["age"].is_f64(), "{told}");
    assert_eq!(curl(&[&format!("{url}/value")]), (200, "{\"on\":true,\"watts\":7.5}\n".to_owned()));
    assert_eq!(curl(&[&format!("{url}/value/watts")]), (200, "7.5\n".to_owned()));

    until("the old client to have it", || {
        old.write_line("shop.lamp");
        (old.find("get shop.lamp") == r#"get shop.lamp {"on": true, "watts": 7.5} None"#).then_some(())
    });
    watch.find(r#"{"on":true,"watts":7.5}"#);
    let is_it = |message: &Value| message["data"] == json!({"on": true, "watts": 7.5});
    let event = until("the event", || Some(events.wait()).filter(|event| is_it(&event.json())));
    assert_eq!((event.name.as_str(), &event.json()["seq"]), ("", seq));
    let message = until("the message", || Some(parse(socket.line().as_bytes())).filter(is_it));
    assert_eq!((&message["ns"], &message["seq"]), (&json!("shop.lamp"), seq), "{message}");
}

#[test]
fn what_other_doors_take_is_seen_in_the_web() {
    let broker = TestBroker::start();
    let mut events = Events::follow(broker.web, "?under=shop", None);
    events.through_mark();
    let push = Push::connect(&broker);
    push.send(update("roof.vane", &json!("not below shop")));
    push.send(update("shop", &json!({"open": true})));
    let event = events.wait().json();
    assert_eq!((&event["ns"], &event["data"]), (&json!("shop"), &json!({"open": true})), "{event}");

    let ns = Namespace::parse("shop.door").unwrap();
    let datagram = encode_map(&ns, None, &json!("ajar"), Some("http://doc")).unwrap();
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&datagram, broker.input).unwrap();
    let event = events.wait().json();
    assert_eq!((&event["ns"], &event["data"]), (&json!("shop.door"), &json!("ajar")), "{event}");
    let told = Http::connect(broker.web).get("/things/shop/door").json();
    assert_eq!((&told["data"], &told["documentation_url"]), (&json!("ajar"), &json!("http://doc")), "{told}");
}

#[test]
fn what_is_deleted_is_told() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    for ns in ["shop", "shop.lamp", "shop.lamp.bulb", "shopping"] {
        assert_eq!(http.put(&format!("/things/{ns}"), &json!(1)).status, 200);
    }
    let mut events = Events::follow(broker.web, "", None);
    let mut socket = python::script("web_socket.py", &[&format!("ws://{}/ws", broker.web)]);
    events.through_mark();
    socket.find("thing_mark");
    let mut old = python::script("old_client.py", &[&broker.clients_url(), "", "tree", "snapshot"]);

    let (status, said) = curl(&["-X", "DELETE", &broker.http_url("/things/shop.lamp?tree=true")]);
    assert_eq!((status, parse(said.as_bytes())), (200, json!({"ns": "shop.lamp", "tree": true, "count": 2})));
    let mut gone: Vec<_> = [(); 2].map(|()| events.wait()).into();
    gone.sort_by_key(|event| event.json()["ns"].to_string());
    let told: Vec<_> = gone.iter().map(|event| (event.name.clone(), event.json()["ns"].clone())).collect();
    assert_eq!(
        told,
        [("forgotten".to_owned(), json!("shop.lamp")), ("forgotten".to_owned(), json!("shop.lamp.bulb"))]
    );
    assert_eq!(parse(socket.find("thing_forgotten").as_bytes())["type"], "thing_forgotten");
    assert_eq!(http.get("/things/shop.lamp").status, 404);
    assert_eq!(http.get("/things/shop").status, 200);
    // To one of 2015 it is an update without a value.
    assert!(old.is_running(), "{}", old.said());
}
