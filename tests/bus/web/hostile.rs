//! Whatever is sent to the web door: the broker stays up, good traffic goes on without loss, and the memory has its bound.
//!
//! A storm blows as long as those in `hostile` do.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::number;
use crate::support::good::Good;
use crate::support::http::{Events, Http, request};
use crate::support::program::BrokerProgram;
#[cfg(target_os = "linux")]
use crate::support::program::memory_kib;
use crate::support::random::Random;
use crate::support::wait::until;
use crate::support::{Doors, TestBroker};

/// What the program may grow by, in KiB: many connections at a time, each with a body, and generously more.
#[cfg(target_os = "linux")]
const GROWTH_KIB_MAX: u64 = 64 * 1024;

/// And from the second third of a storm to the last, by what it mostly holds: what comes and goes at a time, but nothing that
/// gathers.
#[cfg(target_os = "linux")]
const LATE_GROWTH_KIB_MAX: u64 = 8 * 1024;

/// How often its memory is looked at.
#[cfg(target_os = "linux")]
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A round of it.
type Attack = fn(&Doors, &mut Random);

fn storm_time() -> Duration {
    let seconds = std::env::var("THINGSBUS_HOSTILE_S").ok();
    Duration::from_secs(
        seconds.map_or(3, |seconds| seconds.parse().expect("THINGSBUS_HOSTILE_S is a number")),
    )
}

/// Somebody with good manners: says a number and hears it, again and again. How often.
fn good(doors: &Doors, stop: &AtomicBool) -> u64 {
    let mut http = Http::connect(doors.web);
    let mut events = Events::follow(doors.web, "?under=good.web", None);
    events.through_mark();
    let mut said = 0;
    while !stop.load(Ordering::Relaxed) || said < 10 {
        said += 1;
        assert_eq!(http.put("/things/good.web", &json!(said)).status, 200);
        // Where the door has more to do than it can, a stream is told the last values in place of what it missed: the last
        // one comes all the same, and nothing that was not said.
        until("the update", || {
            let event = events.wait();
            let data = event.json()["data"].as_u64().filter(|_| event.name.is_empty());
            assert!(data <= Some(said), "{event:?}");
            (data == Some(said)).then_some(())
        });
        assert_eq!(http.get("/things/good.web/data").json(), said);
    }
    said
}

#[test]
fn nonsense_of_every_kind_and_good_traffic_goes_on() {
    let mut random = Random::new("web nonsense");
    let mut broker = BrokerProgram::start(&["--set", "limits.directory_bytes_max=16777216"]);
    let doors = broker.doors();
    #[cfg(target_os = "linux")]
    let (before, memory) = {
        let id = broker.id();
        (memory_kib(id).0, std::thread::spawn(move || memory_in_storm(id)))
    };
    let zmq = Good::start(&doors);
    let stop = AtomicBool::new(false);
    let attacks: [(&str, Attack); 9] = [
        ("heads", heads),
        ("bodies", bodies),
        ("addresses", addresses),
        ("values", values),
        ("pipelines", pipelines),
        ("cut streams", cut_streams),
        ("web sockets", web_sockets),
        ("watches", watches),
        ("bytes", bytes),
    ];
    let (web, rounds) = std::thread::scope(|scope| {
        let web = scope.spawn(|| good(&doors, &stop));
        let attackers: Vec<_> = attacks
            .into_iter()
            .map(|(name, attack)| {
                let mut random = random.split();
                scope.spawn(move || {
                    let end = Instant::now() + storm_time();
                    let mut rounds = 0_u64;
                    while Instant::now() < end {
                        rounds += 1;
                        attack(&doors, &mut random);
                        // The next comes when the door is through with what came before, on machines of any speed.
                        assert_eq!(Http::connect(doors.web).get("/healthz").status, 200);
                    }
                    (name, rounds)
                })
            })
            .collect();
        let all: Vec<_> = attackers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        stop.store(true, Ordering::Relaxed);
        let web = web.join().expect("good traffic goes on in the web");
        let rounds = all.into_iter().map(|attack| attack.expect("an attack finds the door open"));
        (web, rounds.collect::<Vec<_>>())
    });
    let zmq = zmq.finish();
    eprintln!("{:?}: {web} said and heard in the web, {zmq:?}", storm_time());
    eprintln!("rounds of attacks: {rounds:?}");
    let metrics = Http::connect(doors.web).get("/metrics").text();
    let web = ["thingsbus_connections_accepted_total{door=\"http\"}", "thingsbus_http_responses_total"];
    metrics
        .lines()
        .filter(|line| web.iter().any(|name| line.starts_with(name)))
        .for_each(|line| eprintln!("{line}"));
    #[cfg(target_os = "linux")]
    {
        let memory = memory.join().expect("the memory can be looked at");
        let most = broker.memory_kib().1;
        eprintln!(
            "{before} KiB before, {most} KiB at the most; by tenths of the time {:?}",
            medians(&memory, 10)
        );
        assert!(most < before + GROWTH_KIB_MAX, "from {before} to {most} KiB");
        let thirds = medians(&memory, 3);
        assert!(thirds[2] < thirds[1] + LATE_GROWTH_KIB_MAX, "by thirds of the time {thirds:?} KiB");
    }
    broker.signal("TERM");
    assert_eq!(broker.wait().code(), Some(0), "{}", broker.said());
    assert!(!broker.said().contains("panicked"), "{}", broker.said());
}

