//! Against DNS servers in this process: real ones, a silent one, and ones that talk nonsense.

use std::io;
use std::net::UdpSocket;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::{Message, OpCode};
use hickory_resolver::proto::rr::rdata::{CNAME, SOA, SRV};
use hickory_resolver::proto::rr::{LowerName, Name, RData, Record};
use hickory_server::Server;
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};

use super::*;

const ZONE: &str = "example.org";
const TTL_S: u32 = 300;

#[test]
fn brokers_come_by_priority() {
    let server = serve(&["20 0 7000 c", "0 0 7954 a.example.org.", "10 0 7960 b.example.org."].map(srv));
    let found = lookup(ZONE, &server).unwrap();
    let brokers: Vec<String> = found.brokers.iter().map(ToString::to_string).collect();
    assert_eq!(brokers, ["a.example.org:7954", "b.example.org:7960", "c:7000"]);
    assert_eq!(found.valid_for, Duration::from_secs(u64::from(TTL_S)));
    assert_eq!(lookup("EXAMPLE.org.", &server).unwrap(), found);
}

#[test]
fn brokers_of_one_priority_take_turns() {
    let server = serve(&["0 1 7954 a", "0 1 7954 b"].map(srv));
    let firsts: Vec<String> =
        (0..40).map(|_| lookup(ZONE, &server).unwrap().brokers[0].host().to_owned()).collect();
    // One in three and two in three: 40 times the same would happen once in ten million runs.
    assert!(firsts.contains(&"a".to_owned()) && firsts.contains(&"b".to_owned()), "{firsts:?}");
}

#[test]
fn an_alias_is_followed() {
    let name = |text| Name::from_str(text).unwrap();
    let alias = RData::CNAME(CNAME(name("elsewhere.example.org.")));
    let target = RData::SRV(SRV::new(0, 0, 7954, name("a.")));
    let alias = Record::from_rdata(name(ASKED), 60, alias);
    let target = Record::from_rdata(name("elsewhere.example.org."), TTL_S, target);
    let found = lookup(ZONE, &serve(&[alias.clone(), target])).unwrap();
    assert_eq!(found.brokers, [Address::new("a", 7954).unwrap()]);
    assert_eq!(found.valid_for, Duration::from_secs(60));
    assert!(matches!(lookup(ZONE, &serve(&[alias])), Err(DiscoveryError::NoRecord { .. })));
}

#[test]
fn an_answer_too_long_for_a_datagram_comes_by_tcp() {
    let long = "x".repeat(60);
    let records: Vec<Record> = (0..100).map(|n| srv(format!("{n} 0 7954 b{n}.{long}"))).collect();
    let found = lookup(ZONE, &serve(&records)).unwrap();
    assert_eq!(found.brokers.len(), RECORDS_MAX);
    assert_eq!(found.brokers[31].host(), format!("b31.{long}"));
}

#[test]
fn it_works_inside_a_runtime() {
    let server = serve(&["0 0 7954 a"].map(srv));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(async { lookup(ZONE, &server) }).is_ok());
}

