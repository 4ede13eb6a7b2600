//! The page of a large hall: ten thousand things, a thousand updates a second.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Keeping, go, says};
use crate::support::browser::Browser;
use crate::support::peers::{Push, update};

const THINGS: usize = 10_000;
const RATE: u64 = 1_000;

/// How many times somebody jumps to another place of the tree.
const JUMPS: usize = 40;

/// So much more memory may be held at the end than at the beginning: lines of numbers grow until they are full.
const GROWTH_MAX: u64 = 16 << 20;

/// For so long values come in, in seconds: `THINGSBUS_PAGE_S=3600` is an hour.
fn seconds() -> u64 {
    std::env::var("THINGSBUS_PAGE_S").map_or(3, |text| text.parse().expect("seconds"))
}

fn name(number: usize) -> String {
    format!("plant.hall{}.line{}.m{}", number / 1_000, number / 100 % 10, number % 100)
}

#[test]
fn a_large_hall_is_seen_whole_and_live() {
    let broker = Keeping::start();
    let push = Push::connect(&broker);
    for number in 0..THINGS {
        push.send(update(&name(number), &json!({"rpm": 1_000, "state": "running"})));
    }
    let browser = Browser::start();
    go(&browser, &broker, "");
    browser.until(&says("10,000 things"));
    let first =
        browser.eval("Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0)");
    let whole = browser.eval("Math.round(performance.now())");
    let before = browser.memory();

    let end = Instant::now() + Duration::from_secs(seconds());
    let sender = std::thread::spawn(move || {
        let begun = Instant::now();
        let mut sent = 0;
        while Instant::now() < end {
            while sent < begun.elapsed().as_millis() as u64 * RATE / 1_000 {
                let thing = sent as usize * 7_919 % THINGS;
                push.send(update(&name(thing), &json!({"rpm": 1_000 + sent % 500, "state": "running"})));
                sent += 1;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        push.send(update(&name(THINGS - 1), &json!("the last word")));
        sent
    });
    // Frames are noted while values come in, and while somebody jumps about.
    let frames = |doing: &str, what: &str| {
        let took = browser.eval(&format!(
            "new Promise((done) => {{
                const tree = document.querySelector('.tree');
                const took = [];
                let last = performance.now();
                let left = {JUMPS} * 4;
                const frame = () => {{
                    const now = performance.now();
                    took.push(now - last);
                    last = now;
                    {doing}
                    if (left-- > 0) requestAnimationFrame(frame);
                    else done(took.sort((a, b) => a - b).map((it) => Math.round(it * 10) / 10));
                }};
                requestAnimationFrame(frame);
            }})"
        ));
        let took: Vec<f64> = serde_json::from_value(took).expect("numbers");
        let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
        println!("{what}: frames of {} ms (median), {} (99 %), {} (most)", at(0.5), at(0.99), at(1.0));
    };
    frames("", "still");
    frames(&format!("if (left % 4 === 0) tree.scrollTop = left / 4 * 1777 % {};", THINGS * 20), "jumping");
    let drawn = browser.eval("document.querySelectorAll('.row').length").as_u64().expect("a number");
    assert!(drawn < 100, "only what is seen is drawn: {drawn}");

    let sent = sender.join().expect("it sends");
    browser.eval("document.querySelector('.tree').scrollTop = 1e9");
    browser.until(&super::row_says(&name(THINGS - 1), "the last word"));
    let after = browser.memory();
    println!(
        "first values after {first} ms, all after {whole} ms; {sent} updates in {} s; memory {:.1} MB, then {:.1} MB",
        seconds(),
        before as f64 / 1e6,
        after as f64 / 1e6
    );
    assert!(after < before + GROWTH_MAX, "{before} bytes before, {after} after");
}
