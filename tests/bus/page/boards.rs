//! Dashboards: proposed, laid out by hand, kept, taken elsewhere and brought, with controls that publish.

use serde_json::{Value, json};

use super::{Keeping, go, opened, press, put_on_disk, says, started_again, started_on};
use crate::support::browser::Browser;
use crate::support::http::Http;
use crate::support::peers::{Push, Sub, update};
use crate::support::scratch::ScratchFolder;
use crate::support::wait::until;

/// As Brain4it exports its dashboards: in its own notation, with functions by their names.
const BRAIN4IT: &str = r##"("Heating" => (
  "widgets" => (
    "boiler" => ("type" => "gauge" "label" => "Boiler" "min" => 0 "max" => 90 "divisions" => 9 "get-value" => @boiler/temperature)
    "pump" => ("type" => "switch" "label" => "Pump" "get-value" => @boiler/pump "set-value" => @boiler/pump)
    "alarm" => ("type" => "led" "label" => "Alarm" "color" => "#FF0000" "get-value" => @boiler/alarm)
    "note" => ("type" => "display" "lines" => 2 "get-value" => @note))
  "layouts" => ("mobile-vertical" => ("dimensions" => (4 6) "stretch" => true
    "widgets" => (("boiler" 0 0 4 3) ("pump" 0 3 2 1) ("alarm" 2 3) ("note" 0 4 4 2))))
  "polling-interval" => 0))"##;

/// Where a dashboard that is kept has its widgets, in the layout for this screen.
fn boxes(broker: &Keeping, name: &str) -> Value {
    let told = Http::connect(broker.web).get(&format!("/things/dashboards.{name}")).json();
    told["data"]["layouts"]["wide"]["widgets"].clone()
}

fn key(browser: &Browser, selector: &str, key: &str, shift: bool) {
    browser.eval(&format!(
        "document.querySelector({selector:?}).dispatchEvent(
            new KeyboardEvent('keydown', {{ key: '{key}', shiftKey: {shift}, bubbles: true, cancelable: true }}))"
    ));
    // What it changed is drawn.
    browser.eval("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))");
}

#[test]
fn a_dashboard_is_proposed_changed_and_kept() {
    let broker = Keeping::start();
    let push = Push::connect(&broker);
    push.send(update("shop.climate", &json!({"temperature_c": 20.5, "humidity": 48.0})));
    push.send(update("shop.door", &json!({"open": true})));
    let browser = opened(&broker, "dashboards");
    press(&browser, "shop");
    browser.until("document.querySelectorAll('.board .widget').length >= 3");
    browser.until(&says("20.5"));
    press(&browser, "Keep it");
    browser.until("location.hash === '#/dashboards/shop'");

    press(&browser, "Edit");
    browser.until("document.querySelectorAll('.grip').length >= 3");
    let before = boxes(&broker, "shop");
    let first = before[0][0].as_str().expect("an id").to_owned();
    let [x, y, w, h] = [1, 2, 3, 4].map(|at| before[0][at].as_i64().expect("a number"));
    assert_eq!((x, y), (0, 0), "{before}");
    browser.eval("document.querySelector('.grip').focus()");
    key(&browser, ".grip", "ArrowDown", false);
    key(&browser, ".grip", "ArrowRight", true);
    browser.until(&says("Not saved yet"));
    press(&browser, "Save");
    browser.until("document.querySelector('.saving').textContent === 'Saved'");
    let after = boxes(&broker, "shop");
    let moved = after.as_array().expect("boxes").iter().find(|it| it[0] == *first).expect("it is there");
    assert_eq!(*moved, json!([first, x, y + 1, w + 1, h]), "{after}");

    // Whoever opens it has it so; nothing else moved onto it.
    go(&browser, &broker, "dashboards/shop");
    browser.until("document.querySelectorAll('.board .widget').length >= 3");
    let overlaps = browser.eval(
        "(() => { const all = [...document.querySelectorAll('.board .cell')].map((it) => it.getBoundingClientRect());
            return all.flatMap((a, i) => all.slice(i + 1).filter((b) => a.left < b.right - 1 && b.left < a.right - 1 &&
                a.top < b.bottom - 1 && b.top < a.bottom - 1)).length; })()",
    );
    assert_eq!(overlaps, 0);

    // What was taken away is there again.
    go(&browser, &broker, "dashboards/shop/edit");
    browser.until("document.querySelectorAll('.grip').length >= 3");
    let count = browser.eval("document.querySelectorAll('.grip').length");
    key(&browser, ".grip", "Delete", false);
    browser.until(&format!("document.querySelectorAll('.grip').length === {count} - 1"));
    press(&browser, "Undo");
    browser.until(&format!("document.querySelectorAll('.grip').length === {count}"));
}

