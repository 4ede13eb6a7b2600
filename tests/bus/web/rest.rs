//! Things by their addresses: listed, told, said, and what is answered where that cannot be.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{number, problem};
use crate::support::http::{Answer, Http, curl};
use crate::support::peers::{Push, update};
use crate::support::wait::until;
use crate::support::{Doors, TestBroker, python};

/// As many things, and all of them there when it is back.
fn fill(doors: &Doors, count: usize) -> BTreeSet<String> {
    let push = Push::connect(doors);
    let names: BTreeSet<String> =
        (0..count).map(|number| format!("{}.n{number}", ["lab", "shop"][number % 2])).collect();
    for ns in &names {
        push.send(update(ns, &json!({"name": ns, "text": "Grüße, \"quoted\"\nand a line"})));
    }
    until("the things", || (doors.status()["seq"] == count).then_some(()));
    names
}

fn names(answer: &Answer) -> Vec<String> {
    let things = answer.json()["things"].as_array().expect("things").clone();
    things.iter().map(|thing| thing["ns"].as_str().expect("a name").to_owned()).collect()
}

/// All pages from this one on, by their links.
fn pages(http: &mut Http, first: &str) -> Vec<Vec<String>> {
    let (mut pages, mut path) = (Vec::new(), first.to_owned());
    loop {
        let answer = http.get(&path);
        assert_eq!(answer.status, 200, "{}", answer.text());
        pages.push(names(&answer));
        let next = answer.header("link").map(|link| {
            let link = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
            link.expect("an address").to_owned()
        });
        assert_eq!(answer.json()["next"].is_null(), next.is_none(), "{path}");
        let Some(next) = next else { return pages };
        path = next;
    }
}

#[test]
fn pages_by_their_links_are_the_directory() {
    let broker = TestBroker::start();
    let all = fill(&broker, 3_000);
    let mut http = Http::connect(broker.web);
    for (which, per_page) in
        [("", 1_000), ("?limit=700", 700), ("?limit=10000", 10_000), ("?limit=1&under=lab.n0", 1)]
    {
        let pages = pages(&mut http, &format!("/things{which}"));
        assert!(pages.iter().all(|page| page.len() <= per_page), "{which}");
        let told: Vec<String> = pages.concat();
        let wanted: Vec<String> =
            all.iter().filter(|ns| !which.contains("under") || *ns == "lab.n0").cloned().collect();
        assert_eq!(told, wanted, "{which}: each once, by the order of their names");
    }
    let under = pages(&mut http, "/things?under=shop&limit=999").concat();
    assert_eq!(under, all.iter().filter(|ns| ns.starts_with("shop.")).cloned().collect::<Vec<_>>());
    let fits = pages(&mut http, "/things?match=*.n1?00&limit=3");
    assert!(fits.iter().all(|page| page.len() <= 3), "{fits:?}");
    let wanted: Vec<&String> =
        all.iter().filter(|ns| ns.len() > 5 && ns.contains(".n1") && ns.ends_with("00")).collect();
    let wanted: Vec<&String> =
        wanted.into_iter().filter(|ns| ns.split_once(".n").unwrap().1.len() == 4).collect();
    assert_eq!(fits.concat().iter().collect::<Vec<_>>(), wanted);
    assert_eq!(http.get("/things?match=nothing*").json()["things"], json!([]));
    assert_eq!(names(&http.get("/things?under=nobody")), [""; 0]);
    let whole = http.get("/things?limit=1").json();
    assert!(whole["ts"].is_f64() && whole["epoch"].is_string() && whole["seq"] == 3_000, "{whole}");
}

