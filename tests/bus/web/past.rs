//! The past by HTTP: history, the directory as it was, and snapshots, of a broker with a data folder.

use serde_json::{Value, json};
use thingsbus_broker::Data;

use super::{number, problem};
use crate::support::http::{Events, Http, curl};
use crate::support::peers::parse;
use crate::support::scratch::ScratchFolder;
use crate::support::{TestBroker, python};

fn broker(folder: &ScratchFolder) -> TestBroker {
    TestBroker::with(|config| config.store.data = Data::Folder(folder.path("data")))
}

/// Says it when it is on disk.
fn say(http: &mut Http, ns: &str, data: &Value) {
    let answer = http.put(&format!("/things/{ns}?ack=disk"), data);
    assert_eq!((answer.status, &answer.json()["ack"]), (200, &json!("disk")), "{}", answer.text());
}

#[test]
fn what_a_thing_said() {
    let folder = ScratchFolder::new();
    let broker = broker(&folder);
    let mut http = Http::connect(broker.web);
    for rpm in [10, 20, 30] {
        say(&mut http, "shop.lathe", &json!({"rpm": rpm}));
    }
    let history = http.get("/things/shop.lathe/history?from=1h").json();
    let values = history["values"].as_array().expect("values").clone();
    let rpm: Vec<&Value> = values.iter().map(|value| &value[2]["rpm"]).collect();
    assert_eq!(rpm, [10, 20, 30], "{history}");
    assert_eq!(http.get("/things/shop/lathe/history?last=1").json()["values"][0][2]["rpm"], 30);
    // By pages.
    let first = http.get("/things/shop.lathe/history?from=1h&limit=2").json();
    assert_eq!(first["values"].as_array().map(Vec::len), Some(2), "{first}");
    let (next, url) = (
        format!("after={}", first["next"].as_str().expect("a place")),
        broker.http_url("/things/shop.lathe/history?from=1h"),
    );
    let (status, rest) = curl(&["-G", &url, "--data-urlencode", &next]);
    let rest = parse(rest.as_bytes());
    assert_eq!(status, 200, "{rest}");
    assert_eq!((rest["values"][0][2]["rpm"].clone(), rest["next"].is_null()), (json!(30), true), "{rest}");
    let lines = http.get("/things/shop.lathe/history?from=1h&every=1h&path=/rpm").json();
    let count: u64 =
        lines["lines"]["/rpm"].as_array().expect("lines").iter().map(|line| number(&line[1])).sum();
    assert_eq!(count, 3, "{lines}");
    // Tables by a library.
    let script = "import csv, io, sys, urllib.request\n\
        for which, column in [('', 'data'), ('&every=1h', 'count')]:\n\
        \x20   request = urllib.request.Request(sys.argv[1] + which, headers={'Accept': 'text/csv'})\n\
        \x20   table = list(csv.DictReader(io.StringIO(urllib.request.urlopen(request).read().decode(), newline='')))\n\
        \x20   print([line[column] for line in table])";
    let mut table = python::code("tables", script, &[&broker.http_url("/things/shop.lathe/history?from=1h")]);
    assert_eq!(table.line(), r#"['{"rpm":10}', '{"rpm":20}', '{"rpm":30}']"#);
    assert!(table.line().contains('3'));
    problem(&http.get("/things/shop.lathe/history?every=soon"), 400, "bad_request");
    problem(&http.get("/things/shop.lathe/history?from=soon"), 400, "bad_request");
    problem(&http.get("/things/shop.lathe/history?limit=0"), 400, "bad_request");
    problem(&http.get("/things/shop.lathe/history/x"), 404, "no_page");
    problem(&http.put("/things/shop.lathe/history", &json!(1)), 405, "bad_method");
}

#[test]
fn the_directory_as_it_was() {
    let folder = ScratchFolder::new();
    let broker = broker(&folder);
    let mut http = Http::connect(broker.web);
    say(&mut http, "shop.lamp", &json!("then"));
    let then = http.get("/things/shop.lamp").json()["received"].as_f64().expect("a time");
    say(&mut http, "shop.lamp", &json!("now"));
    say(&mut http, "shop.late", &json!(1));
    // The broker's clock has microseconds, and the two are not at the same one.
    let was = http.get(&format!("/things?under=shop&at={then}")).json();
    assert_eq!(
        (was["things"][0]["data"].clone(), was["things"].as_array().map(Vec::len)),
        (json!("then"), Some(1)),
        "{was}"
    );
    assert_eq!(http.get("/things?under=shop").json()["things"][0]["data"], "now");
    assert_eq!(http.get("/things?at=1h").json()["things"], json!([]), "nothing yet");
    problem(&http.get("/things?at=1e999"), 400, "bad_request");
}

#[test]
fn snapshots_by_http() {
    let folder = ScratchFolder::new();
    let broker = broker(&folder);
    let mut http = Http::connect(broker.web);
    let long = "ü".repeat(50_000);
    for number in 0..5 {
        say(&mut http, &format!("shop.n{number}"), &json!({"text": long, "number": number}));
    }
    let saved = http.ask("PUT", "/snapshots/before", &[], b"");
    assert_eq!(saved.status, 200, "{}", saved.text());
    problem(&http.ask("PUT", "/snapshots/before", &[], b""), 409, "snapshot_exists");
    let list = http.get("/snapshots").json();
    assert!(list.to_string().contains("before"), "{list}");

    // Got and brought by curl, word for word.
    let file = folder.path("snapshot.jsonl");
    let (status, _) = curl(&["-o", file.to_str().unwrap(), &broker.http_url("/snapshots/before")]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!((status, text.lines().filter(|line| line.contains(&long)).count()), (200, 5));
    let (status, said) = curl(&["-T", file.to_str().unwrap(), &broker.http_url("/snapshots/brought")]);
    assert_eq!(status, 200, "{said}");
    // But for its name, and the checksum over that.
    let things = |text: &str| {
        text.lines().filter(|line| line.starts_with("{\"ns\"")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(things(&http.get("/snapshots/brought").text()) == things(&text) && things(&text).len() == 5);
    let broken = text.replace("\"number\":3", "\"number\":4");
    problem(&http.ask("PUT", "/snapshots/broken", &[], broken.as_bytes()), 422, "bad_snapshot");
    problem(&http.ask("PUT", "/snapshots/broken", &[], b"\xff"), 400, "bad_request");
    problem(&http.get("/snapshots/broken"), 404, "no_snapshot");
    problem(&http.ask("PUT", "/snapshots/No%20name", &[], b""), 400, "bad_request");

    say(&mut http, "shop.n0", &json!("changed"));
    say(&mut http, "shop.new", &json!(1));
    let mut events = Events::follow(broker.web, "", None);
    events.through_mark();
    let loaded = http.ask("POST", "/snapshots/brought/load?under=shop", &[], b"");
    assert_eq!(loaded.status, 200, "{}", loaded.text());
    assert_eq!(http.get("/things/shop.n0/data/number").json(), 0);
    problem(&http.get("/things/shop.new"), 404, "no_thing");
    let told = [(); 2].map(|()| events.wait());
    assert!(
        told.iter().any(|event| event.name == "forgotten" && event.json()["ns"] == "shop.new"),
        "{told:?}"
    );
    assert!(told.iter().any(|event| event.json()["data"]["number"] == 0), "{told:?}");
    problem(&http.ask("POST", "/snapshots/nothing/load", &[], b""), 404, "no_snapshot");

    assert_eq!(http.ask("DELETE", "/snapshots/brought", &[], b"").status, 200);
    problem(&http.ask("DELETE", "/snapshots/brought", &[], b""), 404, "no_snapshot");
}
