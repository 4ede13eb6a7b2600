//! The protocol core against the bytes of the RFCs, cut everywhere, and against any bytes at all.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { frame_bytes_max: 300 };

/// An event that owns what it holds, to be compared after the buffer has moved on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Ready,
    Frame(Vec<u8>, bool),
    Subscribe(Vec<u8>),
    Cancel(Vec<u8>),
    Ping(u64),
    Stray,
    TooLong(u64, bool),
    CommandTooLong(u64),
    Refused(Refused),
}

impl Told {
    fn of(event: Event<'_>) -> Option<Self> {
        Some(match event {
            Event::Ready => Self::Ready,
            Event::Frame { body, more } => Self::Frame(body.to_vec(), more),
            Event::Subscribe(prefix) => Self::Subscribe(prefix.to_vec()),
            Event::Cancel(prefix) => Self::Cancel(prefix.to_vec()),
            Event::Ping { ttl } => Self::Ping(ttl.as_millis() as u64),
            Event::Stray => Self::Stray,
            Event::TooLong { bytes, more } => Self::TooLong(bytes, more),
            Event::CommandTooLong { bytes } => Self::CommandTooLong(bytes),
            Event::Nothing => return None,
        })
    }
}

/// A door's side of one connection: what came and was not used, what was told, what goes out.
struct Owner {
    connection: Connection,
    unread: Vec<u8>,
    told: Vec<Told>,
    output: Vec<u8>,
}

impl Owner {
    fn new(role: Role) -> Self {
        let connection = Connection::new(role, LIMITS);
        Self { connection, unread: Vec::new(), told: Vec::new(), output: Vec::new() }
    }

    /// Takes bytes in, as a door does, and holds the promises of `next` on every step.
    fn receive(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        let mut used = 0;
        loop {
            let rest = &self.unread[used..];
            match self.connection.next(rest) {
                Ok(Some((bytes, event))) => {
                    assert!(
                        (1..=rest.len()).contains(&bytes),
                        "{bytes} of {} used for {event:?}",
                        rest.len()
                    );
                    used += bytes;
                    self.told.extend(Told::of(event));
                }
                Ok(None) => {
                    assert!(rest.len() < self.connection.unread_bytes_max(), "waits for more than it says");
                    break;
                }
                Err(refused) => {
                    assert_eq!(self.connection.next(rest), Err(refused), "a refusal stays");
                    if self.told.last() != Some(&Told::Refused(refused)) {
                        self.told.push(Told::Refused(refused));
                    }
                    break;
                }
            }
            self.send();
        }
        self.send();
        assert!(!self.connection.has_output());
        self.unread.drain(..used);
    }

    fn send(&mut self) {
        if self.connection.has_output() {
            self.connection.take_output(&mut self.output);
        }
    }
}

/// All that is told and sent for these bytes of a peer: the same for every way to cut them.
fn run(role: Role, bytes: &[u8]) -> (Vec<Told>, Vec<u8>) {
    let whole = feed(role, [bytes]);
    assert_eq!(feed(role, bytes.chunks(1)), whole, "fed byte by byte");
    for at in 0..bytes.len() {
        let (front, back) = bytes.split_at(at);
        assert_eq!(feed(role, [front, back]), whole, "cut at {at}");
    }
    whole
}

fn feed<'a>(role: Role, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Told>, Vec<u8>) {
    let mut owner = Owner::new(role);
    owner.receive(b"");
    for piece in pieces {
        owner.receive(piece);
    }
    (owner.told, owner.output)
}

