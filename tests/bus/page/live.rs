//! The live view and a thing's page.

use serde_json::{Value, json};

use super::{Keeping, go, opened, press, put_on_disk, row_says, says, started_again, started_on};
use crate::support::http::Http;
use crate::support::peers::{Push, update};
use crate::support::scratch::ScratchFolder;

/// How many values are sent to see how soon they are on the page.
const VALUES: usize = 40;

#[test]
fn what_speaks_is_on_the_page_by_itself() {
    let broker = Keeping::start();
    let browser = opened(&broker, "");
    browser.until(&says("Nothing has spoken yet"));
    let push = Push::connect(&broker);
    push.send(update("shop.lamp", &json!({"on": true})));
    push.send(update("shop.door", &json!("ajar")));
    browser.until(&row_says("shop.lamp", "on true"));
    browser.until(&row_says("shop.door", "ajar"));
    assert_eq!(browser.eval("document.querySelector('.count').textContent"), "2 things");
    assert_eq!(browser.eval("document.getElementById('row-shop.lamp').getAttribute('aria-level')"), "2");

    // A value says when it was sent, and the page notes when that is to be read.
    browser.eval(
        "(window.took = [], new MutationObserver(() => {
            const sent = Number(document.getElementById('row-shop.clock')?.querySelector('.value').textContent);
            if (sent && sent !== window.last) { window.last = sent; window.took.push(Date.now() - sent); }
        }).observe(document.querySelector('.tree'), { subtree: true, childList: true, characterData: true }))",
    );
    let mut http = Http::connect(broker.web);
    for number in 1..=VALUES {
        let now = browser.eval("String(Date.now())");
        assert_eq!(http.put("/things/shop.clock", &now).status, 200);
        browser.until(&format!("window.took.length === {number}"));
    }
    let took: Vec<u64> = serde_json::from_value(browser.eval("took.sort((a, b) => a - b)")).expect("numbers");
    println!("from the sender to the page: median {} ms, most {} ms", took[VALUES / 2], took[VALUES - 1]);
}

#[test]
fn a_broker_that_was_away_is_told_and_what_was_missed_comes() {
    let data = ScratchFolder::new();
    let mut broker = started_on(&data);
    let doors = broker.doors();
    let put = |ns: &str, value: &Value| put_on_disk(&doors, ns, value);
    put("shop.lamp", &json!("before"));
    put("shop.gone", &json!(1));
    let browser = opened(&doors, "");
    browser.until(&row_says("shop.lamp", "before"));

    broker.signal("KILL");
    broker.wait();
    browser.until("document.querySelector('.state.away')");
    browser.until(&says("The broker has not answered since"));
    assert_eq!(browser.eval(&row_says("shop.lamp", "before")), true, "what was known stays");

    // What happens before the page is back is told to it then.
    let _again = started_again(&doors, &data);
    put("shop.lamp", &json!("after"));
    assert_eq!(Http::connect(doors.web).ask("DELETE", "/things/shop.gone", &[], b"").status, 200);
    browser.until("document.querySelector('.state.live')");
    browser.until(&row_says("shop.lamp", "after"));
    browser.until("!document.getElementById('row-shop.gone')");
    browser.until("!document.querySelector('.notice')");
    // It could not reach the broker for a while, and said so.
    assert!(browser.errors().iter().all(|error| error.contains("net::ERR_")));
    // It ends before the broker does, and has nothing more to tell.
    drop(browser);
}

#[test]
fn names_are_searched_as_they_are_typed() {
    let broker = Keeping::start();
    let push = Push::connect(&broker);
    for hall in 0..10 {
        for machine in 0..100 {
            push.send(update(&format!("plant.hall{hall}.m{machine}"), &json!({"rpm": machine})));
        }
    }
    let browser = opened(&broker, "");
    browser.until(&says("1,000 things"));
    let drawn = browser.eval("document.querySelectorAll('.row').length").as_u64().expect("a number");
    assert!(drawn < 100, "only what is seen is drawn: {drawn}");
    assert_eq!(browser.eval("document.querySelector('.tree').getAttribute('aria-rowcount')"), "1012");

    browser.type_into("input[type=search]", "hall7 m42");
    browser.until(&says("1 of 1,000 things"));
    browser.until(&row_says("plant.hall7.m42", "rpm 42"));
    // By keys: from the search to the row, and to its page.
    browser.eval("document.querySelector('.tree').focus()");
    for key in ["End", "Enter"] {
        browser.eval(&format!(
            "document.querySelector('.tree').dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true }}))"
        ));
        browser.until("true");
    }
    browser.until("document.querySelector('article h1')?.textContent === 'plant.hall7.m42'");
    // Who comes back finds what was searched.
    browser.eval("history.back()");
    browser.until(&says("1 of 1,000 things"));

    go(&browser, &broker, "");
    browser.until(&says("1,000 things"));
    browser.eval("document.querySelector('.tree').scrollTop = 1e6");
    browser.until(&row_says("plant.hall9.m99", "rpm 99"));
    press(&browser, "silent");
    browser.until(&says("0 of 1,000 things"));
}

#[test]
fn a_thing_has_a_page() {
    let broker = Keeping::start();
    let mut http = Http::connect(broker.web);
    for celsius in [20.5, 21.5] {
        let doc = "documentation_url=https%3A%2F%2Fexample.org%2Fclimate";
        let put =
            http.put(&format!("/things/shop.climate?{doc}"), &json!({"celsius": celsius, "by": {"id": 7}}));
        assert_eq!(put.status, 200);
    }
    let refused =
        http.ask("PUT", "/things/shop.climate", &[("content-type", "application/json")], b"{\"celsius\":");
    assert_eq!(refused.status, 400);
    let browser = opened(&broker, "things/shop.climate");
    browser.until(&says("21.5"));
    assert_eq!(browser.eval("document.title"), "shop.climate – Thingsbus");
    assert_eq!(
        browser.eval("document.querySelector('a[href=\"https://example.org/climate\"]').rel"),
        "noopener noreferrer"
    );
    // What changes is marked, and nothing else.
    http.put("/things/shop.climate", &json!({"celsius": 22.5, "by": {"id": 7}}));
    browser.until("[...document.querySelectorAll('.changed')].map((it) => it.textContent).join() === '22.5'");
    // Its past is drawn, of each number that is chosen.
    browser.until("document.querySelector('.plot canvas') && !document.querySelector('.plot .nothing')");
    let drawn = |names: &str| {
        format!(
            "[...document.querySelectorAll('.plot .u-legend .u-label')].map((it) => it.textContent)
                .filter((it) => !['Time', 'lowest', 'highest'].includes(it)).join() === '{names}'"
        )
    };
    browser.until(&drawn("celsius,by.id"));
    press(&browser, "by.id");
    browser.until(&drawn("celsius"));
    // What was refused of it, and ready lines to read it.
    browser.until(&says("Rejected lately"));
    press(&browser, "Python");
    browser.until(&says("client.directory.get_thing('shop.climate')"));
    press(&browser, "curl");
    browser.until(&says(&broker.http_url("/things/shop.climate/value")));

    press(&browser, "Forget this thing");
    press(&browser, "Forget it");
    browser.until(&says("Nothing has spoken yet"));
}