/// How much memory the program of this id holds as long as a storm blows, in KiB.
#[cfg(target_os = "linux")]
fn memory_in_storm(id: u32) -> Vec<u64> {
    let end = Instant::now() + storm_time();
    std::iter::from_fn(|| {
        std::thread::sleep(LOOK_EVERY);
        (Instant::now() < end).then(|| memory_kib(id).0)
    })
    .collect()
}

/// The middle one of each of so many parts.
#[cfg(target_os = "linux")]
fn medians(looks: &[u64], parts: usize) -> Vec<u64> {
    let parts = looks.chunks(looks.len().div_ceil(parts));
    parts.map(|part| *part.to_vec().select_nth_unstable(part.len() / 2).1).collect()
}

/// Sends it, and takes what comes for a moment. Nobody promises an answer.
fn throw(doors: &Doors, bytes: &[u8]) -> Vec<u8> {
    let http = Http::connect(doors.web);
    let mut stream = http.stream();
    stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let _ = stream.write_all(bytes);
    let mut answer = vec![0; 4_096];
    let count = stream.read(&mut answer).unwrap_or_default();
    answer.truncate(count);
    answer
}

/// Half ones, huge ones, and what is none.
fn heads(doors: &Doors, random: &mut Random) {
    let whole = request(doors.web, "GET", "/things", &[("Accept", "*/*")], b"");
    throw(doors, &whole[..random.below(whole.len())]);
    let long = "x".repeat(random.below(200_000));
    throw(doors, &request(doors.web, "GET", &format!("/things/{long}"), &[], b""));
    throw(doors, &request(doors.web, "GET", "/things", &[("X", &long)], b""));
    let many: Vec<(&str, &str)> = vec![("X", "y"); random.below(5_000)];
    throw(doors, &request(doors.web, "GET", "/things", &many, b""));
    let wrong = random.one_of(&[
        "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\r\n\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /things HTTP/1.1\r\n\r\n", "GET http://other/things HTTP/1.1\r\nHost: x\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
        "BREW /things HTTP/1.1\r\nHost: x\r\n\r\n", "GET /things HTTP/1.0\r\n\r\n",
        "GET /\u{0} HTTP/1.1\r\n\r\n", "GET /things HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        "PUT /things/evil HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n11",
        "PUT /things/evil HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n1",
        "PUT /things/evil HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "PUT /things/evil HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n1",
        "PUT /things/evil HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n1",
    ]);
    throw(doors, wrong.as_bytes());
}

/// Too short, too long, and as long as they say.
fn bodies(doors: &Doors, random: &mut Random) {
    let lengths = ["1048577", "1073741824", "18446744073709551615", "100"];
    let place = random.one_of(&["/things/evil.body", "/snapshots/evil", "/things", "/status"]);
    let head =
        format!("PUT {place} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", random.one_of(&lengths));
    let body = vec![b'['; random.below(3 << 20)];
    throw(doors, &[head.as_bytes(), &body].concat());
    let chunked = "PUT /things/evil.body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    // Crumbs, and pieces that are just long enough.
    let (length, most) = [(1, 200_000), (64, 1_000)][random.below(2)];
    let piece = format!("{length:x}\r\n{}\r\n", "1".repeat(length));
    throw(doors, &[chunked.as_bytes(), piece.repeat(random.below(most)).as_bytes()].concat());
}