#[test]
fn the_same_things_as_csv_and_msgpack() {
    let broker = TestBroker::start();
    fill(&broker, 300);
    let mut http = Http::connect(broker.web);
    http.put("/things/shop.n1?ts=1.5&documentation_url=http://doc", &json!("on"));
    let script = "import csv, io, json, sys, urllib.request, msgpack\n\
        def get(path, kind):\n\
        \x20   request = urllib.request.Request(sys.argv[1] + path, headers={'Accept': kind})\n\
        \x20   with urllib.request.urlopen(request) as answer:\n\
        \x20       assert answer.headers['Content-Type'].split(';')[0] == kind, answer.headers\n\
        \x20       return answer.read()\n\
        things = json.loads(get('/things', 'application/json'))['things']\n\
        packed = msgpack.unpackb(get('/things', 'application/msgpack'), raw=False)['things']\n\
        table = list(csv.DictReader(io.StringIO(get('/things', 'text/csv').decode(), newline='')))\n\
        one = msgpack.unpackb(get('/things/shop.n1', 'application/msgpack'), raw=False)\n\
        for plain, other, line in zip(things, packed, table, strict=True):\n\
        \x20   plain.pop('age'), other.pop('age')\n\
        \x20   assert plain == other, (plain, other)\n\
        \x20   data = plain['data'] if isinstance(plain['data'], str) else json.dumps(plain['data'])\n\
        \x20   said = line['data'] if isinstance(plain['data'], str) else json.dumps(json.loads(line['data']))\n\
        \x20   assert (line['ns'], said, float(line['ts'])) == (plain['ns'], data, plain['ts']), (line, plain)\n\
        \x20   assert line['documentation_url'] == (plain['documentation_url'] or ''), line\n\
        \x20   assert (int(line['seq']), float(line['received'])) == (plain['seq'], plain['received']), line\n\
        \x20   assert float(line['age']) >= 0, line\n\
        assert (one['data'], one['ts'], one['documentation_url']) == ('on', 1.5, 'http://doc'), one\n\
        body = msgpack.packb({'rpm': 1200.5, 'on': True, 'list': [1, None, 'x']}, use_bin_type=True)\n\
        put = urllib.request.Request(sys.argv[1] + '/things/shop.lathe', body, {'Content-Type': 'application/msgpack'}, method='PUT')\n\
        assert json.load(urllib.request.urlopen(put))['ns'] == 'shop.lathe'\n\
        print(len(things), 'the same')";
    let mut python = python::code("tables", script, &[&broker.http_url("")]);
    assert!(python.wait().success(), "{}", python.said());
    assert_eq!(python.line(), "300 the same");
    let lathe = http.get("/things/shop.lathe/data").json();
    assert_eq!(lathe, json!({"rpm": 1200.5, "on": true, "list": [1, null, "x"]}));
}

#[test]
fn parts_of_a_value_have_addresses() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    let put = |http: &mut Http, path: &str, value: Value| {
        let answer = http.put(path, &value);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    };
    put(&mut http, "/things/shop/lathe/data/spindle/rpm", json!(1200));
    put(&mut http, "/things/shop.lathe/data/log", json!(["a"]));
    put(&mut http, "/things/shop.lathe/data/log/1", json!("b"));
    put(&mut http, "/things/shop.lathe/data/a%2Fb%20%C3%BC", json!(null));
    let wanted = json!({"spindle": {"rpm": 1200}, "log": ["a", "b"], "a/b ü": null});
    assert_eq!(http.get("/things/shop.lathe").json()["data"], wanted);
    assert_eq!(http.get("/things/shop.lathe/data/log/1").json(), json!("b"));
    assert_eq!(http.get("/things/shop.lathe/value/log/1").text(), "b\n");
    assert_eq!(http.ask("DELETE", "/things/shop.lathe/data/log/0", &[], b"").status, 200);
    assert_eq!(http.get("/things/shop.lathe/data").json()["log"], json!(["b"]));
    let check = |answer: Answer, status, part: &str| {
        let detail = problem(&answer, status, "no_place");
        assert!(detail.contains(part), "{detail}");
    };
    check(http.get("/things/shop.lathe/data/spindel"), 404, "no \"spindel\"");
    check(http.get("/things/shop.lathe/value/log/7"), 404, "list of 1");
    check(http.put("/things/shop.lathe/data/log/0/x", &json!(1)), 409, "a text");
    check(http.ask("DELETE", "/things/shop.lathe/data/nothing", &[], b""), 404, "no \"nothing\"");
}

#[test]
fn tags_tell_what_is_known_already() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    http.put("/things/shop.lamp", &json!({"on": true}));
    for path in ["/things/shop.lamp", "/things/shop.lamp/data", "/things/shop.lamp/value/on"] {
        let tag = http.get(path).header("etag").expect("a tag").to_owned();
        for known in [tag.clone(), format!("\"x\", {tag}"), "*".to_owned(), format!("W/{tag}")] {
            let answer = http.ask("GET", path, &[("If-None-Match", &known)], b"");
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{path} {known}");
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
        }
        assert_eq!(http.ask("GET", path, &[("If-None-Match", "\"x.1\"")], b"").status, 200);
        let head = http.ask("HEAD", path, &[], b"");
        assert_eq!((head.status, head.header("etag")), (200, Some(tag.as_str())));
        assert_eq!(http.put("/things/shop.lamp/data/on", &json!(true)).status, 200);
        assert_eq!(http.ask("GET", path, &[("If-None-Match", &tag)], b"").status, 200, "it was said again");
    }
    // What a cache keeps of one format is nothing for who wants another.
    assert_eq!(
        http.get("/things/shop.lamp").header("vary").map(str::to_lowercase).as_deref(),
        Some("accept")
    );
}

