//! What is wanted of Thingsbus beside its peers, as ratios within one round: on a shared machine they hold, digits do
//! not.

use crate::finding::{Finding, median};
use crate::rounds::Measured;

/// What both are compared by.
type By = fn(&Measured) -> Option<f64>;

/// For each ratio the median over the rounds in which both were measured.
pub fn findings(all: &[Measured]) -> Vec<Finding> {
    let rate: By = |measured| Some(measured.best()?.per_second);
    let cpu: By = |measured| Some(measured.best()?.cpu_s_per_million);
    let p50: By = |measured| Some(measured.latency.as_ref()?.p50_us);
    let p99: By = |measured| Some(measured.latency.as_ref()?.p99_us);

    let mut findings = Vec::new();
    for shape in ["1x1", "4x1", "1x4"] {
        let compare = |what: &str, by: By, ours: &str, theirs: &str| {
            let ratios = ratios(all, shape, by, ours, theirs);
            median(ratios).map(|value| Finding::new(format!("{shape} {what}: {ours} / {theirs}"), value, ""))
        };
        let routed = if shape == "1x4" { 2.5 } else { 1.7 };
        for peer in ["nats", "redis"] {
            findings.extend(compare("rate", rate, "thingsbus", peer).map(|it| it.at_least(routed)));
        }
        let kept = compare("rate", rate, "thingsbus", "redis-set");
        findings.extend(if shape == "1x4" { kept } else { kept.map(|it| it.at_least(3.0)) });
        let forwarded = if shape == "4x1" { 0.95 } else { 1.1 };
        findings.extend(compare("rate", rate, "thingsbus-zmq", "zmqproxy").map(|it| it.at_least(forwarded)));
        findings.extend(compare("CPU", cpu, "thingsbus", "nats").map(|it| it.at_most(0.6)));
        findings.extend(compare("CPU", cpu, "thingsbus", "zmqproxy-lean").map(|it| it.at_most(1.0)));
        findings.extend(compare("CPU", cpu, "thingsbus-zmq", "zmqproxy").map(|it| it.at_most(1.0)));
        for (name, by) in [("p50", p50), ("p99", p99)] {
            findings.extend(compare(name, by, "thingsbus", "nats").map(|it| it.at_most(1.0)));
            findings.extend(compare(name, by, "thingsbus-zmq", "zmqproxy").map(|it| it.at_most(0.7)));
        }
    }
    findings
}

fn ratios(all: &[Measured], shape: &str, by: By, ours: &str, theirs: &str) -> Vec<f64> {
    let of = |peer: &str, round: usize| {
        let found = all.iter().find(|it| it.peer == peer && it.round == round && it.shape == shape);
        found.and_then(by)
    };
    let rounds = 1..=all.iter().map(|measured| measured.round).max().unwrap_or(0);
    rounds.filter_map(|round| Some(of(ours, round)? / of(theirs, round)?)).collect()
}