fn addresses(doors: &Doors, random: &mut Random) {
    let mut http = Http::connect(doors.web);
    for _ in 0..50 {
        let place = match random.below(8) {
            0 => format!("/things/%{:02x}%{:02x}", random.below(256), random.below(256)),
            1 => "/things/evil".to_owned() + &"/data/x".repeat(random.below(1_000)),
            2 => format!("/things/{}", "a.".repeat(random.below(4_000))),
            3 => "/things/%".to_owned(),
            4 => format!("/things?match={}&limit=1", "*a".repeat(random.below(5_000))),
            5 => format!("/events?since=x.{}", random.next()),
            6 => format!("/things?after={}", "z".repeat(random.below(200))),
            _ => format!("/snapshots/..%2f..%2fetc%2fpasswd{}", random.below(9)),
        };
        let method = random.one_of(&["GET", "PUT", "DELETE", "POST", "HEAD", "PATCH", "TRACE"]);
        http.send(request(doors.web, method, &place, &[], b"")).expect("the connection is kept");
        let head = http.head().expect("an answer");
        assert!(head.status < 500, "{method} {place}: {head:?}");
        http = Http::connect(doors.web);
    }
}

/// Bodies that are no values, and deep ones.
fn values(doors: &Doors, random: &mut Random) {
    let mut http = Http::connect(doors.web);
    for _ in 0..20 {
        let depth = [1, 63, 64, 65, 127, 128, 129, 100_000][random.below(8)];
        let body = match random.below(6) {
            0 => "[".repeat(depth).into_bytes(),
            1 => format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes(),
            2 => b"\"\xff\xfe\"".to_vec(),
            3 => b"{\"a\":1}{\"ns\":\"evil.second\",\"data\":1}".to_vec(),
            4 => b"1,\"ns\":\"good.sensor\",\"data\":0".to_vec(),
            _ => random.bytes(300),
        };
        let kind = random.one_of(&["application/json", "application/msgpack", "text/plain"]);
        let place = random.one_of(&[
            "/things/evil.value",
            "/things/evil.value/data/a/b",
            "/things/evil.value/value/0",
        ]);
        let answer = http.ask("PUT", place, &[("Content-Type", kind)], &body);
        assert!(answer.status < 500, "{place}: {}", answer.text());
    }
}

/// Many at once, and not all answers taken.
fn pipelines(doors: &Doors, random: &mut Random) {
    let mut http = Http::connect(doors.web);
    http.stream().set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let one = request(doors.web, "GET", "/things?limit=10000", &[], b"");
    let count = random.below(3_000);
    if http.send(one.repeat(count)).is_ok() {
        // Never more than were asked for: those would be waited for.
        for _ in 0..random.below(count.clamp(1, 20)) {
            if http.answer().is_err() {
                break;
            }
        }
    }
}

fn cut_streams(doors: &Doors, random: &mut Random) {
    let streams: Vec<Http> = (0..5)
        .map(|_| {
            let mut http = Http::connect(doors.web);
            let headers = [("Last-Event-ID", "x.1")];
            http.send(request(doors.web, "GET", "/events", &headers, b"")).unwrap();
            http
        })
        .collect();
    for mut http in streams {
        if random.below(2) == 0 {
            // Some are full, and say so.
            let _ = http.head();
        }
    }
}