#[test]
fn no_record_says_what_to_add() {
    let message = lookup(ZONE, &serve(&[])).unwrap_err().to_string();
    let expected = "no SRV record _thingsbus._tcp.example.org.: \
                    add \"_thingsbus._tcp.example.org. 3600 IN SRV 0 0 7954 HOST.\" to the zone";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn a_dot_says_that_there_is_no_broker() {
    assert!(matches!(lookup(ZONE, &serve(&[srv("0 0 0 .")])), Err(DiscoveryError::NotAvailable { .. })));
}

#[test]
fn a_record_that_is_wrong_is_shown() {
    let message = lookup(ZONE, &serve(&[srv("1 2 65535 a")])).unwrap_err().to_string();
    assert!(message.contains("_thingsbus._tcp.example.org. 1 2 65535 a. cannot be used"), "{message}");
}

#[test]
fn a_bad_zone_is_not_asked_for() {
    let asked = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = Options::with_server(asked.local_addr().unwrap());
    for zone in ["", "exa mple.org", "example.org\0", "example..org"] {
        assert!(matches!(lookup(zone, &server), Err(DiscoveryError::BadZone { .. })), "{zone:?}");
    }
    asked.set_nonblocking(true).unwrap();
    assert_eq!(asked.recv(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn a_server_that_refuses_is_named() {
    let server = serve(&[]);
    let error = lookup("example.com", &server).unwrap_err();
    let address = server.server.unwrap();
    assert!(matches!(error, DiscoveryError::Dns { .. }), "{error:?}");
    assert!(
        error.to_string().starts_with(&format!("asking {address} about _thingsbus._tcp.example.com. failed"))
    );
}

#[test]
fn a_silent_server_costs_no_more_than_the_limit() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    check_no_answer(silent.local_addr().unwrap());
}

#[test]
fn nonsense_is_no_answer() {
    check_no_answer(answer_each(|_question| b"not DNS".to_vec()));
}

#[test]
fn nonsense_with_the_right_number_is_a_failure() {
    let broken = answer_each(|question| [&question[..2], &[0xff; 40]].concat());
    assert!(matches!(check_fails_in_time(broken), DiscoveryError::Dns { .. }));
    let echo = answer_each(<[u8]>::to_vec);
    assert!(matches!(check_fails_in_time(echo), DiscoveryError::Dns { .. }));
}

#[test]
fn a_slow_row_of_aliases_costs_no_more_than_the_limit() {
    let server = answer_each(|question| {
        thread::sleep(Duration::from_millis(1_200));
        let question = Message::from_vec(question).unwrap();
        let asked = question.queries[0].name();
        let next = Name::from_str("next").unwrap().append_domain(asked).unwrap();
        let mut answer = Message::response(question.id, OpCode::Query);
        answer.add_query(question.queries[0].clone());
        answer.add_answer(Record::from_rdata(asked.clone(), TTL_S, RData::CNAME(CNAME(next))));
        answer.to_vec().unwrap()
    });
    assert!(matches!(check_fails_in_time(server), DiscoveryError::NoAnswer { .. }));
}

#[test]
fn a_server_that_is_not_there_is_an_error_in_time() {
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    check_fails_in_time(nobody);
}

#[test]
fn the_environment_names_a_server() {
    #[track_caller]
    fn check(value: Option<&str>, expected: Result<Option<&str>, &str>) {
        let options = Options::from_variables(|variable| {
            assert_eq!(variable, "THINGSBUS_DNS");
            value.map(str::to_owned)
        });
        match (options, expected) {
            (Ok(options), Ok(server)) => {
                assert_eq!(options.server, server.map(|server| server.parse().unwrap()), "{value:?}");
            }
            (Err(error), Err(message)) => assert!(error.to_string().contains(message), "{error}"),
            (options, _) => panic!("{value:?} gave {options:?}"),
        }
    }
    check(None, Ok(None));
    check(Some(""), Ok(None));
    check(Some("192.0.2.53:5353"), Ok(Some("192.0.2.53:5353")));
    check(Some("192.0.2.53"), Ok(Some("192.0.2.53:53")));
    check(Some("::1"), Ok(Some("[::1]:53")));
    check(Some("[::1]:5353"), Ok(Some("[::1]:5353")));
    check(Some("ns.example.org"), Err("THINGSBUS_DNS is \"ns.example.org\": write IP:PORT"));
    check(Some("192.0.2.53:0"), Err("write IP:PORT"));
}

/// [`LOOKUP_TIMEOUT`] and what a busy machine adds; the promise is "under five seconds".
const PATIENCE: Duration = Duration::from_millis(4_900);

#[track_caller]
fn check_no_answer(server: SocketAddr) {
    let error = check_fails_in_time(server);
    let message = error.to_string();
    let expected = format!("no answer about {ASKED} from {server} within 4.");
    assert!(message.starts_with(&expected), "{message}");
    // Two attempts end by themselves; the limit around them is for what nobody foresaw.
    let DiscoveryError::NoAnswer { timeout, .. } = error else { panic!("{error:?}") };
    assert!(timeout < LOOKUP_TIMEOUT, "{timeout:?}");
}

#[track_caller]
fn check_fails_in_time(server: SocketAddr) -> DiscoveryError {
    let started = Instant::now();
    let error = lookup(ZONE, &Options::with_server(server)).unwrap_err();
    let took = started.elapsed();
    assert!(took < PATIENCE, "it took {took:?} to say: {error}");
    error
}

const ASKED: &str = "_thingsbus._tcp.example.org.";

/// `PRIORITY WEIGHT PORT TARGET`, at the name that [`ZONE`] is asked for.
fn srv(text: impl AsRef<str>) -> Record {
    let record = order::tests::record(text.as_ref());
    let target = Name::from_str(&record.target).unwrap();
    let data = SRV::new(record.priority, record.weight, record.port, target);
    Record::from_rdata(Name::from_str(ASKED).unwrap(), TTL_S, RData::SRV(data))
}

/// A name server with these records in [`ZONE`], by UDP and TCP, for as long as this process lives.
fn serve(records: &[Record]) -> Options {
    let origin = Name::from_str("example.org.").unwrap();
    let soa = SOA::new(origin.clone(), origin.clone(), 1, 3600, 600, 86_400, 60);
    let mut zone: InMemoryZoneHandler<TokioRuntimeProvider> =
        InMemoryZoneHandler::empty(origin.clone(), ZoneType::Primary, AxfrPolicy::Deny);
    zone.upsert_mut(Record::from_rdata(origin.clone(), 3600, RData::SOA(soa)), 1);
    for record in records {
        assert!(zone.upsert_mut(record.clone(), 1));
    }
    let mut catalog = Catalog::new();
    catalog.upsert(LowerName::new(&origin), vec![Arc::new(zone)]);

    let (bound, address) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (udp, tcp) = bind_both().await;
            bound.send(udp.local_addr().unwrap()).unwrap();
            let mut server = Server::new(catalog);
            server.register_socket(udp);
            server.register_listener(tcp, Duration::from_secs(5), 16);
            server.block_until_done().await.unwrap();
        });
    });
    Options::with_server(address.recv().unwrap())
}

/// UDP and TCP on one port; another process may have the TCP one.
async fn bind_both() -> (tokio::net::UdpSocket, tokio::net::TcpListener) {
    loop {
        let udp = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = tokio::net::TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
}

/// A server that answers each datagram with what `answer` makes of it.
fn answer_each(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut datagram = [0; 4096];
        while let Ok((bytes, from)) = socket.recv_from(&mut datagram) {
            socket.send_to(&answer(&datagram[..bytes]), from).unwrap();
        }
    });
    address
}