/// RFC 37, "Worked Example", with a minor version.
fn greeting_bytes(minor: u8) -> Vec<u8> {
    let mut bytes = b"\xFF\0\0\0\0\0\0\0\0\x7F\x03".to_vec();
    bytes.push(minor);
    bytes.extend_from_slice(b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    bytes.resize(64, 0);
    bytes
}

/// A command frame, written out without the code that is tested.
fn command_bytes(name: &str, data: &[u8]) -> Vec<u8> {
    let len = 1 + name.len() + data.len();
    let mut bytes = if len < 256 { vec![4, len as u8] } else { vec![6] };
    if len >= 256 {
        bytes.extend_from_slice(&(len as u64).to_be_bytes());
    }
    bytes.push(name.len() as u8);
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn property(name: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![name.len() as u8];
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(&(value.len() as u32).to_be_bytes());
    bytes.extend_from_slice(value);
    bytes
}

fn ready_bytes(socket_type: &str) -> Vec<u8> {
    command_bytes("READY", &property("Socket-Type", socket_type.as_bytes()))
}

/// Greeting and READY, then this.
fn session(socket_type: &str, traffic: &[u8]) -> Vec<u8> {
    [&greeting_bytes(1), &ready_bytes(socket_type), traffic].concat()
}

/// What is told after Ready for this traffic, and what goes out after our READY.
fn traffic(role: Role, socket_type: &str, traffic: &[u8]) -> (Vec<Told>, Vec<u8>) {
    let (mut told, _) = run(role, &session(socket_type, traffic));
    assert_eq!(told.remove(0), Told::Ready);
    let mut owner = Owner::new(role);
    owner.receive(&session(socket_type, b""));
    owner.output.clear();
    owner.receive(traffic);
    (told, owner.output)
}

#[test]
fn the_worked_example_of_rfc_23() {
    let ready = b"\x04\x29\x05READY\x0BSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0";
    let (told, output) = run(Role::Query, &[&greeting_bytes(0), &ready[..]].concat());
    assert_eq!(told, [Told::Ready]);
    let answer = b"\x04\x1C\x05READY\x0BSocket-Type\0\0\0\x06ROUTER";
    assert_eq!(output, [&greeting_bytes(1), &answer[..]].concat());
}

#[test]
fn each_door_is_what_its_peer_needs() {
    const ALL: [&str; 12] =
        ["REQ", "REP", "DEALER", "ROUTER", "PUB", "XPUB", "SUB", "XSUB", "PUSH", "PULL", "PAIR", "CLIENT"];
    let fits = |role, peer| match (role, peer) {
        (Role::Input, "PUB" | "XPUB") => Some("SUB"),
        (Role::Input, "PUSH") => Some("PULL"),
        (Role::Clients, "SUB" | "XSUB") => Some("XPUB"),
        (Role::Query, "REQ" | "DEALER" | "ROUTER") => Some("ROUTER"),
        _ => None,
    };
    for role in [Role::Input, Role::Clients, Role::Query] {
        for peer in ALL {
            let (told, output) = run(role, &session(peer, b""));
            let (greeting, answer) = output.split_at(GREETING_BYTES);
            assert_eq!(greeting, greeting_bytes(1));
            if let Some(ours) = fits(role, peer) {
                let subscription: &[u8] = if ours == "SUB" { b"\x00\x01\x01" } else { b"" };
                assert_eq!(told, [Told::Ready], "{role:?} {peer}");
                assert_eq!(answer, [&ready_bytes(ours), subscription].concat(), "{role:?} {peer}");
            } else {
                let peer_type = SocketType::parse(peer.as_bytes());
                assert_eq!(peer_type.is_none(), peer == "CLIENT");
                assert_eq!(told, [Told::Refused(Refused::SocketType { peer: peer_type })], "{role:?} {peer}");
                assert_eq!(answer, command_bytes("ERROR", b"\x18Socket-Type-does-not-fit"));
            }
        }
    }
}

#[test]
fn who_says_what_first() {
    let (greeting, peer) = (greeting_bytes(1), greeting_bytes(7));
    let mut owner = Owner::new(Role::Clients);
    assert!(owner.connection.has_output());
    owner.receive(&peer[..10]);
    assert_eq!(owner.output, greeting[..11], "signature and major version at once");
    owner.receive(&peer[10..11]);
    assert_eq!(owner.output, greeting, "the rest to a peer of our version");
    owner.receive(&peer[11..]);
    assert_eq!((owner.output.len(), owner.connection.peer_minor()), (64, 1));
    assert!(!owner.connection.is_ready() && owner.connection.peer_socket_type().is_none());
    owner.receive(&ready_bytes("SUB"));
    assert!(owner.connection.is_ready() && owner.output.len() > 64, "READY after the peer's");
    assert_eq!(owner.connection.peer_socket_type(), Some(SocketType::Sub));
}

#[test]
fn greetings_of_every_3_x_and_later_are_taken() {
    for (major, minor, spoken) in [(3, 0, 0), (3, 1, 1), (3, 255, 1), (4, 0, 1), (255, 9, 1)] {
        let mut bytes = greeting_bytes(minor);
        bytes[10] = major;
        bytes[1..9].copy_from_slice(b"\0\0\0\0\0\0\0\x01"); // libzmq's padding; it means nothing.
        bytes[32..].fill(0xAA); // as-server and filler neither.
        let mut owner = Owner::new(Role::Clients);
        owner.receive(&bytes);
        owner.receive(&ready_bytes("SUB"));
        assert_eq!((owner.told.as_slice(), owner.connection.peer_minor()), (&[Told::Ready][..], spoken));
    }
}

/// Each with the shortest bytes that prove it: one less is not refused yet.
#[test]
fn refusals_come_at_once_and_with_their_reason() {
    let greeting = greeting_bytes(1);
    let greeted = |bytes: &[u8]| [&greeting, bytes].concat();
    let ready = |metadata: &[u8]| greeted(&command_bytes("READY", metadata));
    let talking = |bytes: &[u8]| session("PUSH", bytes);
    let curve = [&greeting[..12], b"CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"].concat();
    let nullish = [&greeting[..12], b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0X"].concat();
    for (bytes, reason) in [
        (b"G".to_vec(), Refused::NotZmtp),    // HTTP
        (b"\x16".to_vec(), Refused::NotZmtp), // TLS
        (b"\x01".to_vec(), Refused::NotZmtp), // ZMTP 1.0, an anonymous peer
        (b"\xFF\xFB\x1F\xFF\xFB\x20\xFF\xFB\x18\xFF".to_vec(), Refused::NotZmtp), // telnet
        (b"\xFF\0\0\0\0\0\0\x01\x00\x00".to_vec(), Refused::OldZmtp { major: 1 }), // a long identity
        (b"\xFF\0\0\0\0\0\0\0\x01\x7F\x00".to_vec(), Refused::OldZmtp { major: 1 }),
        (b"\xFF\0\0\0\0\0\0\0\x01\x7F\x01".to_vec(), Refused::OldZmtp { major: 2 }),
        (b"\xFF\0\0\0\0\0\0\0\x01\x7F\x02".to_vec(), Refused::OldZmtp { major: 2 }),
        (curve, Refused::Mechanism),
        (nullish, Refused::Mechanism),
        (greeted(b"\x00\x01"), Refused::NoReady),
        (greeted(&command_bytes("HELLO", b"")), Refused::NoReady),
        (greeted(&command_bytes("PING", b"\0\0")), Refused::NoReady),
        (greeted(&command_bytes("ERROR", b"\x03400")), Refused::PeerError),
        (greeted(b"\x06\0\0\0\0\0\0\x10\x01"), Refused::CommandTooLong),
        (greeted(b"\x08"), Refused::BadFlags),
        (greeted(b"\x04\x00"), Refused::BadCommand),
        (ready(b""), Refused::BadReady),
        (ready(&property("Identity", b"me")), Refused::BadReady),
        (ready(&property("Socket-Type", b"PUSH")[..19]), Refused::BadReady),
        (ready(&[property("Socket-Type", b"PUSH"), vec![0]].concat()), Refused::BadReady),
        (ready(&[property("Socket-Type", b"PUSH"), property("", b"value")].concat()), Refused::BadReady),
        (ready(b"\x0BSocket-Type\xFF\xFF\xFF\xFFPUSH"), Refused::BadReady),
        (ready(&property("Socket-Type", b"push")), Refused::SocketType { peer: None }),
        (talking(b"\x05"), Refused::BadFlags),
        (talking(b"\x07"), Refused::BadFlags),
        (talking(b"\x80"), Refused::BadFlags),
        (talking(b"\x04\x00"), Refused::BadCommand),
        (talking(b"\x04\x05\x00PING"), Refused::BadCommand),
        (talking(b"\x04\x04\x04PIN"), Refused::BadCommand),
        (talking(&command_bytes("PING", b"\0")), Refused::BadCommand),
        (talking(&command_bytes("PING", &[0; 2 + 17])), Refused::BadCommand),
        (talking(&command_bytes("ERROR", b"\x03bye")), Refused::PeerError),
    ] {
        let refused = Told::Refused(reason);
        let (told, output) = run(Role::Input, &bytes);
        // RFC 37: who reads a whole greeting must send one. Before, only what proves nothing against anybody goes out.
        assert_eq!(output.len() >= 64, bytes.get(10).is_some_and(|major| *major >= 3), "{reason}");
        assert_eq!(told.last(), Some(&refused), "{reason} for {bytes:?}");
        assert_eq!(run(Role::Input, &[&bytes, &b"\0\0"[..]].concat()).0, told, "and nothing after it");
        if reason != Refused::Mechanism {
            let (before, _) = run(Role::Input, &bytes[..bytes.len() - 1]);
            assert!(!before.contains(&refused), "{reason} too early for {bytes:?}");
        }
    }
}

#[test]
fn an_identity_has_a_limit_where_it_has_a_meaning() {
    for (role, peer, told) in
        [(Role::Query, "DEALER", Told::Refused(Refused::BadReady)), (Role::Input, "PUSH", Told::Ready)]
    {
        let metadata = [property("Identity", &[7; 256]), property("Socket-Type", peer.as_bytes())].concat();
        assert_eq!(run(role, &[greeting_bytes(1), command_bytes("READY", &metadata)].concat()).0, [told]);
    }
}

#[test]
fn refusals_have_names_and_words() {
    let refused = Refused::SocketType { peer: Some(SocketType::Rep) };
    assert_eq!((refused.name(), refused.to_string().contains("(REP)")), ("socket_type", true));
    assert!(Refused::SocketType { peer: None }.to_string().contains("(unknown)"));
    assert!(Refused::OldZmtp { major: 2 }.to_string().starts_with("speaks ZMTP 2.0"));
}

#[test]
fn property_names_are_in_any_case_and_unknown_ones_pass() {
    let metadata = [
        property("X-Site", &[b'x'; 3_000]),
        property("iDENTITY", &[7; 255]),
        property("socket-TYPE", b"REQ"),
        property("Resource", b""),
    ];
    let bytes = [greeting_bytes(0), command_bytes("READY", &metadata.concat())].concat();
    assert_eq!(feed(Role::Query, [&bytes[..]]).0, [Told::Ready]);
    assert_eq!(feed(Role::Query, bytes.chunks(1)).0, [Told::Ready]);
}

#[test]
fn frames_short_long_and_many() {
    let mut bytes =
        b"\x00\x00\x01\x03one\x00\x03two\x03\0\0\0\0\0\0\x00\x02hi\x02\0\0\0\0\0\0\x01\x00".to_vec();
    bytes.extend_from_slice(&[9; 256]);
    let frame = |body: &[u8], more| Told::Frame(body.to_vec(), more);
    for (role, peer) in [(Role::Input, "PUB"), (Role::Input, "PUSH"), (Role::Query, "DEALER")] {
        let (told, output) = traffic(role, peer, &bytes);
        let expected = [
            frame(b"", false),
            frame(b"one", true),
            frame(b"two", false),
            frame(b"hi", true),
            frame(&[9; 256], false),
        ];
        assert_eq!((told.as_slice(), output.as_slice()), (&expected[..], &b""[..]));
    }
}

#[test]
fn subscriptions_by_message_and_by_command() {
    let bytes = [
        b"\x00\x03\x01ab\x00\x01\x01\x00\x02\x00a\x02\0\0\0\0\0\0\0\x02\x01c".to_vec(),
        command_bytes("SUBSCRIBE", b"ab"),
        command_bytes("SUBSCRIBE", b""),
        command_bytes("CANCEL", b"a"),
    ];
    let expected = [
        Told::Subscribe(b"ab".to_vec()),
        Told::Subscribe(vec![]),
        Told::Cancel(b"a".to_vec()),
        Told::Subscribe(b"c".to_vec()),
        Told::Subscribe(b"ab".to_vec()),
        Told::Subscribe(vec![]),
        Told::Cancel(b"a".to_vec()),
    ];
    assert_eq!(traffic(Role::Clients, "SUB", &bytes.concat()).0, expected);
}

#[test]
fn what_has_no_place_is_told_once_and_passed_over() {
    // Words, nothing, a message of three frames, the first of which looks like a subscription; and one that is.
    let bytes = b"\x00\x02hi\x00\x00\x01\x02\x01a\x01\x02\x01b\x00\x02\x01c\x00\x02\x01d";
    let expected = [Told::Stray, Told::Stray, Told::Stray, Told::Subscribe(b"d".to_vec())];
    assert_eq!(traffic(Role::Clients, "XSUB", bytes).0, expected);
    let bytes = [command_bytes("SUBSCRIBE", b"a"), command_bytes("CANCEL", b"a")].concat();
    assert_eq!(traffic(Role::Input, "PUB", &bytes).0, [Told::Stray, Told::Stray]);
    assert_eq!(traffic(Role::Query, "REQ", &bytes).0, [Told::Stray, Told::Stray]);
}

#[test]
fn subscriptions_end_at_their_limit() {
    let longest = [1; SUBSCRIPTION_BYTES_MAX + 1];
    let mut bytes = Vec::new();
    push_frame(&longest, false, &mut bytes);
    push_frame(&[longest.as_slice(), b"1"].concat(), true, &mut bytes);
    push_frame(b"\x01not this", false, &mut bytes);
    bytes.extend(command_bytes("SUBSCRIBE", &longest[1..]));
    bytes.extend(command_bytes("SUBSCRIBE", &longest));
    bytes.extend(b"\x00\x02\x01a");
    let all = Told::Subscribe(longest[1..].to_vec());
    let expected = [
        Told::Ready,
        all.clone(),
        Told::TooLong(2_050, true),
        all,
        Told::CommandTooLong(COMMAND_BYTES_MAX as u64 + 1),
        Told::Subscribe(b"a".to_vec()),
    ];
    let bytes = session("SUB", &bytes);
    assert_eq!(feed(Role::Clients, [&bytes[..]]).0, expected);
    assert_eq!(feed(Role::Clients, bytes.chunks(1)).0, expected);
    assert_eq!(feed(Role::Clients, bytes.chunks(1_000)).0, expected);
}

#[test]
fn a_frame_that_is_too_long_is_passed_over_and_the_connection_goes_on() {
    let mut bytes = Vec::new();
    push_frame(&[b'a'; 300], false, &mut bytes);
    push_frame(&[0xFF; 301], true, &mut bytes);
    push_frame(b"next", false, &mut bytes);
    let expected =
        [Told::Frame(vec![b'a'; 300], false), Told::TooLong(301, true), Told::Frame(b"next".to_vec(), false)];
    assert_eq!(traffic(Role::Input, "PUB", &bytes).0, expected);
}

#[test]
fn a_frame_may_claim_any_length() {
    let mut owner = Owner::new(Role::Input);
    owner.receive(&session("PUB", b"\x02\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"));
    for _ in 0..100 {
        owner.receive(&[0xEE; 1_000]);
        assert!(owner.unread.is_empty());
    }
    assert_eq!(owner.told, [Told::Ready, Told::TooLong(u64::MAX, false)]);
}

#[test]
fn heartbeats_are_answered() {
    let bytes = [
        command_bytes("PING", b"\0\x0A"),
        command_bytes("PONG", b"anything"),
        command_bytes("PING", b"\xFF\xFF0123456789abcdef"),
        command_bytes("JOIN", b"a newer peer's"),
        command_bytes("NOISE", &[b'.'; 1_000]),
    ];
    let (told, output) = traffic(Role::Query, "REQ", &bytes.concat());
    assert_eq!(told, [Told::Ping(1_000), Told::Ping(6_553_500)]);
    assert_eq!(output, [&b"\x04\x05\x04PONG"[..], b"\x04\x15\x04PONG0123456789abcdef"].concat());
}

#[test]
fn pings_between_two_outputs_are_answered_once() {
    let mut connection = Connection::new(Role::Input, LIMITS);
    let bytes = session("PUB", &[command_bytes("PING", b"\0\0a"), command_bytes("PING", b"\0\0b")].concat());
    let mut rest = bytes.as_slice();
    while let Ok(Some((used, _))) = connection.next(rest) {
        rest = &rest[used..];
    }
    let mut output = Vec::new();
    connection.take_output(&mut output);
    assert!(!connection.has_output());
    assert_eq!(
        connection.next(&command_bytes("PING", b"\0\0")),
        Ok(Some((9, Event::Ping { ttl: Duration::ZERO })))
    );
    assert!(connection.has_output());
    assert!(output.ends_with(b"SUB\x00\x01\x01\x04\x06\x04PONGb"), "{output:?}");
}

#[test]
fn our_frames_are_as_the_rfc_has_them() {
    let framed = |len: usize, more| {
        let mut out = b"before".to_vec();
        push_frame(&vec![7; len], more, &mut out);
        assert!(out.ends_with(&vec![7; len]));
        out[6..out.len() - len].to_vec()
    };
    assert_eq!(framed(0, false), b"\x00\x00");
    assert_eq!(framed(255, true), b"\x01\xFF");
    assert_eq!(framed(256, false), b"\x02\0\0\0\0\0\0\x01\x00");
    assert_eq!(framed(70_000, true), b"\x03\0\0\0\0\0\x01\x11\x70");
    for (ttl, wire) in [(0, b"\0\0"), (1_050, b"\0\x0A"), (90_000_000, b"\xFF\xFF")] {
        let mut out = Vec::new();
        push_ping(Duration::from_millis(ttl), &mut out);
        assert_eq!(out, command_bytes("PING", wire));
    }
}

#[test]
fn an_idle_peer_costs_little() {
    assert!(size_of::<Connection>() <= 96, "{} bytes", size_of::<Connection>());
}

/// Pieces of a session: bytes that are right, nearly right, or anything.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![0..4_usize, 250..310_usize, 2_040..2_070_usize];
    let frame = (any::<u8>(), length, any::<bool>()).prop_map(|(byte, len, more)| {
        let mut out = Vec::new();
        push_frame(&vec![byte % 3; len], more, &mut out);
        out
    });
    let name = prop_oneof!["SUBSCRIBE", "CANCEL", "PING", "PONG", "ERROR", "READY", "[A-Z]{0,3}"];
    let command = (name, vec(any::<u8>(), 0..20)).prop_map(|(name, data)| command_bytes(&name, &data));
    let header = (0..9_u8, any::<u64>()).prop_map(|(flags, len)| [&[flags][..], &len.to_be_bytes()].concat());
    prop_oneof![8 => frame, 4 => command, 1 => header, 1 => vec(any::<u8>(), 0..80)]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        6 => prop_oneof!["SUB", "PUB", "REQ", "PUSH"].prop_map(|peer| session(&peer, b"")),
        1 => Just(greeting_bytes(0)),
        1 => Just(Vec::new()),
    ];
    (start, vec(piece(), 0..12)).prop_map(|(start, pieces)| [start, pieces.concat()].concat())
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Input), Just(Role::Clients), Just(Role::Query)]
}

proptest! {
    /// `Owner::receive` holds the promises: something is always used, never more than there is, no wait beyond the
    /// limit, a refusal stays. And however the bytes are cut, the same is told.
    #[test]
    fn any_bytes_in_any_pieces(role in role(), bytes in stream(), cuts in vec(1..700_usize, 1..20)) {
        let mut rest = bytes.as_slice();
        let mut pieces = Vec::new();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at(rest.len().min(*cut));
            pieces.push(piece);
            rest = behind;
        }
        prop_assert_eq!(feed(role, pieces), feed(role, [bytes.as_slice()]));
    }

    /// What is framed here is read here.
    #[test]
    fn frames_come_back(frames in vec((vec(any::<u8>(), 0..301), any::<bool>()), 0..20)) {
        let mut bytes = session("PUSH", b"");
        for (body, more) in &frames {
            push_frame(body, *more, &mut bytes);
        }
        let mut expected = vec![Told::Ready];
        expected.extend(frames.into_iter().map(|(body, more)| Told::Frame(body, more)));
        prop_assert_eq!(feed(Role::Input, [bytes.as_slice()]).0, expected);
    }
}
