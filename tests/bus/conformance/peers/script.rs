//! Sockets of other languages: a script in each, told line by line what to do.

use std::path::Path;

use serde_json::json;

use super::Socket;
use crate::conformance::Kind;
use crate::support::process::Process;
use crate::support::{node, python};

pub(super) fn python(kind: Kind, url: &str) -> Process {
    python::script("peer.py", &[kind.name(), url])
}

pub(super) fn node(kind: Kind, url: &str) -> Process {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bus/conformance/peer.js");
    node::script(&script, &[kind.name(), url])
}

impl Socket for Process {
    fn send(&mut self, frames: &[&str]) {
        self.write_line(&json!([&["send"], frames].concat()).to_string());
    }

    fn subscribe(&mut self, prefix: &str) {
        self.write_line(&json!(["subscribe", prefix]).to_string());
    }

    fn cancel(&mut self, prefix: &str) {
        self.write_line(&json!(["cancel", prefix]).to_string());
    }

    fn receive(&mut self) -> Vec<String> {
        serde_json::from_str(&self.line()).expect("a list of frames")
    }
}