#[test]
fn nobody_writes_over_another_unseen() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    let only_new = [("If-None-Match", "*")];
    assert_eq!(http.ask("PUT", "/things/c", &only_new, b"{\"n\":0}").status, 200);
    problem(&http.ask("PUT", "/things/c", &only_new, b"0"), 412, "changed");
    problem(&http.ask("PUT", "/things/d", &[("If-Match", "*")], b"0"), 412, "changed");
    problem(&http.ask("PUT", "/things/c", &[("If-Match", "\"other.1\"")], b"0"), 412, "changed");
    problem(&http.ask("DELETE", "/things/c", &[("If-Match", "\"other.1\"")], b""), 412, "changed");
    problem(
        &http.ask("PUT", "/things/c", &[("If-Match", "*"), ("If-None-Match", "*")], b"0"),
        412,
        "changed",
    );

    const CLIENTS: usize = 8;
    const TIMES: usize = 50;
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let address = broker.web;
            scope.spawn(move || {
                let mut http = Http::connect(address);
                let mut done = 0;
                while done < TIMES {
                    let told = http.get("/things/c");
                    let tag = told.header("etag").expect("a tag").to_owned();
                    // Others write beside it all the time.
                    let beside = http.put(&format!("/things/c/data/of{client}"), &json!(done));
                    assert!(matches!(beside.status, 200 | 503), "{}", beside.text());
                    let told = if done % 2 == 0 { http.get("/things/c") } else { told };
                    let tag =
                        if done % 2 == 0 { told.header("etag").expect("a tag").to_owned() } else { tag };
                    let mut data = told.json()["data"].clone();
                    data["n"] = json!(number(&data["n"]) + 1);
                    let body = data.to_string();
                    let said = http.ask("PUT", "/things/c", &[("If-Match", &tag)], body.as_bytes());
                    match said.status {
                        200 => done += 1,
                        412 if done % 2 == 1 => {
                            // Whoever never comes between goes the way that always does.
                            let tag = http.get("/things/c").header("etag").expect("a tag").to_owned();
                            let n = number(&http.get("/things/c/data/n").json());
                            let path = "/things/c/data/n";
                            let body = (n + 1).to_string();
                            let said = http.ask("PUT", path, &[("If-Match", &tag)], body.as_bytes());
                            done += usize::from(said.status == 200);
                        }
                        status => assert!(matches!(status, 412 | 503), "{}", said.text()),
                    }
                }
            });
        }
    });
    assert_eq!(http.get("/things/c/data/n").json(), CLIENTS * TIMES);
}

/// A request, and the status, the name and a part of the sentence of what is answered.
type Case = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [u8],
    u16,
    &'static str,
    &'static str,
);

#[test]
fn every_error_says_what_helps() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    http.put("/things/shop.lamp", &json!(1));
    let cases: [Case; 33] = [
        ("GET", "/things/shop.lamb", &[], b"", 404, "no_thing", "shop.lamp"),
        ("GET", "/things/shop.lamb/value", &[], b"", 404, "no_thing", "shop.lamp"),
        ("DELETE", "/things/shop.lamb", &[], b"", 404, "no_thing", "shop.lamp"),
        ("GET", "/things/Shop.lamp", &[], b"", 400, "bad_request", "shop.lamp"),
        ("GET", "/things/%ff", &[], b"", 400, "bad_request", "UTF-8"),
        ("GET", "/things/%zz", &[], b"", 400, "bad_request", ""),
        ("GET", "/things/..", &[], b"", 400, "bad_request", ""),
        ("GET", "/things/shop.lamp/history", &[], b"", 409, "no_history", ""),
        ("GET", "/things?at=1h", &[], b"", 409, "no_history", ""),
        ("GET", "/things?limit=0", &[], b"", 400, "bad_request", "10000"),
        ("GET", "/things?limit=many", &[], b"", 400, "bad_request", "limit"),
        ("GET", "/things?undr=x", &[], b"", 400, "bad_request", "under"),
        ("GET", "/things?under=X", &[], b"", 400, "bad_request", "X"),
        ("GET", "/things?after=X", &[], b"", 400, "bad_request", "X"),
        ("GET", "/things?at=soon", &[], b"", 400, "bad_request", "2h"),
        ("PUT", "/things/shop.lamp", &[], b"on", 400, "bad_request", "quotes"),
        ("PUT", "/things/shop.lamp", &[], b"", 400, "bad_request", ""),
        ("PUT", "/things/shop.lamp", &[], b"\"\xff\"", 400, "bad_request", ""),
        ("PUT", "/things/shop.lamp?ack=later", &[], b"1", 400, "bad_request", "disk"),
        ("PUT", "/things/shop.lamp?ack=disk", &[], b"1", 409, "no_disk", ""),
        ("PUT", "/things/shop.lamp?ttl=-1", &[], b"1", 400, "bad_request", "ttl"),
        ("PUT", "/things/shop.lamp?ttl=nan", &[], b"1", 400, "bad_request", "ttl"),
        ("PUT", "/things/shop.lamp?ts=inf", &[], b"1", 400, "bad_request", "ts"),
        (
            "PUT",
            "/things/shop.lamp",
            &[("Content-Type", "application/msgpack")],
            b"\xc1",
            400,
            "bad_request",
            "msgpack",
        ),
        ("PATCH", "/things/shop.lamp", &[], b"", 405, "bad_method", "GET"),
        ("POST", "/things", &[], b"", 400, "bad_request", "Monitor"),
        ("POST", "/events", &[], b"", 405, "bad_method", "GET"),
        ("DELETE", "/status", &[], b"", 405, "bad_method", "GET"),
        ("GET", "/nothing", &[], b"", 404, "no_page", "/things"),
        ("GET", "/ws", &[], b"", 400, "bad_request", ""),
        ("GET", "/events?under=X", &[], b"", 400, "bad_request", "X"),
        ("GET", "/snapshots", &[], b"", 409, "no_disk", ""),
        ("GET", "/snapshots/%ff", &[], b"", 400, "bad_request", "UTF-8"),
    ];
    for (method, path, headers, body, status, name, part) in cases {
        let answer = http.ask(method, path, headers, body);
        let detail = problem(&answer, status, name);
        assert!(detail.contains(part), "{method} {path}: {part:?} is not in {detail:?}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{method} {path}");
    }
    let deep = "[".repeat(70) + &"]".repeat(70);
    problem(&http.ask("PUT", "/things/shop.lamp", &[], deep.as_bytes()), 400, "bad_request");
    assert_eq!(http.get("/things/shop.lamp/value").text(), "1\n", "none of it was taken");
}

