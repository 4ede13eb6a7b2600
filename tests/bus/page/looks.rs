//! How each page looks, on small and large screens, in light and dark; and whether those find their way who do not see it.
//!
//! The pictures are in `target/pictures`, for who wants to look.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::{Keeping, go, opened};
use crate::support::http::Http;
use crate::support::process::Process;
use crate::support::program::example;

const PAGES: [(&str, &str, &str); 6] = [
    ("things", "", "document.querySelectorAll('.row.thing').length >= 12"),
    ("thing", "things/shop.climate", "document.querySelector('.plot canvas')"),
    ("dashboards", "dashboards", "document.querySelector('.shelf')"),
    ("dashboard", "dashboards/shop", "document.querySelectorAll('.board .widget').length >= 6"),
    ("editor", "dashboards/shop/edit", "document.querySelectorAll('.grip').length >= 6"),
    ("broker", "broker", "document.querySelector('table.list')"),
];

#[test]
fn each_page_on_each_screen() {
    let broker = Keeping::start();
    let mut workshop = example("workshop");
    let _workshop = Process::start("workshop", workshop.env("THINGSBUS_BROKER", broker.clients.to_string()));
    let mut browser = opened(&broker, "dashboards/~shop");
    // What is proposed is kept, so that there is a dashboard.
    browser.until("document.querySelectorAll('.board .widget').length >= 6");
    super::press(&browser, "Keep it");
    browser.until("location.hash === '#/dashboards/shop'");
    // The pictures show it as it is after its first minute, not with lines of two points.
    let mut http = Http::connect(broker.web);
    crate::support::wait::within(Duration::from_secs(60), || {
        let history = http.get("/things/shop.climate/history?last=40").json();
        (history["values"].as_array().map(Vec::len) >= Some(30)).then_some(())
    });

    let folder = pictures();
    for (screen, width, height) in [("wall", 1_920, 1_080), ("desk", 1_280, 800), ("phone", 390, 844)] {
        for colours in ["light", "dark"] {
            browser.resize(width, height);
            browser.prefer(&[("prefers-color-scheme", colours)]);
            for (name, page, is_there) in PAGES {
                go(&browser, &broker, page);
                browser.until(is_there);
                assert_eq!(browser.axe(), [""; 0], "{name}, {screen}, {colours}");
                let beyond = browser.eval("document.documentElement.scrollWidth - innerWidth");
                assert!(beyond.as_i64() <= Some(0), "{name} is wider than a {screen} by {beyond}");
                let below = browser.eval("document.documentElement.scrollHeight - innerHeight");
                assert!(below.as_i64() <= Some(0), "{name} scrolls twice on a {screen}: {below}");
                browser.screenshot(&folder.join(format!("{name}-{screen}-{colours}.png")));
            }
        }
    }
    browser = opened(&broker, "things/shop.nothing");
    browser.until(&super::says("No thing of this name has spoken"));
    assert_eq!(browser.axe(), [""; 0]);
}

#[test]
fn all_of_it_is_small() {
    let broker = Keeping::start();
    let browser = opened(&broker, "");
    browser.until(&super::says("Nothing has spoken yet"));
    let bytes = "performance.getEntries().reduce((sum, { encodedBodySize = 0 }) => sum + encodedBodySize, 0)";
    let first = browser.eval(bytes).as_u64().expect("a number");
    assert!(first > 20_000 && first < 200 * 1_024, "{first} bytes");
    let elsewhere = browser.eval("performance.getEntriesByType('resource').filter(({ name }) => !name.startsWith(location.origin)).length");
    assert_eq!(elsewhere, json!(0));
}

/// Beside the program of the tests, where it is found and is not kept with the source.
fn pictures() -> PathBuf {
    let this = std::env::current_exe().expect("the test knows where it is");
    let folder = this.ancestors().nth(3).expect("target/<profile>/deps/<test>").join("pictures");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}
