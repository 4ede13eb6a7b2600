//! What is asked of it and what is wrong with it, by exit code and one clear line.

use std::net::{TcpListener, UdpSocket};

use crate::support::program::{BrokerProgram, Ended, NO_STORE, program, run};
use crate::support::scratch::ScratchFolder;
use crate::support::{Doors, free_ports};

const BROKER: &str = "thingsbus-broker";

#[test]
fn version_and_help() {
    let version = run(BROKER, &["--version"]);
    assert_eq!((version.code, version.stderr.as_str()), (Some(0), ""));
    assert_eq!(version.stdout, format!("thingsbus-broker {}", env!("CARGO_PKG_VERSION")));
    let help = run(BROKER, &["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    for word in ["--port", "--bind", "--config", "--ports-file", "--check", "--print-config", "64", "7954"] {
        assert!(help.stdout.contains(word), "{word} is not in\n{}", help.stdout);
    }
}

#[test]
fn a_configuration_is_printed_and_checked() {
    let printed = Ended::of(program(BROKER).env_remove(NO_STORE).arg("--print-config"));
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
    let shipped = include_str!("../../../broker/thingsbus.toml");
    assert_eq!(printed.stdout, shipped.trim_end());

    let folder = ScratchFolder::new();
    let file = folder.write("good.toml", "port = 1234\n[limits]\nthings_max = 7\n");
    let file = file.to_str().expect("a path of text");
    let checked = run(BROKER, &["--check", "--config", file]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert!(checked.stdout.contains("good"), "{}", checked.stdout);
    let printed = run(BROKER, &["--config", file, "--port", "4321", "--print-config"]);
    assert!(printed.stdout.contains("\nport = 4321\n") && printed.stdout.contains("\nthings_max = 7\n"));
    // What was printed is a file that says the same.
    let again = folder.write("again.toml", &printed.stdout);
    let again = run(BROKER, &["--config", again.to_str().expect("a path of text"), "--print-config"]);
    assert_eq!(again.stdout, printed.stdout);
}

/// It ends with `code` and says one line, in which `part` stands.
#[track_caller]
fn fails(ended: &Ended, code: i32, part: &str) {
    let Ended { stdout, stderr, .. } = ended;
    assert_eq!(ended.code, Some(code), "{stdout}\n{stderr}");
    assert_eq!(stdout, "");
    assert!(stderr.contains(part), "{part:?} is not in\n{stderr}");
    for trace in ["panicked", "RUST_BACKTRACE", "stack backtrace", "Error {", "Os {"] {
        assert!(!stderr.contains(trace), "{stderr}");
    }
}

/// The same where nothing else is said at all.
#[track_caller]
fn fails_in_one_line(ended: &Ended, code: i32, part: &str) {
    fails(ended, code, part);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.starts_with("thingsbus-broker: "), "{}", ended.stderr);
}

#[test]
fn what_is_wrong_with_the_command_line_ends_with_64() {
    fails(&run(BROKER, &["--prot", "1"]), 64, "--prot");
    fails(&run(BROKER, &["--port", "many"]), 64, "many");
    fails(&run(BROKER, &["--port", "70000"]), 64, "70000");
    fails(&run(BROKER, &["--bind", "localhost"]), 64, "localhost");
    fails(&run(BROKER, &["extra"]), 64, "extra");
    fails_in_one_line(&run(BROKER, &["--port", "65534"]), 64, "port = 65534: ");
    fails_in_one_line(&run(BROKER, &["--set", "limits.things=1"]), 64, "limits.things");
    fails_in_one_line(&run(BROKER, &["--set", "snapshot.every_s=often"]), 64, "snapshot.every_s=often");
}

#[test]
fn what_is_wrong_with_a_file_ends_with_64_and_names_file_and_line() {
    let folder = ScratchFolder::new();
    let check = |name: &str, text: &str, part: &str| {
        let path = folder.write(name, text);
        let path = path.to_str().expect("a path of text");
        for flags in [["--config", path].as_slice(), &["--check", "--config", path]] {
            fails_in_one_line(&run(BROKER, flags), 64, part);
        }
    };
    check("key.toml", "\n[limits]\nthings = 1\n", "key.toml:3: ");
    check("kind.toml", "port = \"a\"\n", "kind.toml:1: ");
    check("syntax.toml", "port = 1\nport\n", "syntax.toml:2: ");
    check("range.toml", "[snapshot]\nevery_s = 0\n", "snapshot.every_s = 0: ");
    fails_in_one_line(&run(BROKER, &["--config", "/nowhere/x.toml"]), 64, "/nowhere/x.toml");
    let broken = folder.path("bytes.toml");
    std::fs::write(&broken, b"port = 1 # \xFF\xFE").unwrap();
    fails_in_one_line(&run(BROKER, &["--config", broken.to_str().unwrap()]), 64, "bytes.toml");
}

#[test]
fn what_is_wrong_with_a_variable_ends_with_64_and_a_misspelt_one_is_told() {
    let ended = Ended::of(program(BROKER).env("THINGSBUS_PORT", "many"));
    fails_in_one_line(&ended, 64, "THINGSBUS_PORT: ");
    let mut command = program(BROKER);
    command.env("THINGSBUS_PROT", "1").args(["--bind", "127.0.0.1"]);
    let mut broker = BrokerProgram::start_command(&mut command, "127.0.0.1");
    broker.find_error("THINGSBUS_PROT");
}

#[test]
fn a_port_that_is_taken_ends_with_1() {
    let port = free_ports();
    let at = Doors::at("127.0.0.1".parse().expect("an address"), port);
    let flags = ["--bind", "127.0.0.1", "--port", &port.to_string()];
    for taken in [at.clients, at.input, at.query] {
        let _listener = TcpListener::bind(taken).unwrap();
        taken_port(&run(BROKER, &flags), &format!("TCP {taken}"));
    }
    let _socket = UdpSocket::bind(at.input).unwrap();
    taken_port(&run(BROKER, &flags), &format!("UDP {}", at.input));
}

#[track_caller]
fn taken_port(ended: &Ended, place: &str) {
    fails(ended, 1, place);
    // What it would run with is in the log; then one line says why it does not.
    let last = ended.stderr.lines().last().expect("a line");
    assert!(last.starts_with("thingsbus-broker: cannot listen at "), "{last}");
    assert!(last.contains("another program has this port") && last.contains("--port 0"), "{last}");
}

#[test]
fn an_address_or_a_file_that_cannot_be_had_ends_with_1() {
    let ended = run(BROKER, &["--bind", "192.0.2.1", "--port", "0"]);
    fails(&ended, 1, "192.0.2.1");
    let ended = run(BROKER, &["--bind", "127.0.0.1", "--port", "0", "--ports-file", "/nowhere/ports.json"]);
    fails(&ended, 1, "/nowhere/ports.json");
}
