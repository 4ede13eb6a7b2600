//! What names a broker and what does not.

use super::*;

/// `expected` is `HOST:PORT`, or what the error message has to contain after a `!`.
#[track_caller]
fn check(parse: fn(&str) -> Result<Address, AddressError>, given: &str, expected: &str) {
    match (parse(given), expected.strip_prefix('!')) {
        (Ok(address), None) => assert_eq!(address.to_string(), expected, "{given:?}"),
        (Err(error), Some(part)) => {
            assert!(error.to_string().contains(part), "{given:?} gave: {error}");
        }
        (result, _) => panic!("{given:?} gave {result:?}, not {expected}"),
    }
}

#[test]
fn by_client_port() {
    let check = |given: &str, expected: &str| check(Address::parse, given, expected);
    check("tcp://broker.example.org:7955", "broker.example.org:7955");
    check("TCP://Broker.Example.ORG", "broker.example.org:7954");
    check("broker:7000", "broker:7000");
    check("broker", "broker:7954");
    check("my_broker.", "my_broker.:7954");
    check("192.0.2.1", "192.0.2.1:7954");
    check("192.0.2.1:1", "192.0.2.1:1");
    check("tcp://*:7955", "127.0.0.1:7955");
    check("*", "127.0.0.1:7954");
    check("::1", "[::1]:7954");
    check("[::1]", "[::1]:7954");
    check("tcp://[0:0::0:1]:7000", "[::1]:7000");
    check("fe80::1%eth0", "[fe80::1%eth0]:7954");
    check("[fe80::1%eth0]:7954", "[fe80::1%eth0]:7954");
    check("h:65532", "h:65532");

    check("", "!no broker is named: write HOST");
    check("tcp://", "!no broker is named");
    check(":7954", "!\":7954\" has no usable host");
    check("tcp://:7954", "!\"tcp://:7954\" has no usable host: \"\"");
    check("ipc:///tmp/broker", "!asks for \"ipc\"");
    check("udp://broker:7955", "!write tcp://HOST:PORT");
    check("broker:0", "!\"broker:0\" has client port 0");
    check("broker:65533", "!may be 1 to 65532");
    check("broker:65536", "!has no usable port");
    check("broker:+1", "!has no usable port");
    check("broker:", "!has no usable port");
    check("broker:7954/", "!has no usable port");
    check("tcp://broker/", "!has no usable host");
    check("bro ker", "!has no usable host");
    check(" broker", "!has no usable host");
    check("broker\0.example.org", "!\"broker\\0.example.org\" has no usable host");
    check("bücher.example", "!xn--");
    check("a..b", "!has no usable host");
    check(".", "!has no usable host");
    check("7955", "!has no usable host");
    check("eth0;broker:7954", "!has no usable host");
    check("[::1", "!has no usable host");
    check("[::1]7954", "!has no usable host");
    check("[broker]:7954", "!has no usable host");
    check("fe80::1%", "!has no usable host");
    check("fe80::1%eth0;", "!has no usable host");
    check(&"a".repeat(64), "!has no usable host");
    check(&"a.".repeat(128), "!has no usable host");
}

#[test]
fn by_input_port() {
    let check = |given: &str, expected: &str| check(Address::from_input, given, expected);
    check("tcp://*:7955", "127.0.0.1:7954");
    check("tcp://broker:7001", "broker:7000");
    check("broker", "broker:7954");
    check("[::1]:2", "[::1]:1");
    check("broker:65533", "broker:65532");
    check("broker:65534", "!input port 65534: a broker takes four ports in a row");
    check("broker:1", "!input port 1");
    check("broker:0", "!may be 2 to 65533");
    check("tcp://bro ker:7955", "!\"tcp://bro ker:7955\" has no usable host: \"bro ker\"");
}

#[test]
fn every_door_is_counted_from_the_client_port() {
    let address = Address::new("::1", PORT_MAX).unwrap();
    assert_eq!(address.host(), "::1");
    assert_eq!(address.client_endpoint(), "tcp://[::1]:65532");
    assert_eq!(address.input_endpoint(), "tcp://[::1]:65533");
    assert_eq!(address.query_endpoint(), "tcp://[::1]:65534");
    assert_eq!(address.udp_address(), "[::1]:65533");
    assert_eq!(address.http_port(), 65535);
    assert_eq!(Address::this_machine().udp_address(), "127.0.0.1:7955");
}

#[test]
fn what_is_displayed_is_read_back() {
    for given in ["broker", "[fe80::1%eth0]:7000", "192.0.2.1:1", "*"] {
        let address = Address::parse(given).unwrap();
        assert_eq!(address.to_string().parse(), Ok(address.clone()));
        assert_eq!(Address::parse(&address.client_endpoint()), Ok(address.clone()));
        assert_eq!(Address::from_input(&address.input_endpoint()), Ok(address));
    }
}

#[test]
fn the_star_is_for_people_only() {
    assert!(Address::new("*", PORT_DEFAULT).is_err());
}

#[test]
fn an_error_repeats_a_part_of_what_came() {
    let error = Address::parse(&"é".repeat(100_000)).unwrap_err();
    assert!(error.to_string().len() < 1_000);
}

#[test]
fn the_environment_names_a_broker() {
    #[track_caller]
    fn check(broker: Option<&str>, zone: Option<&str>, expected: &str) {
        let chosen = BrokerName::from_variables(|variable| match variable {
            BROKER_VARIABLE => broker.map(str::to_owned),
            ZONE_VARIABLE => zone.map(str::to_owned),
            _ => None,
        });
        let said = chosen.map_or_else(|error| error.to_string(), |chosen| chosen.to_string());
        assert!(said.starts_with(expected), "{broker:?} and {zone:?} gave: {said}");
    }
    check(Some("b:7000"), Some("example.org"), "broker b:7000 (from THINGSBUS_BROKER)");
    check(None, Some("example.org"), "zone example.org (from THINGSBUS_ZONE)");
    check(Some(""), Some("example.org"), "zone example.org (from THINGSBUS_ZONE)");
    check(None, None, "broker 127.0.0.1:7954 (this machine: neither THINGSBUS_BROKER nor");
    check(Some(""), Some(""), "broker 127.0.0.1:7954 (this machine");
    check(
        Some("b:0"),
        Some("example.org"),
        "environment variable THINGSBUS_BROKER: \"b:0\" has client port 0",
    );
}