#[test]
fn two_who_change_the_same_do_not_overwrite_each_other_unseen() {
    let broker = Keeping::start();
    let board = |label: &str| {
        json!({"label": label, "widgets": {"d": {"type": "display", "thing": "a"}},
            "layouts": {"wide": {"dimensions": [4, 4], "widgets": [["d", 0, 0, 2, 2]]}}})
    };
    let mut http = Http::connect(broker.web);
    http.put("/things/dashboards.mine", &board("Mine"));
    let browser = opened(&broker, "dashboards/mine/edit");
    browser.until("document.querySelector('.grip')");
    key(&browser, ".grip", "ArrowRight", false);
    http.put("/things/dashboards.mine", &board("Theirs"));
    press(&browser, "Save");
    browser.until(&says("Somebody else saved this dashboard meanwhile"));
    assert_eq!(http.get("/things/dashboards.mine").json()["data"]["label"], "Theirs");
    press(&browser, "Save mine over it");
    browser.until("document.querySelector('.saving').textContent === 'Saved'");
    let kept = http.get("/things/dashboards.mine").json();
    assert_eq!(kept["data"]["layouts"]["wide"]["widgets"], json!([["d", 1, 0, 2, 2]]));
    assert!(browser.errors().iter().all(|error| error.contains("412")));
}

