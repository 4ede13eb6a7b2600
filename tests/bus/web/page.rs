//! The page that a browser shows: what it comes with, and that it comes once.

use super::problem;
use crate::support::TestBroker;
use crate::support::http::{Answer, Http, curl};

fn tag(answer: &Answer) -> String {
    answer.header("etag").expect("a tag").to_owned()
}

#[test]
fn the_page_comes_with_what_protects_it() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    let page = http.get("/");
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("<title>Thingsbus</title>"), "{}", page.text());
    assert_eq!(page.header("cache-control"), Some("no-cache"), "a new broker's page is taken at once");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let policy = page.header("content-security-policy").expect("a policy");
    for rule in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'self'"] {
        assert!(policy.split("; ").any(|known| known == rule), "{rule} is not in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");

    let head = http.ask("HEAD", "/", &[], b"");
    assert_eq!((head.status, tag(&head)), (200, tag(&page)));
    assert_eq!(head.header("content-length"), Some(page.body.len().to_string().as_str()));
    problem(&http.ask("PUT", "/", &[], b"{}"), 405, "bad_method");
    problem(&http.ask("DELETE", "/page/app.js", &[], b""), 405, "bad_method");
    assert_eq!(http.get("/docs").status, 200);
}

#[test]
fn what_the_browser_has_is_not_sent_again() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    let plain = tag(&http.get("/"));
    let packed = http.ask("GET", "/", &[("Accept-Encoding", "gzip, deflate, br")], b"");
    assert_eq!((packed.status, packed.header("vary")), (200, Some("accept-encoding")));
    for (tag, encoding) in [(plain.clone(), "identity"), (tag(&packed), "gzip")] {
        let known = http.ask("GET", "/", &[("If-None-Match", &tag), ("Accept-Encoding", encoding)], b"");
        assert_eq!((known.status, known.header("etag")), (304, Some(tag.as_str())), "{encoding}");
        assert!(known.body.is_empty());
    }
    let other = http.ask("GET", "/", &[("If-None-Match", "\"other\"")], b"");
    assert_eq!((other.status, tag(&other)), (200, plain));
}

#[test]
fn packed_or_not_it_is_the_same_page() {
    let broker = TestBroker::start();
    let url = broker.http_url("/");
    assert_eq!(curl(&["--compressed", &url]), curl(&[&url]));
}

#[test]
fn there_is_nothing_beside_the_page() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    for path in [
        "/page/none.js",
        "/page/",
        "/page",
        "/page/index.html",
        "/page/../web.rs",
        "/page/..%2Fpage.rs",
        "/page/%FF",
    ] {
        let detail = problem(&http.get(path), 404, "no_page");
        assert!(detail.contains(path), "{detail}");
    }
}
