//! Plain pyzmq against our broker: REQ, DEALER, SUB and PUSH, as anybody may write them.

use serde_json::{Value, json};

use crate::support::peers::{Push, parse, update};
use crate::support::process::Process;
use crate::support::wait::until;
use crate::support::{Doors, TestBroker, free_ports, python};

fn ask(req: &mut Process, question: &Value) -> Value {
    ask_text(req, &question.to_string())
}

fn ask_text(req: &mut Process, question: &str) -> Value {
    req.write_line(question);
    parse(req.line().as_bytes())
}

fn names(answer: &Value) -> Vec<&str> {
    assert_eq!(answer["type"], "thing_snapshot", "{answer}");
    answer["data"].as_object().expect("an object").keys().map(String::as_str).collect()
}

fn fill(doors: &Doors, things: &[&str]) {
    let push = Push::connect(doors);
    for (number, ns) in things.iter().enumerate() {
        push.send(update(ns, &json!(number)));
    }
    until("the things", || (doors.status()["seq"] == things.len()).then_some(()));
}

#[test]
fn a_req_asks_page_by_page() {
    let broker = TestBroker::start();
    fill(&broker, &["a", "a.b", "a.c", "a-b", "ab", "b", "b.a"]);
    let mut req = python::script("request.py", &[&broker.query_url()]);
    let all = ask(&mut req, &json!({"type": "thing_query", "ns": "", "tree": true}));
    assert_eq!(names(&all), ["a", "a-b", "a.b", "a.c", "ab", "b", "b.a"]);
    assert_eq!((&all["count"], &all["seq"], &all["next"]), (&json!(7), &json!(7), &Value::Null), "{all}");
    let told = &all["data"]["a.b"];
    assert_eq!((&told["ns"], &told["data"], &told["seq"]), (&json!("a.b"), &json!(1), &json!(2)));
    assert!(told["ts"].is_f64() && told["received"].is_f64(), "{told}");

    let tree = ask(&mut req, &json!({"type": "thing_query", "ns": "a", "tree": true}));
    assert_eq!(names(&tree), ["a", "a.b", "a.c"], "neither a-b nor ab are below a");
    assert_eq!(names(&ask(&mut req, &json!({"type": "thing_query", "ns": "a"}))), ["a"]);
    let nothing = ask(&mut req, &json!({"type": "thing_query", "ns": "nobody", "tree": true}));
    assert_eq!((names(&nothing), &nothing["next"]), (vec![], &Value::Null), "an empty answer says so");

    let mut paged = Vec::new();
    let mut question = json!({"type": "thing_query", "tree": true, "limit": 3});
    loop {
        let page = ask(&mut req, &question);
        assert!(names(&page).len() <= 3);
        paged.extend(names(&page).into_iter().map(str::to_owned));
        if page["next"].is_null() {
            break;
        }
        question["after"] = page["next"].clone();
    }
    assert_eq!(paged, names(&all));

    let since = |since: u64, epoch: &str| json!({"type": "thing_query", "tree": true, "since": since, "epoch": epoch});
    let epoch = all["epoch"].as_str().expect("an epoch");
    assert_eq!(names(&ask(&mut req, &since(5, epoch))), ["b", "b.a"]);
    assert_eq!(names(&ask(&mut req, &since(7, epoch))), [""; 0]);
    assert_eq!(names(&ask(&mut req, &since(7, "another life"))).len(), 7);
}