#[test]
fn what_is_longer_than_a_message_is_refused() {
    let broker = TestBroker::start();
    let ask = |body: &[u8]| Http::connect(broker.web).ask("PUT", "/things/a", &[], body);
    let long = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
    problem(&ask(long(1 << 20).as_bytes()), 413, "too_long");
    // The same by chunks, whose length nobody says before, and by a real client that sends far more.
    let (status, said) = curl(&[
        "-X",
        "PUT",
        &broker.http_url("/things/a"),
        "-H",
        "Transfer-Encoding: chunked",
        "-d",
        &"1".repeat(100_000),
    ]);
    assert_eq!(status, 200, "{said}");
    let file = crate::support::scratch::ScratchFolder::new();
    let path = file.write("long.json", &long(5 << 20));
    for headers in [&[][..], &["-H", "Transfer-Encoding: chunked"], &["-H", "Expect:"]] {
        let url = broker.http_url("/things/a");
        let arguments = [&["-T", path.to_str().unwrap()], headers, &[url.as_str()]].concat();
        let (status, said) = curl(&arguments);
        assert_eq!(status, 413, "{said}");
        assert!(said.contains("at most"), "{said}");
    }
    // Most clients say all before they read: it is taken from them, that they learn why nothing came of it.
    problem(&ask(long(32 << 20).as_bytes()), 413, "too_long");
    for upgrade in ["", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"]
    {
        let mut http = Http::connect(broker.web);
        let head = "PUT /things/a HTTP/1.1\r\nHost: x\r\nContent-Length: 33554432\r\n";
        http.send(format!("{head}{upgrade}\r\n")).expect("it is sent");
        problem(&http.answer().expect("an answer"), 413, "too_long");
        http.send(vec![b'x'; 32 << 20]).expect("all of it is taken");
    }
    let mut http = Http::connect(broker.web);
    let head = format!("GET /things HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(8 << 20));
    http.send(head).expect("all of it is taken");
    assert_eq!(http.answer().expect("an answer").status, 431);
    assert_eq!(ask(long((1 << 20) - 1_000).as_bytes()).status, 200);
}

#[test]
fn what_comes_in_crumbs_is_refused() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    let head = "PUT /things/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut put = |pieces: usize, piece: &str| {
        let piece = format!("{:x}\r\n{piece}\r\n", piece.len());
        http.send(format!("{head}1\r\n\"\r\n{}1\r\n\"\r\n0\r\n\r\n", piece.repeat(pieces)))
            .expect("it is sent");
        http.answer().expect("an answer")
    };
    // Letter by letter, as small devices print, and a file by its lines.
    assert_eq!(put(1_000, "x").status, 200);
    assert_eq!(put(5_000, &"x".repeat(100)).status, 200);
    let detail = problem(&put(1_100, "x"), 400, "bad_request");
    assert!(detail.contains("too many pieces"), "{detail}");
}
