//! TLS, with Python's for a client.

use std::path::Path;

use serde_json::Value;

use crate::support::program::{BrokerProgram, Ended, program};
use crate::support::python;
use crate::support::scratch::ScratchFolder;

use super::http::{connect, rest};

/// Asks with the certificate that is trusted; prints what was spoken, and the answer.
const ASK: &str = r#"
import json, ssl, sys, urllib.request, socket
url, trusted = sys.argv[1:]
context = ssl.create_default_context(cafile=trusted)
port = int(url.split(":")[2].split("/")[0])
context.set_alpn_protocols(["h2", "http/1.1"])
try:
    with context.wrap_socket(socket.create_connection(("localhost", port)), server_hostname="localhost") as spoken:
        how = [spoken.version(), spoken.selected_alpn_protocol()]
    with urllib.request.urlopen(url, context=context) as answer:
        print(json.dumps(how + [answer.status]))
except (ssl.SSLCertVerificationError, urllib.error.URLError) as error:
    print(json.dumps(str(error)))
"#;

/// A broker with the first of two certificates.
fn start(folder: &ScratchFolder) -> BrokerProgram {
    put(folder, "first");
    let [certificate, key] =
        ["certificate.pem", "key.pem"].map(|name| folder.path(name).display().to_string());
    BrokerProgram::start(&[
        "--set",
        &format!("web.certificate={certificate}"),
        "--set",
        &format!("web.private_key={key}"),
    ])
}

/// Puts a certificate and its key where the broker looks for them: made for these tests, and good for localhost until 2120.
fn put(folder: &ScratchFolder, name: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bus/guarded/certificates");
    for (file, to) in [(format!("{name}.pem"), "certificate.pem"), (format!("{name}-key.pem"), "key.pem")] {
        std::fs::copy(from.join(file), folder.path(to)).expect("a file can be copied");
    }
}

fn ask(broker: &BrokerProgram, trusted: &str) -> Value {
    let url = format!("https://localhost:{}/things", broker.doors().web.port());
    let trusted = format!("{}/tests/bus/guarded/certificates/{trusted}.pem", env!("CARGO_MANIFEST_DIR"));
    let mut python = python::code("a client of TLS", ASK, &[&url, &trusted]);
    serde_json::from_str(&python.line()).expect("JSON")
}

#[test]
fn it_speaks_tls_and_a_hup_brings_other_certificates() {
    let folder = ScratchFolder::new();
    let mut broker = start(&folder);
    broker.find_error("web:      https://localhost:");
    assert_eq!(ask(&broker, "first"), serde_json::json!(["TLSv1.3", "http/1.1", 200]));
    assert!(ask(&broker, "second").as_str().is_some_and(|error| error.contains("verify failed")));

    put(&folder, "second");
    broker.signal("HUP");
    broker.find_error("certificates read again");
    assert_eq!(ask(&broker, "second")[2], 200);
    assert!(ask(&broker, "first").is_string());

    folder.write("certificate.pem", "no certificate");
    broker.signal("HUP");
    broker.find_error("the certificates stay as they are: web.certificate = ");
    assert_eq!(ask(&broker, "second")[2], 200);
}

#[test]
fn what_is_no_tls_is_cut_and_so_is_silence() {
    let folder = ScratchFolder::new();
    let mut broker = start(&folder);
    let door = broker.doors().web;
    let silent = connect(door);
    let mut plain = connect(door);
    std::io::Write::write_all(&mut plain, b"GET /things HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("it can be sent");
    assert!(!rest(plain).contains("HTTP/1.1"), "nothing is answered in the clear");
    broker.find_error("found no TLS");
    assert_eq!(rest(silent), "");
    assert_eq!(ask(&broker, "first")[2], 200);
}

#[test]
fn certificates_that_are_none_end_it_with_64() {
    let folder = ScratchFolder::new();
    let fails = |part: &str| {
        let mut command = program("thingsbus-broker");
        command.args(["--bind", "127.0.0.1", "--port", "0"]);
        for (setting, file) in [("certificate", "certificate.pem"), ("private_key", "key.pem")] {
            command.arg("--set").arg(format!("web.{setting}={}", folder.path(file).display()));
        }
        let ended = Ended::of(&mut command);
        assert_eq!(ended.code, Some(64), "{}", ended.stderr);
        let last = ended.stderr.lines().last().expect("a line");
        assert!(last.starts_with("thingsbus-broker: web.") && last.contains(part), "{last}");
    };
    fails("certificate.pem: it cannot be read");
    put(&folder, "first");
    folder.write("certificate.pem", "");
    fails("there is no certificate in it");
    put(&folder, "first");
    folder.write("key.pem", "");
    fails("there is no private key in it");
    let other = std::fs::read_to_string(folder.path("certificate.pem")).expect("a file");
    put(&folder, "second");
    folder.write("certificate.pem", &other);
    fails("key.pem: ");
}