#[test]
fn what_is_no_question_is_answered_with_the_reason() {
    let broker = TestBroker::start();
    let mut req = python::script("request.py", &[&broker.query_url()]);
    let mut check = |question: &str, part: &str| {
        let answer = ask_text(&mut req, question);
        assert_eq!((&answer["type"], &answer["error"]), (&json!("error"), &json!("bad_query")), "{answer}");
        let message = answer["message"].as_str().expect("a message");
        assert!(message.contains(part), "{message}");
        assert!(answer["documentation"].is_string(), "{answer}");
    };
    check("", "not a query");
    check("hello", "not a query");
    check("[]", "not a query");
    check("{}", "type");
    check(r#"{"type":"thing_upgrade","ns":"a","data":1}"#, "thing_query");
    check(r#"{"type":"thing_query","ns":"A"}"#, "A");
    check(r#"{"type":"thing_query","limit":"many"}"#, "invalid type");
    check(r#"{"type":"thing_query","since":-1}"#, "-1");
    check(&format!(r#"{{"type":"thing_query","x":"{}"}}"#, "x".repeat(9_000)), "at most 8192 bytes");
    check(&"[".repeat(5_000), "not a query");
    let status = ask_text(&mut req, r#"{"type":"status_query"}"#);
    let query = &status["doors"]["query"];
    assert_eq!((&query["answered"], &query["refused"]), (&json!(0), &json!(10)), "{status}");
}

#[test]
fn a_dealer_may_ask_many_things_at_once() {
    let broker = TestBroker::start();
    fill(&broker, &["a", "b", "c"]);
    let mut dealer = python::script("dealer.py", &[&broker.query_url()]);
    for number in 0..200 {
        match number % 3 {
            0 => dealer.write_line(r#"{"type":"thing_query","tree":true}"#),
            1 => dealer.write_line(r#"{"type":"status_query"}"#),
            _ => dealer.write_line("nonsense"),
        }
    }
    dealer.close_input();
    for wanted in 0..200 {
        let line = dealer.line();
        let (number, answer) = line.split_once(' ').expect("a number and an answer");
        assert_eq!(number, wanted.to_string(), "answers come in the order of the questions");
        let kind = ["thing_snapshot", "status", "error"][wanted % 3];
        assert_eq!(parse(answer.as_bytes())["type"], kind, "{answer}");
    }
    assert!(dealer.wait().success(), "{}", dealer.said());
}

#[test]
fn a_sub_with_a_prefix_gets_that_and_no_more() {
    let broker = TestBroker::start();
    let connect = |prefixes: &[&str]| {
        let url = broker.clients_url();
        let mut sub =
            python::script("subscribe.py", &[&[url.as_str()], prefixes, &[r#"{"mark":"go""#]].concat());
        let mark = parse(sub.line().as_bytes());
        assert_eq!(
            (&mark["mark"], &mark["type"], &mark["seq"]),
            (&json!("go"), &json!("thing_mark"), &json!(0))
        );
        assert!(mark["epoch"].is_string());
        sub
    };
    let mut below = connect(&[r#"{"ns":"spacemon."#]);
    let mut with_itself =
        connect(&[r#"{"ns":"spacemon.""#, r#"{"ns":"spacemon""#, r#"{"ns":"spacemon.light""#]);
    let things =
        ["spacemon", "spacemon.light", "spacemonster", "shop.spacemon.x", "spacemon.a.b", "end", "spacemon"];
    fill(&broker, &things);
    let ns = |line: &str| {
        assert!(line.starts_with(r#"{"ns":""#), "{line}");
        parse(line.as_bytes())["ns"].as_str().expect("a namespace").to_owned()
    };
    assert_eq!(ns(&below.line()), "spacemon.light");
    assert_eq!(ns(&below.line()), "spacemon.a.b");
    assert_eq!([(); 3].map(|()| ns(&with_itself.line())), ["spacemon", "spacemon.light", "spacemon"]);
    // Nothing else was even sent.
    let sent = &broker.status()["doors"]["clients"]["sent"];
    assert_eq!(*sent, 5);
}

#[test]
fn a_push_loses_nothing_sent_before_the_connection_stood() {
    let port = free_ports();
    let doors = Doors::at("127.0.0.1".parse().expect("an address"), port);
    let mut push = python::script("push.py", &[&doors.input_url(), "5000"]);
    assert_eq!(push.line(), "sent");
    let broker = TestBroker::with(|config| config.port = port);
    assert!(push.wait().success(), "{}", push.said());
    until("all of them", || (broker.status()["seq"] == 5_000).then_some(()));
    assert_eq!(broker.things("early")["data"]["early.bird"]["data"], 5_000);
    let counted = broker.stop();
    assert_eq!(counted["doors"]["zmq_in"]["received"], 5_000, "{counted}");
}

#[test]
fn three_lines_of_python_are_a_sensor() {
    let broker = TestBroker::start();
    let text = "import sys, zmq; s = zmq.Context().socket(zmq.PUSH); s.connect(sys.argv[1])\n\
                s.send_json({'type': 'thing_update', 'ns': 'three.lines', 'data': float('nan')})\n\
                s.close(linger=30000); s.context.term()";
    let mut sensor = python::code("three lines", text, &[&broker.input_url()]);
    assert!(sensor.wait().success(), "{}", sensor.said());
    until("the value", || (broker.status()["seq"] == 1).then_some(()));
    assert_eq!(broker.things("three")["data"]["three.lines"]["data"], Value::Null, "NaN goes on as null");
    assert_eq!(broker.status()["doors"]["zmq_in"]["repaired"], 1);
}
