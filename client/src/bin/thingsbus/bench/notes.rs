//! What should be said of a run: why something was lost, and what to try.

use serde_json::Value;
use thingsbus_adaptor::wire::Rejected;

use super::findings::Findings;
use crate::numbers::{bytes_text, counted, grouped};

/// A few sentences, the gravest first.
pub(super) fn of(findings: &Findings) -> Vec<String> {
    let mut notes = ends(findings);
    notes.extend(refused(findings));
    notes.extend(losses(findings));
    notes.extend(others(findings));
    notes
}

/// That the run did not go to its end as it was meant.
fn ends(findings: &Findings) -> Vec<String> {
    let mut notes = Vec::new();
    if findings.is_restarted() {
        notes.push("the broker was started anew meanwhile".to_owned());
    }
    if findings.after.is_none() {
        notes.push("the broker does not answer any more: what it counted is not known".to_owned());
    }
    if findings.gave_up {
        notes.push("given up early: nothing came back any more".to_owned());
    }
    notes
}

/// What was not taken, by the system or by the broker.
fn refused(findings: &Findings) -> Vec<String> {
    let mut notes = Vec::new();
    let errors: u64 = findings.sent.iter().map(|sent| sent.errors).sum();
    if let Some(error) = findings.sent.iter().find_map(|sent| sent.last_error.as_ref()) {
        notes.push(format!("{} to send failed, and were made again: {error}", counted(errors, "attempt")));
    }
    let reasons = findings
        .after
        .as_ref()
        .and_then(|after| after.pointer(&format!("/doors/{}/reasons", findings.door())));
    for reason in reasons.and_then(Value::as_object).into_iter().flat_map(|reasons| reasons.keys()) {
        let count = findings.counted(&format!("/doors/{}/reasons/{reason}", findings.door())).unwrap_or(0);
        if count > 0 {
            let known = Rejected::ALL.iter().find(|known| known.name() == reason);
            let why = known.map_or_else(|| reason.clone(), ToString::to_string);
            notes.push(format!("the broker rejected {}: {why}", counted(count, "message")));
        }
    }
    notes
}

/// Why something is missing.
fn losses(findings: &Findings) -> Vec<String> {
    let mut notes = Vec::new();
    let plan = &findings.plan;
    let all = findings.all();
    let disconnects: u64 = findings.heard.iter().map(|heard| heard.disconnects).sum();
    let stalls: u64 = findings.sent.iter().map(|sent| sent.stalls).sum();
    let less = if plan.rate.is_some() { "a lower --rate" } else { "a smaller --window, or --rate" };
    let came = findings.counted(&format!("/doors/{}/received", findings.door()));
    let astray = came.map_or(0, |came| findings.sent().saturating_sub(came));
    if all.lost > 0 && plan.udp && astray > 0 {
        let buffer = findings.before.pointer("/doors/udp_in/buffer_bytes").and_then(Value::as_u64);
        let buffer = buffer.map_or_else(String::new, |bytes| format!(" of {}", bytes_text(bytes)));
        notes.push(format!(
            "{} did not reach the broker: its receive buffer{buffer} was full, or the network lost them; try {less}",
            counted(astray, "datagram")
        ));
    } else if all.lost > 0 && astray > 0 {
        notes.push(format!(
            "{} did not reach the broker: was the connection lost?",
            counted(astray, "message")
        ));
    }
    if all.merged > 0 {
        let (_, rate) = findings.slowest();
        let hint = if plan.rate.is_some() {
            format!(": it received {}/s", grouped(rate as u64))
        } else {
            String::new()
        };
        notes.push(format!(
            "a subscriber was too slow for the stream{hint}; {} merged: newer ones of the same things came in their \
             place; try {less}",
            counted(all.merged, "update")
        ));
    }
    if disconnects > 0 {
        notes.push(format!("subscribers lost their connection {}", counted(disconnects, "time")));
    }
    let rejected = findings.counted(&format!("/doors/{}/rejected", findings.door())).unwrap_or(0);
    let explained = all.merged + astray + rejected + disconnects > 0;
    if all.lost > 0 && !explained && !findings.gave_up {
        notes.push(format!(
            "{} lost, and the broker does not say where: were the subscribers connected all the time?",
            counted(all.lost, "message")
        ));
    }
    if all.out_of_order > 0 || all.repeated > 0 {
        let why = match (plan.udp, disconnects) {
            (true, _) => "as datagrams may",
            (false, 1..) => "as happens where a connection is lost",
            (false, 0) => "which should not be over ZeroMQ: please report it",
        };
        notes.push(format!("messages came out of order or twice, {why}"));
    }
    if stalls > 0 && all.lost > 0 {
        notes
            .push(format!("{} for what was lost, of 1 s or more, lowered the rate", counted(stalls, "wait")));
    }
    notes
}

/// That others used the broker too.
fn others(findings: &Findings) -> Option<String> {
    let accepted = |door: &str| findings.counted(&format!("/doors/{door}/accepted")).unwrap_or(0);
    let others = (accepted("zmq_in") + accepted("udp_in")).saturating_sub(findings.sent());
    let matter = others > findings.sent() / 100;
    matter.then(|| {
        format!(
            "others sent the broker {} meanwhile, which counts as its work here",
            counted(others, "message")
        )
    })
}