#[test]
fn controls_send_what_the_thing_understands_and_leave_the_rest() {
    let broker = Keeping::start();
    let mut http = Http::connect(broker.web);
    let said = [
        ("lamp", json!({"on": true})),
        ("relay", json!("ON")),
        ("fan", json!({"level": 40, "unit": "%"})),
        ("limit", json!(21.5)),
        ("many", json!({"a": true, "b": false})),
    ];
    for (name, value) in &said {
        http.put(&format!("/things/shop.{name}"), value);
    }
    let widget =
        |kind: &str, name: &str| json!({"type": kind, "thing": format!("shop.{name}"), "label": name});
    let board = json!({
        "widgets": {
            "lamp": widget("switch", "lamp"), "relay": widget("switch", "relay"), "fan": widget("range", "fan"),
            "limit": widget("editText", "limit"), "many": widget("switch", "many"),
            // It shows nothing: what it sent is all that it knows.
            "blind": {"type": "switch", "to": "shop.blind", "label": "blind"},
            "bell": {"type": "button", "thing": "shop.bell", "value": "rings", "label": "bell"},
            "jog": {"type": "button", "thing": "shop.jog", "value": 1, "released": 0, "label": "jog"},
        },
        "layouts": {"wide": {"dimensions": [6, 4], "widgets": [
            ["lamp", 0, 0, 2, 1], ["relay", 2, 0, 2, 1], ["blind", 4, 0, 2, 1], ["fan", 0, 1, 4, 1], ["limit", 0, 2, 4, 2],
            ["many", 4, 2, 2, 2], ["bell", 4, 1, 1, 1], ["jog", 5, 1, 1, 1],
        ]}},
    });
    http.put("/things/dashboards.shop", &board);
    let browser = opened(&broker, "dashboards/shop");
    browser.until("document.querySelectorAll('.board .widget').length === 8");
    browser.until(&says("choose one place in its value"));
    let mut is_now = |name: &str, wanted: &str| {
        let path = format!("/things/shop.{name}/value");
        until(&format!("{path} {wanted}"), || (http.get(&path).text().trim() == wanted).then_some(()));
    };
    let press = |name: &str| {
        let toggle = format!("document.querySelector('.toggle[aria-label={name}]')");
        browser.until(&format!("{toggle} && !{toggle}.disabled"));
        browser.eval(&format!("{toggle}.click()"));
    };
    press("lamp");
    is_now("lamp", "{\"on\":false}");
    press("relay");
    is_now("relay", "OFF");
    for wanted in ["true", "false", "true"] {
        press("blind");
        is_now("blind", wanted);
        let shown = format!("document.querySelector('.toggle[aria-label=blind]').ariaChecked === '{wanted}'");
        browser.until(&shown);
    }
    browser.eval(
        "((it) => { it.value = 60; it.dispatchEvent(new Event('input', { bubbles: true }));
            it.dispatchEvent(new Event('change', { bubbles: true })); })(document.querySelector('input[type=range]'))",
    );
    is_now("fan", "{\"level\":60,\"unit\":\"%\"}");
    let write = |text: &str| {
        browser.eval(&format!(
            "((it) => {{ it.value = {text:?}; it.dispatchEvent(new Event('input', {{ bubbles: true }})); \
             it.dispatchEvent(new Event('blur')); }})(document.querySelector('textarea'))"
        ));
    };
    write("22,5");
    browser.until(&says("was not sent"));
    write("22.5");
    is_now("limit", "22.5");
    browser.until(&format!("!({})", says("was not sent")));

    // A finger that scrolls begins on whatever is there. What is held is released, however that ends.
    let finger = |label: &str, does: &str| {
        browser.eval(&format!(
            "((it) => {{ it.setPointerCapture = () => {{}}; \
             it.dispatchEvent(new PointerEvent('pointer{does}', {{ bubbles: true, button: 0, pointerId: 1 }})); }})( \
             [...document.querySelectorAll('.push')].find((it) => it.textContent === '{label}'))"
        ));
    };
    for label in ["bell", "jog"] {
        finger(label, "down");
        finger(label, "cancel");
    }
    is_now("jog", "0");
    assert_eq!(Http::connect(broker.web).get("/things/shop.bell").status, 404);
    browser.eval("[...document.querySelectorAll('.push')].find((it) => it.textContent === 'bell').click()");
    is_now("bell", "rings");
    finger("jog", "down");
    is_now("jog", "1");
    browser.open("about:blank");
    is_now("jog", "0");
}

#[test]
fn a_graph_has_what_was_while_the_page_was_away() {
    let data = ScratchFolder::new();
    let mut broker = started_on(&data);
    let doors = broker.doors();
    let put = |ns: &str, value: &Value| put_on_disk(&doors, ns, value);
    put("shop.oven", &json!(20));
    let board = json!({"widgets": {"g": {"type": "graph", "thing": "shop.oven", "label": "Oven"}},
        "layouts": {"wide": {"dimensions": [4, 4], "widgets": [["g", 0, 0, 4, 4]]}}});
    put("dashboards.oven", &board);
    let browser = opened(&doors, "dashboards/oven");
    let tells = |words: &str| {
        let element = "document.querySelector('.plot-of-widget [role=img]')";
        format!("{element}?.ariaLabel === 'The last 5m: Oven {words}'")
    };
    browser.until(&tells("from 20 to 20"));
    put("shop.oven", &json!(25));
    browser.until(&tells("from 20 to 25"));

    browser.set_offline(true);
    broker.signal("KILL");
    broker.wait();
    browser.until("document.querySelector('.state.away')");
    let _again = started_again(&doors, &data);
    // When the page is back the broker tells it of the last only.
    put("shop.oven", &json!(200));
    put("shop.oven", &json!(30));
    browser.set_offline(false);
    browser.until(&tells("from 20 to 200"));
    // It could not reach the broker for a while, and said so.
    assert!(browser.errors().iter().all(|error| error.contains("net::ERR_")));
    drop(browser);
}

