//! Brain4it's watch: the lines that its clients read, as they were captured from it.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::problem;
use crate::support::TestBroker;
use crate::support::http::{Http, request};
use crate::support::peers::{Push, update};

/// A watch, line by line.
struct Watch {
    http: Http,
    text: String,
}

impl Watch {
    fn open(broker: &TestBroker, every: &str, names: &str) -> Self {
        let mut http = Http::connect(broker.web);
        let headers = [("Monitor", every), ("Content-Type", "text/plain")];
        http.send(request(broker.web, "POST", "/things", &headers, names.as_bytes())).unwrap();
        let head = http.head().expect("an answer");
        assert_eq!((head.status, head.header("transfer-encoding")), (200, Some("chunked")), "{head:?}");
        Self { http, text: String::new() }
    }

    /// The next line; none at the end.
    fn line(&mut self) -> Option<String> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let (line, rest) = (line.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(line);
            }
            let chunk = self.http.chunk().expect("the stream ends in good order")?;
            self.text += std::str::from_utf8(&chunk).expect("UTF-8");
        }
    }

    /// The next line without its time, which must be now, in ms.
    #[track_caller]
    fn value(&mut self) -> String {
        let line = self.line().expect("a line");
        let inside = line.strip_prefix('(').and_then(|line| line.strip_suffix(')'));
        let (value, time) =
            inside.and_then(|line| line.rsplit_once(' ')).unwrap_or_else(|| panic!("{line:?}"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let time: u128 = time.parse().expect("a time");
        assert!(time <= now && now - time < 60_000, "{line}");
        value.to_owned()
    }
}

#[test]
fn each_change_as_brain4it_tells_it() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    http.put("/things/temp", &json!(21.5));
    http.put("/things/zeta", &json!(false));
    let mut watch = Watch::open(&broker, "0", r#"("@other" "@temp" "@nosuch" "zeta")"#);
    let id = watch.line().expect("the session");
    assert!(id.len() > 20 && id.starts_with('"') && id.ends_with('"'), "{id}");
    let first = [(); 4].map(|()| watch.value());
    let wanted = [r#""@other" null"#, r#""@temp" 21.5"#, r#""@nosuch" null"#, r#""zeta" false"#];
    assert_eq!(first, wanted, "in the order in which they were asked for");
    http.put("/things/temp", &json!(30.1));
    assert_eq!(watch.value(), r#""@temp" 30.1"#);
    // What is the same is not told again.
    http.put("/things/temp", &json!(30.1));
    http.put("/things/nosuch", &json!({"a": [1, true, "x y"], "b": null}));
    assert_eq!(watch.value(), r#""@nosuch" ("a" => (1 true "x y") "b" => null)"#);
    assert_eq!(http.ask("DELETE", "/things/temp", &[], b"").status, 200);
    assert_eq!(watch.value(), r#""@temp" null"#);
    // What is elsewhere or below it is not it.
    http.put("/things/temp.inside", &json!(1));
    http.put("/things/temp", &json!("a \"b\"\n"));
    assert_eq!(watch.value(), r#""@temp" "a \"b\"\n""#);

    let unwatched = http.ask("POST", "/things", &[("Monitor", "0")], id.as_bytes());
    assert_eq!((unwatched.status, unwatched.text().as_str()), (200, "\"unwatched\""));
    assert_eq!(watch.line(), None);
    let again = http.ask("POST", "/things", &[("Monitor", "0")], id.as_bytes());
    assert_eq!((again.status, again.text().as_str()), (200, "\"unwatched\""), "as Brain4it says it");
}

#[test]
fn no_thing_is_told_more_often_than_asked_for() {
    let broker = TestBroker::start();
    let mut watch = Watch::open(&broker, "200", r#"("@fast" "shop/slow" "shop.slow")"#);
    watch.line();
    assert_eq!(
        [(); 3].map(|()| watch.value()),
        [r#""@fast" null"#, r#""shop/slow" null"#, r#""shop.slow" null"#]
    );
    let push = Push::connect(&broker);
    let times = |line: &str| {
        let time = line.trim_end_matches(')').rsplit_once(' ').expect("a time").1;
        time.parse::<u64>().expect("a number")
    };
    // Two at once: who waits for the second gets the last one of them, not each.
    let mut last = 0;
    for round in 1..=3 {
        for number in 0..10 {
            push.send(update("fast", &json!(round * 100 + number)));
        }
        loop {
            let line = watch.line().expect("a line");
            if let Some(before) =
                std::mem::replace(&mut last, times(&line)).checked_add(0).filter(|last| *last > 0)
            {
                assert!(last >= before + 199, "{before} and {line}");
            }
            if line.contains(&format!(" {} ", round * 100 + 9)) {
                break;
            }
        }
    }
    push.send(update("shop.slow", &json!(true)));
    assert_eq!([(); 2].map(|()| watch.value()), [r#""shop/slow" true"#, r#""shop.slow" true"#]);
}

#[test]
fn what_is_no_watch_says_so() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    for (every, body) in
        [("soon", "(\"a\")"), ("-1", "(\"a\")"), ("0", "()"), ("0", "(a)"), ("0", ""), ("0", "(\"A b\")")]
    {
        problem(&http.ask("POST", "/things", &[("Monitor", every)], body.as_bytes()), 400, "bad_request");
    }
    let many: Vec<String> = (0..1_001).map(|number| format!("\"a{number}\"")).collect();
    let many = format!("({})", many.join(" "));
    assert!(
        problem(&http.ask("POST", "/things", &[("Monitor", "0")], many.as_bytes()), 400, "bad_request")
            .contains("1000")
    );
}
