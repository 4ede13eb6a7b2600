//! Who may see, and who may change.

use serde_json::json;

use super::{Keeping, opened, press, row_says, says};
use crate::guarded::add_key;
use crate::support::browser::Browser;
use crate::support::http::curl;
use crate::support::scratch::ScratchFolder;

fn give(browser: &Browser, key: &str) {
    browser.until("document.querySelector('dialog[open] input')");
    browser.type_into("dialog input", key);
    press(browser, "Enter");
}

#[test]
fn who_may_read_sees_and_who_may_write_controls() {
    let data = ScratchFolder::new();
    let writer = add_key(&data.path(""), &["writer", "--read", "", "--write", ""]);
    let reader = add_key(&data.path(""), &["reader", "--read", ""]);
    let (writer, reader) = (writer.trim(), reader.trim());
    let broker = Keeping::on(data);
    let header = format!("Access-Key: {writer}");
    let put = |ns: &str, value: &str| {
        let (status, said) =
            curl(&["-X", "PUT", "-H", &header, &broker.http_url(&format!("/things/{ns}")), "-d", value]);
        assert_eq!(status, 200, "{said}");
    };
    put("shop.lamp", "false");
    let board = json!({
        "label": "Shop",
        "widgets": {"s": {"type": "switch", "thing": "shop.lamp"}},
        "layouts": {"wide": {"dimensions": [4, 2], "widgets": [["s", 0, 0, 2, 1]]}},
    });
    put("dashboards.shop", &board.to_string());

    let browser = opened(&broker, "");
    browser.until(&says("This broker wants an access key"));
    give(&browser, "tb_wrong");
    browser.until(&says("was revoked"));
    give(&browser, reader);
    browser.until(&row_says("shop.lamp", "false"));
    // The key is in no address, and another page of this browser has it too.
    assert_eq!(browser.eval(&format!("location.href.includes('{reader}')")), false);
    browser.eval("location.hash = '#/dashboards/shop'");
    browser.until("document.querySelector('[role=switch]')");
    browser.click("[role=switch]");
    browser.until(&says("this access key may read here, not write"));
    assert_eq!(browser.eval("document.querySelector('[role=switch]').getAttribute('aria-checked')"), "false");

    press(&browser, "forget key");
    give(&browser, writer);
    browser.until("document.querySelector('[role=switch]')");
    browser.click("[role=switch]");
    browser.until("document.querySelector('[role=switch]').getAttribute('aria-checked') === 'true'");
    assert_eq!(
        curl(&["-H", &header, &broker.http_url("/things/shop.lamp/value")]),
        (200, "true\n".to_owned())
    );
    // What was refused stands in the log of the browser too.
    assert!(browser.errors().iter().all(|error| error.contains("401") || error.contains("403")));
}
