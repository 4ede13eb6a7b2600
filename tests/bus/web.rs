//! The web door, as curl, Python and programs made of bytes see it: what it says, what it streams, what it withstands.

mod everywhere;
mod hostile;
mod live;
mod model;
mod page;
mod past;
mod rest;
mod slow;
mod stop;
mod watch;

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::support::http::Answer;

/// Does the answer say why there is none, as RFC 9457 has it? The sentence that helps.
#[track_caller]
fn problem(answer: &Answer, status: u16, name: &str) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text());
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{problem}");
    assert_eq!(problem["type"], format!("urn:thingsbus:{name}"), "{problem}");
    assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
    problem["detail"].as_str().expect("a sentence").to_owned()
}

/// A number of an answer.
#[track_caller]
fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Tells others to stop when it is dropped, also where that is because a test has failed.
struct Stop<'t>(&'t AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
