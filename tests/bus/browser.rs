//! The page of the web door, as a browser shows it.

use crate::support::TestBroker;
use crate::support::browser::Browser;
use crate::support::scratch::ScratchFolder;

#[test]
fn the_page_is_there_for_everybody() {
    let broker = TestBroker::start();
    let browser = Browser::start();
    browser.open(&broker.http_url("/"));
    assert_eq!(browser.eval("document.title"), "Thingsbus");
    for colors in ["light", "dark"] {
        browser.prefer(&[("prefers-color-scheme", colors)]);
        assert_eq!(browser.axe(), [""; 0], "{colors}");
    }
}

#[test]
fn the_browser_is_as_it_is_told_to_be() {
    let broker = TestBroker::start();
    let browser = Browser::start();
    browser.open(&broker.http_url("/"));
    browser.resize(360, 640);
    assert_eq!(browser.eval("[innerWidth, innerHeight]"), serde_json::json!([360, 640]));
    browser.prefer(&[("prefers-color-scheme", "dark")]);
    assert_eq!(browser.eval("matchMedia('(prefers-color-scheme: dark)').matches"), true);

    browser
        .eval("document.body.innerHTML = '<input><button>go</button><img src=\"data:,\" width=9 height=9>'");
    browser.eval(
        "document.querySelector('button').onclick = ({ target }) => setTimeout(() => target.id = 'gone')",
    );
    browser.type_into("input", "Grüße");
    browser.click("button");
    assert_eq!(
        browser.until("document.querySelector('#gone') && document.querySelector('input').value"),
        "Grüße"
    );
    assert!(browser.axe().iter().any(|found| found.starts_with("image-alt: ")), "{:?}", browser.axe());

    let folder = ScratchFolder::new();
    let picture = folder.path("page.png");
    browser.screenshot(&picture);
    assert!(std::fs::read(picture).expect("a file").starts_with(b"\x89PNG"));
}

#[test]
fn what_goes_wrong_in_the_page_is_told() {
    let broker = TestBroker::start();
    let browser = Browser::start();
    browser.open(&broker.http_url("/"));
    assert_eq!(browser.errors(), [""; 0]);
    browser.eval("console.error('something is wrong')");
    assert!(browser.errors().concat().contains("something is wrong"));
    browser.eval("fetch('http://example.org/').catch(() => 0)");
    assert!(browser.errors().concat().contains("Content Security Policy"), "it asks nobody but its broker");
    browser.set_offline(true);
    assert_eq!(browser.eval("fetch('/healthz').then(() => 'online', () => 'offline')"), "offline");
    assert!(browser.errors().concat().contains("ERR_INTERNET_DISCONNECTED"));
    browser.set_offline(false);
    assert_eq!(browser.eval("fetch('/healthz').then(answer => answer.status)"), 200);
}
