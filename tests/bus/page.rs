//! The page, as people use it in a browser.

mod boards;
mod keys;
mod live;
mod load;
mod looks;
mod pure;

use std::ops::Deref;

use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::http::Http;
use crate::support::process::Process;
use crate::support::program::{BrokerProgram, program};
use crate::support::scratch::ScratchFolder;
use crate::support::{Doors, TestBroker};

/// A broker that keeps what it hears, as one does that nobody told otherwise.
struct Keeping {
    broker: TestBroker,
    _data: ScratchFolder,
}

impl Keeping {
    fn start() -> Self {
        Self::on(ScratchFolder::new())
    }

    fn on(data: ScratchFolder) -> Self {
        let broker =
            TestBroker::with(|config| config.store.data = thingsbus_broker::Data::Folder(data.path("")));
        Self { broker, _data: data }
    }
}

impl Deref for Keeping {
    type Target = TestBroker;

    fn deref(&self) -> &TestBroker {
        &self.broker
    }
}

/// A broker that a test will end, with its data here.
fn started_on(data: &ScratchFolder) -> BrokerProgram {
    BrokerProgram::start(&["--data", data.path("").to_str().expect("a path")])
}

/// Publishes a value, which is on the broker's disk then.
fn put_on_disk(doors: &Doors, ns: &str, value: &Value) {
    let answer = Http::connect(doors.web).put(&format!("/things/{ns}?ack=disk"), value);
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// A broker on the ports and with the data of one that has ended.
fn started_again(doors: &Doors, data: &ScratchFolder) -> Process {
    let mut again = program("thingsbus-broker");
    again
        .args(["--bind", "127.0.0.1", "--port", &doors.clients.port().to_string(), "--data"])
        .arg(data.path(""));
    let mut again = Process::start("the broker again", &mut again);
    again.find_error("web:");
    again
}

/// A browser that shows this page of the broker's: `things/shop.lamp`, for example.
fn opened(broker: &Doors, page: &str) -> Browser {
    let browser = Browser::start();
    go(&browser, broker, page);
    browser
}

/// Goes to another page, which is loaded anew.
fn go(browser: &Browser, broker: &Doors, page: &str) {
    browser.open("about:blank");
    browser.open(&broker.http_url(&format!("/#/{page}")));
    browser.until("document.querySelector('.state.live, .state.refused')");
}

/// Is the thing's row there, with this value?
fn row_says(ns: &str, value: &str) -> String {
    format!("document.getElementById('row-{ns}')?.querySelector('.value').textContent.includes('{value}')")
}

/// Is this to be read somewhere?
fn says(text: &str) -> String {
    format!("document.body.innerText.includes({text:?})")
}

/// Clicks on what has this text.
fn press(browser: &Browser, text: &str) {
    let found = format!(
        "[...document.querySelectorAll('button, a.button, nav a, summary')].find((it) => it.offsetParent && \
         !it.disabled && it.textContent.trim().startsWith({text:?}))"
    );
    browser.until(&format!("{found} !== undefined"));
    browser.eval(&format!("{found}.click()"));
}
