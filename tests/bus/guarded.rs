//! The web door: who is let in, by what, and how slow a peer may be.

pub mod http;
mod keys;
mod origins;
mod slow;
mod tls;

use std::path::Path;

use crate::support::program::{Ended, program};

/// `thingsbus-broker key …` with this data folder.
fn key(data: &Path, arguments: &[&str]) -> Ended {
    Ended::of(program("thingsbus-broker").arg("key").args(arguments).arg("--data").arg(data))
}

/// Makes a key.
pub fn add_key(data: &Path, arguments: &[&str]) -> String {
    let made = key(data, &[&["add"], arguments].concat());
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    made.stdout
}