#[test]
fn who_saves_after_a_crash_meets_nobody_else() {
    let data = ScratchFolder::new();
    let mut broker = started_on(&data);
    let doors = broker.doors();
    let board = json!({"label": "Mine", "widgets": {"d": {"type": "display", "thing": "a"}},
        "layouts": {"wide": {"dimensions": [4, 4], "widgets": [["d", 0, 0, 2, 2]]}}});
    put_on_disk(&doors, "dashboards.mine", &board);
    let browser = opened(&doors, "dashboards/mine/edit");
    browser.until("document.querySelector('.grip')");
    key(&browser, ".grip", "ArrowRight", false);
    broker.signal("KILL");
    broker.wait();
    browser.until("document.querySelector('.state.away')");
    let _again = started_again(&doors, &data);
    browser.until("document.querySelector('.state.live')");
    press(&browser, "Save");
    browser.until("document.querySelector('.saving').textContent === 'Saved'");
    let kept = Http::connect(doors.web).get("/things/dashboards.mine").json();
    assert_eq!(kept["data"]["layouts"]["wide"]["widgets"], json!([["d", 1, 0, 2, 2]]));
    // Now it is somebody else.
    key(&browser, ".grip", "ArrowRight", false);
    Http::connect(doors.web).put("/things/dashboards.mine", &json!({"label": "Theirs"}));
    press(&browser, "Save");
    browser.until(&says("Somebody else saved this dashboard meanwhile"));
    let errors = browser.errors();
    assert!(errors.iter().all(|error| error.contains("net::ERR_") || error.contains("412")), "{errors:?}");
    drop(browser);
}

#[test]
fn one_of_brain4it_is_imported_and_works() {
    let broker = Keeping::start();
    let push = Push::connect(&broker);
    push.send(update("boiler", &json!({"temperature": 61, "pump": false, "alarm": true})));
    push.send(update("note", &json!("All is well")));
    let browser = opened(&broker, "dashboards");
    press(&browser, "Or paste it");
    browser.eval(&format!(
        "(() => {{ const box = document.querySelector('#paste'); box.value = {}; box.dispatchEvent(new Event('input')); }})()",
        json!(BRAIN4IT)
    ));
    press(&browser, "Import");
    browser.until(&says("Imported: Heating"));
    browser.eval("location.hash = '#/dashboards/heating'");
    browser.until(&says("61"));
    browser.until(&says("All is well"));
    let led = "document.querySelector('.of-led')?.innerText.includes('on')";
    browser.until(led);
    push.send(update("boiler", &json!({"temperature": 70, "pump": false, "alarm": false})));
    browser.until(&says("70"));
    browser.until(&format!("!({led})"));

    // Its switch publishes, and who listens by ZeroMQ hears that.
    let mut sub = Sub::connect(&broker, &["{\"ns\":\"boiler\""]);
    browser.click("[role=switch]");
    let heard = sub.next_json();
    assert_eq!(heard["data"], json!({"temperature": 70, "pump": true, "alarm": false}));
    browser.until("document.querySelector('[role=switch]').getAttribute('aria-checked') === 'true'");
    browser.until(&says("came back"));

    // What is exported is what was kept, and comes in again under another name.
    let kept = Http::connect(broker.web).get("/things/dashboards.heating").json()["data"].clone();
    browser.eval(
        "(window.files = [], URL.createObjectURL = ((make) => (blob) => { files.push(blob.text()); return make(blob); })(URL.createObjectURL))",
    );
    press(&browser, "Export");
    let file = browser.until("files[0]");
    let exported: Value = serde_json::from_str(file.as_str().expect("a text")).expect("JSON");
    assert!(exported == kept || exported["Heating"] == kept, "{exported}");
    browser.eval("location.hash = '#/dashboards'");
    press(&browser, "Or paste it");
    browser.eval(&format!(
        "(() => {{ const box = document.querySelector('#paste'); box.value = {file}; box.dispatchEvent(new Event('input')); }})()"
    ));
    press(&browser, "Import");
    browser.until(&says("Imported: Heating"));
    let names = Http::connect(broker.web).get("/things?under=dashboards").json();
    assert_eq!(names["things"].as_array().map(Vec::len), Some(2), "{names}");
    assert_eq!(names["things"][0]["data"]["layouts"], names["things"][1]["data"]["layouts"]);
}
