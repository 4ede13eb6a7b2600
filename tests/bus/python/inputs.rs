//! 0.2.1's senders at our doors: adaptor, UDP in both forms, generic adaptor.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::peers::Sub;
use crate::support::process::Process;
use crate::support::wait::{PATIENCE, within};
use crate::support::{TestBroker, python};

/// Lets `sender` send until something arrives; what.
fn first(sub: &mut Sub, sender: &mut Process, line: &str) -> Value {
    let message = within(PATIENCE, || {
        sender.write_line(line);
        sub.next_within(Duration::from_millis(50))
    });
    let message = message.unwrap_or_else(|| panic!("nothing arrives\n{}", sender.said()));
    crate::support::peers::parse(&message)
}

#[test]
fn its_adaptor_needs_no_change() {
    let broker = TestBroker::start();
    let mut sub = Sub::connect(&broker, &[r#"{"ns":"shop."#]);
    let mut adaptor = python::script("old_adaptor.py", &[&broker.input_url(), "shop.shopbot", "http://doc"]);
    let before = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    let event = first(&mut sub, &mut adaptor, r#"{"data": {"busy": 12.0}, "ns": "spacemon"}"#);
    assert_eq!(event["ns"], "shop.shopbot.spacemon");
    assert_eq!(event["data"], json!({"busy": 12.0}));
    assert_eq!(event["documentation_url"], "http://doc");
    let ts = event["ts"].as_f64().expect("a time");
    assert!(ts >= before - 0.01 && ts <= before + PATIENCE.as_secs_f64(), "{ts} is not now");
    for number in 0..500 {
        adaptor.write_line(&json!({"data": number, "ts": 1.0}).to_string());
    }
    let mut wanted = 0;
    while wanted < 500 {
        let event = sub.next_json();
        // More of the first may come.
        if event["ns"] == "shop.shopbot" {
            assert_eq!(event["data"], wanted, "{event}");
            wanted += 1;
        }
    }
    drop(adaptor);
    let counted = broker.stop();
    assert_eq!(counted["doors"]["zmq_in"]["rejected"], 0, "{counted}");
}

#[test]
fn its_datagrams_are_taken_in_both_forms() {
    let broker = TestBroker::start();
    let mut sub = Sub::connect(&broker, &[r#"{"ns":"#]);
    let mut udp = python::script("old_udp.py", &[&broker.input.port().to_string()]);
    let data = json!({"dht22_error": "", "metadata": {"loops": 154}});
    udp.write_line(&json!({"type": "thing_update", "ns": "a", "data": data, "ts": null}).to_string());
    udp.write_line(&json!(["b", null, data, "http://doc"]).to_string());
    udp.write_line(&json!(["b", 7, data, null]).to_string());
    let [map, list, integer] = [sub.next_json(), sub.next_json(), sub.next_json()];
    assert_eq!((&map["ns"], &map["data"], &map["documentation_url"]), (&json!("a"), &data, &Value::Null));
    assert_eq!(
        (&list["ns"], &list["data"], &list["documentation_url"]),
        (&json!("b"), &data, &json!("http://doc"))
    );
    assert!(map["ts"].is_f64() && list["ts"].is_f64(), "a missing time is the broker's: {map} {list}");
    assert_eq!(integer["ts"], json!(7.0), "an integer time goes on with a fraction, for 0.2.1's clients");
    let udp_in = &broker.status()["doors"]["udp_in"];
    assert_eq!(udp_in["received"], 3);
    assert_eq!(udp_in["accepted"], 3);
}

#[test]
fn the_bytes_of_a_sensor_in_the_field() {
    // facts/thingsbus-0.2.1.md: a datagram of an ESP8266, from 0.2.1's own test suite.
    let mut datagram = b"\x94\xb3bottlekid.prototype\xc0\x82\xabdht22_error\xa0\xa8metadata\x83".to_vec();
    datagram.extend(b"\xa5loops\xce\x00\x00\x00\x9a\xa9msgs_sent\xce\x00\x00\x00\x99\xacmsgs_dropped");
    datagram.extend(b"\xce\x00\x00\x00\x01\xd9\x39https://github.com/mistakes-consortium/esp8266.bottlekids");
    let broker = TestBroker::start();
    let mut client = python::script("old_client.py", &[&broker.clients_url(), "bottlekid", "tree"]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let event = within(PATIENCE, || {
        socket.send_to(&datagram, broker.input).unwrap();
        client.stdout.next_within(Duration::from_millis(50))
    });
    let event = event.expect("an event");
    let data = "data={'dht22_error': '', 'metadata': {'loops': 154, 'msgs_sent': 153, 'msgs_dropped': 1}}>";
    assert!(event.starts_with("ThingEvent<Thing<bottlekid.prototype>, ts="), "{event}");
    assert!(event.ends_with(data), "{event}");
}

#[test]
fn its_generic_adaptor_needs_no_change() {
    let broker = TestBroker::start();
    let mut sub = Sub::connect(&broker, &[r#"{"ns":"spacemon"#]);
    let [mut first_source, mut second_source] =
        [(); 2].map(|()| python::script("publish.py", &["bind", "tcp://127.0.0.1:*"]));
    let sources = format!("{},{}", first_source.line(), second_source.line());
    let documentation = "https://wiki.pumpingstationone.org/Spacemon#Things_Bus";
    let _adaptor = python::module(
        "thingsbus.generic_zmq_adaptor",
        &[
            ["--ns", "spacemon", "--nskey", "camname", "--tskey", "frame_time"].as_slice(),
            &["--filter", "mtype:percept_update", "--projections", "luminance,ratio_busy"],
            &["--url", &broker.input_url(), "-s", &sources, "-d", documentation],
        ]
        .concat(),
    );
    let percept = |camera: &str, luminance: f64| {
        json!({
            "mtype": "percept_update", "camname": camera, "frame_time": 1_423_351_104.945,
            "luminance": luminance, "ratio_busy": 0.143, "private": "stays where it is",
        })
        .to_string()
    };
    let wanted = |camera: &str, luminance: f64| {
        json!({
            "ns": format!("spacemon.{camera}"), "type": "thing_update", "ts": 1_423_351_104.945,
            "data": {"luminance": luminance, "ratio_busy": 0.143}, "documentation_url": documentation,
        })
    };
    let without_seq = |mut event: Value| {
        event.as_object_mut().expect("an object").remove("seq").expect("a number");
        event
    };
    let event = first(&mut sub, &mut first_source, &percept("electronics", 114.25));
    assert_eq!(without_seq(event), wanted("electronics", 114.25));
    second_source.write_line(r#"{"mtype": "other", "camname": "no", "luminance": 1, "ratio_busy": 1}"#);
    second_source.write_line(r#"{"camname": "no", "luminance": 1, "ratio_busy": 1}"#);
    let hello = percept("hackerspace", 0.5);
    loop {
        let event = first(&mut sub, &mut second_source, &hello);
        if event["ns"] != "spacemon.electronics" {
            assert_eq!(without_seq(event), wanted("hackerspace", 0.5));
            break;
        }
    }
}
