//! Forgetting on purpose: what somebody asked for, a slice in each turn, since it may be the whole directory.

use std::collections::VecDeque;

use serde_json::json;
use thingsbus_adaptor::wire::Namespace;
use thingsbus_client::directory::{Record, Scope};

use super::middle::Middle;
use crate::door::late::{Late, To};

/// How many things are forgotten before the stream has its turn.
const FORGOTTEN: usize = 500;

/// The most tasks that wait. Who comes then is told to ask again.
const TASKS_MAX: usize = 64;

/// What somebody asked to be forgotten.
struct Task {
    ns: Namespace,
    tree: bool,
    /// What spoke after that was asked stays.
    up_to: u64,
    /// The last thing that was looked at.
    after: Option<String>,
    count: u64,
    to: To,
}

/// What is being forgotten.
#[derive(Default)]
pub(super) struct Forgetting {
    tasks: VecDeque<Task>,
}

impl Forgetting {
    /// Somebody asks for a thing to be forgotten, and with `tree` what is below it.
    pub(super) fn add(&mut self, ns: Namespace, tree: bool, up_to: u64, to: To) {
        self.tasks.push_back(Task { ns, tree, up_to, after: None, count: 0, to });
    }

    /// Do as many tasks wait as there is room for?
    pub(super) fn is_busy(&self) -> bool {
        self.tasks.len() >= TASKS_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Forgets some things, of what was asked for first. Gives the answer, where it is to be given at once: who keeps
    /// the directory on disk answers when it is gone there too.
    pub(super) fn turn(&mut self, middle: &mut Middle) -> Option<Late> {
        let task = self.tasks.front_mut()?;
        let scope = Scope { ns: task.ns.as_str(), tree: task.tree };
        let things = middle.hub.directory().things_and_forgotten(scope, task.after.as_deref());
        let slice: Vec<(String, u64)> = things.take(FORGOTTEN).map(name_and_seq).collect();
        // Those that are forgotten already take a look, too.
        for (ns, seq) in &slice {
            if *seq <= task.up_to && middle.forget(ns) {
                middle.forget_past(ns);
                task.count += 1;
            }
        }
        if slice.len() == FORGOTTEN {
            task.after = slice.into_iter().last().map(|(ns, _)| ns);
            return None;
        }
        let Task { ns, tree, count, to, .. } = self.tasks.pop_front()?;
        let s = if count == 1 { "" } else { "s" };
        tracing::info!("forgot {count} thing{s}: {ns}{}", if tree { " and what is below it" } else { "" });
        let answer = json!({
            "type": "things_forgotten", "ns": ns.as_str(), "tree": tree, "count": count, "seq": middle.hub.seq(),
        });
        middle.tell_when_forgotten(Late { to, answer: answer.to_string().into_bytes() })
    }
}

fn name_and_seq(record: &Record) -> (String, u64) {
    (record.ns().to_owned(), record.seq())
}
