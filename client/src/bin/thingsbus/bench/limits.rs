//! What held the rate: who was so busy that no more could be had.

use super::findings::Findings;

/// A thread or machine this busy has no more to give: the rest is waiting that belongs to the work.
const BUSY: f64 = 0.9;

/// Other programs that take as much as this are to be told of.
const OTHERS: f64 = 0.1;

/// A rate is kept where so much of it was sent.
const KEPT: f64 = 0.99;

/// What held the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Limit {
    /// The rate that was asked for: it was kept, and nothing was lost.
    Rate,
    Publishers,
    Subscribers,
    Broker,
    /// All cores of this machine were busy, and no thread of its own.
    Machine,
    /// Nobody was busy: all waited for messages to come back.
    Window,
    /// It was too short to tell, or this system does not tell.
    Unknown,
}

impl Limit {
    /// One or more.
    pub(super) fn of(findings: &Findings) -> Vec<Self> {
        let plan = &findings.plan;
        let load = &findings.load;
        if findings.is_whole() && plan.rate.is_some_and(|rate| findings.sent_per_s() >= KEPT * rate as f64) {
            return vec![Self::Rate];
        }
        let Some(publishers) = load.publishers() else { return vec![Self::Unknown] };
        let is_busy = |share: Option<f64>| share.is_some_and(|share| share >= BUSY);
        let mut limits = Vec::new();
        for (limit, share) in [
            (Self::Publishers, Some(publishers.busiest_thread)),
            (Self::Subscribers, load.subscribers().map(|busy| busy.busiest_thread)),
            (Self::Broker, load.broker()),
            (Self::Machine, load.machine()),
        ] {
            if is_busy(share) {
                limits.push(limit);
            }
        }
        if limits.is_empty() {
            // Where the broker is cannot be looked at from here.
            let is_told = load.broker().is_some() && plan.rate.is_none();
            limits.push(if is_told { Self::Window } else { Self::Unknown });
        }
        limits
    }

    /// Would more be measured with another client?
    pub(super) fn is_clients(self) -> bool {
        matches!(self, Self::Publishers | Self::Subscribers | Self::Machine)
    }

    pub(super) fn text(self, findings: &Findings) -> String {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let load = &findings.load;
        match self {
            Self::Rate => "the rate that was asked for".to_owned(),
            Self::Publishers => {
                let busy = load.publishers().unwrap_or_default();
                format!("this bench: a thread of its publishers was busy to {}", percent(busy.busiest_thread))
            }
            Self::Subscribers => {
                let busy = load.subscribers().unwrap_or_default();
                format!(
                    "this bench: a thread of its subscribers was busy to {}",
                    percent(busy.busiest_thread)
                )
            }
            Self::Broker => format!("the broker: busy to {}", percent(load.broker().unwrap_or_default())),
            Self::Machine => {
                let others = load.others().filter(|share| *share >= OTHERS);
                let others = others
                    .map_or_else(String::new, |share| format!(", {} with other programs", percent(share)));
                let busy = percent(load.machine().unwrap_or_default());
                format!("this machine: all its cores were busy to {busy}{others}")
            }
            Self::Window => {
                "the window: nobody was busy all the time; a larger --window may carry more".to_owned()
            }
            Self::Unknown => "not known".to_owned(),
        }
    }
}