fn web_sockets(doors: &Doors, random: &mut Random) {
    let headers = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let missing = random.below(8);
    let some: Vec<(&str, &str)> =
        headers.into_iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, header)| header).collect();
    let hello = request(doors.web, "GET", "/ws?under=good", &some, b"");
    let mask = [1, 2, 3, 4];
    let masked = |first: u8, body: &[u8]| {
        let length = (body.len() as u64).to_be_bytes();
        let body: Vec<u8> = body.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect();
        [&[first, 0xFF], length.as_slice(), &mask, &body].concat()
    };
    let frame = match random.below(9) {
        0 => random.bytes(200),
        1 => [&[0x81, 0xFF], u64::MAX.to_be_bytes().as_slice(), &mask].concat(),
        2 => [&[0x82, 0x7F], (1_u64 << 40).to_be_bytes().as_slice()].concat(),
        3 => masked(0x81, b"\xff\xfe\xfd"),
        4 => masked(0x81, br#"{"type":"status_query"}"#).repeat(300),
        5 => masked(0x89, &[0; 126]),
        6 => masked(0x88, b"\x00"),
        7 => masked(0x01, &vec![b'['; 100_000]).repeat(15),
        _ => masked(0x81, "[".repeat(60_000).as_bytes()),
    };
    throw(doors, &[hello, frame].concat());
}

fn watches(doors: &Doors, random: &mut Random) {
    let names: Vec<String> =
        (0..[0, 1, 5, 40, 1_100][random.below(5)]).map(|number| format!("\"@n{number}\"")).collect();
    let body = format!("({})", names.join(" "));
    let every = random.one_of(&["0", "1", "18446744073709551615", "-1", "x"]);
    throw(doors, &request(doors.web, "POST", "/things", &[("Monitor", every)], body.as_bytes()));
    throw(doors, &request(doors.web, "POST", "/things", &[("Monitor", "0")], b"\"nobody\""));
}

fn bytes(doors: &Doors, random: &mut Random) {
    let count = random.below(2_000);
    throw(doors, &random.bytes(count));
    let mut whole = request(doors.web, "PUT", "/things/evil", &[("If-Match", "*")], b"{\"a\":1}");
    for _ in 0..5 {
        let at = random.below(whole.len());
        whole[at] ^= 1 << random.below(8);
    }
    throw(doors, &whole);
}

#[test]
fn connections_that_say_nothing_leave_room_for_those_that_do() {
    const SILENT: usize = 2_000;
    let broker = TestBroker::with(|config| config.web.connections_max = SILENT + 2);
    let silent: Vec<Http> = (0..SILENT).map(|_| Http::connect(broker.web)).collect();
    let stop = AtomicBool::new(true);
    assert_eq!(good(&broker, &stop), 10);
    // Two more than that are good; one more is turned away.
    let (mut first, mut second) = (Http::connect(broker.web), Http::connect(broker.web));
    until("the last two places", || {
        // Those of the good one are free when the door has seen that they were closed.
        let answer = |http: &mut Http| {
            let asked =
                http.send(request(broker.web, "GET", "/things", &[], b"")).and_then(|()| http.answer());
            asked.map_or_else(|_| *http = Http::connect(broker.web), drop);
        };
        answer(&mut first);
        answer(&mut second);
        let asked = |http: &mut Http| {
            http.send(request(broker.web, "GET", "/things", &[], b"")).and_then(|()| http.answer()).is_ok()
        };
        (asked(&mut first) && asked(&mut second)).then_some(())
    });
    assert!(Http::connect(broker.web).is_closed_within(crate::support::wait::PATIENCE));
    drop(silent);
    until("a place", || {
        let mut http = Http::connect(broker.web);
        http.send(request(broker.web, "GET", "/things", &[], b"")).and_then(|()| http.answer()).ok()
    });
}

#[test]
fn streams_have_a_bound_and_places_come_back() {
    let broker = TestBroker::with(|config| config.web.streams_max = 3);
    let mut streams: Vec<Events> = (0..3).map(|_| Events::follow(broker.web, "", None)).collect();
    streams.iter_mut().for_each(|events| drop(events.through_mark()));
    let mut http = Http::connect(broker.web);
    let refused = http.get("/events");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{}", refused.text());
    assert!(refused.text().contains("web.streams_max"), "{}", refused.text());
    assert_eq!(http.put("/things/a", &json!(1)).status, 200);
    assert_eq!(number(&streams[0].wait().json()["seq"]), 1);
    drop(streams);
    // Whoever is gone is noticed when something is sent there.
    until("a place", || {
        http.put("/things/a", &json!(1));
        let mut http = Http::connect(broker.web);
        http.send(request(broker.web, "GET", "/events", &[], b"")).unwrap();
        http.head().ok().filter(|head| head.status == 200)
    });
}
