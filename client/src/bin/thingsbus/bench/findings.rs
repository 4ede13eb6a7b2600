//! What came of a run, added up.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use thingsbus_adaptor::BrokerName;

use super::limits::Limit;
use super::load::Load;
use super::notes;
use super::plan::Plan;
use super::publisher::Sent;
use super::subscriber::Heard;

/// What came of a run.
pub(super) struct Findings {
    pub(super) plan: Plan,
    pub(super) broker: BrokerName,
    pub(super) start: Instant,
    pub(super) sent: Vec<Sent>,
    pub(super) heard: Vec<Heard>,
    pub(super) load: Load,
    /// The broker's status.
    pub(super) before: Value,
    pub(super) after: Option<Value>,
    /// Nothing came back any more.
    pub(super) gave_up: bool,
    /// That ended it early; 0 where none did.
    pub(super) signal: u8,
}

/// Counts of one subscriber, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Counts {
    /// Once and in order.
    pub(super) received: u64,
    pub(super) lost: u64,
    pub(super) repeated: u64,
    pub(super) out_of_order: u64,
    pub(super) merged: u64,
}

/// What is told of latencies, and from which to which percentile.
pub(super) const PERCENTILES: [(&str, f64); 5] =
    [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9), ("max", 100.0)];

impl Findings {
    /// How many messages were sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent.iter().map(|sent| sent.count).sum()
    }

    pub(super) fn sent_per_s(&self) -> f64 {
        let end = self.sent.iter().filter_map(|sent| sent.ended).max();
        per_second(self.sent(), self.span(end))
    }

    /// Of each subscriber.
    pub(super) fn each(&self) -> Vec<Counts> {
        self.heard.iter().map(|heard| self.counts(heard)).collect()
    }

    fn counts(&self, heard: &Heard) -> Counts {
        let mut counts = Counts { merged: heard.merged, ..Counts::default() };
        for (ledger, sent) in heard.ledgers.iter().zip(&self.sent) {
            counts.received += ledger.in_order;
            counts.lost += ledger.lost(sent.count);
            counts.repeated += ledger.repeated;
            counts.out_of_order += ledger.late;
        }
        counts
    }

    /// Of all subscribers together.
    pub(super) fn all(&self) -> Counts {
        self.each().iter().fold(Counts::default(), |all, each| Counts {
            received: all.received + each.received,
            lost: all.lost + each.lost,
            repeated: all.repeated + each.repeated,
            out_of_order: all.out_of_order + each.out_of_order,
            merged: all.merged + each.merged,
        })
    }

    /// Did everything come once and in order?
    pub(super) fn is_whole(&self) -> bool {
        let Counts { lost, repeated, out_of_order, .. } = self.all();
        (lost, repeated, out_of_order) == (0, 0, 0)
    }

    /// What the subscriber has received that received least, and its rate.
    pub(super) fn slowest(&self) -> (u64, f64) {
        let count = self.heard.iter().map(Heard::received).min().unwrap_or(0);
        let rates = self.heard.iter().map(|heard| per_second(heard.received(), self.span(heard.last)));
        (count, rates.reduce(f64::min).unwrap_or(0.0))
    }

    /// What all received together in a second.
    pub(super) fn delivered_per_s(&self) -> f64 {
        per_second(self.all().received, self.received_for())
    }

    /// From the first message's sending to the last one's coming.
    pub(super) fn received_for(&self) -> Duration {
        self.span(self.heard.iter().filter_map(|heard| heard.last).max())
    }

    /// Of all messages at all subscribers; `None` where there was none.
    pub(super) fn latencies(&self) -> Option<Histogram<u64>> {
        let mut histograms = self.heard.iter().map(|heard| &heard.latencies);
        let mut all = histograms.next()?.clone();
        for histogram in histograms {
            all.add(histogram).ok()?;
        }
        (!all.is_empty()).then_some(all)
    }

    /// The broker's processor time for each message sent.
    pub(super) fn broker_per_message(&self) -> Option<Duration> {
        let sent = self.sent();
        let cpu = self.load.broker_cpu().filter(|_| sent > 0)?;
        Some(Duration::from_secs_f64(cpu.as_secs_f64() / sent as f64))
    }

    /// By how much a counter of the broker's status rose. `None` where it is not the same broker any more.
    pub(super) fn counted(&self, path: &str) -> Option<u64> {
        let after = self.after.as_ref().filter(|_| !self.is_restarted())?;
        let number = |status: &Value| status.pointer(path).and_then(Value::as_u64);
        number(after)?.checked_sub(number(&self.before).unwrap_or(0))
    }

    pub(super) fn is_restarted(&self) -> bool {
        self.after.as_ref().is_some_and(|after| after.get("epoch") != self.before.get("epoch"))
    }

    /// Where the messages come in, in the broker's status.
    pub(super) fn door(&self) -> &'static str {
        if self.plan.udp { "udp_in" } else { "zmq_in" }
    }

    fn span(&self, end: Option<Instant>) -> Duration {
        end.map_or(Duration::ZERO, |end| end.saturating_duration_since(self.start))
    }

    /// The broker as it was named.
    pub(super) fn address(&self) -> String {
        match &self.broker {
            BrokerName::Address(address) => address.to_string(),
            BrokerName::Zone(_) => self.broker.to_string(),
        }
    }

    /// For programs. Times are in the unit that the key ends with.
    pub(super) fn to_json(&self) -> Value {
        let Self { plan, load, .. } = self;
        let all = self.all();
        let limits = Limit::of(self);
        let latency = self.latencies().map(|latencies| {
            let micros = |nanos: u64| nanos as f64 / 1e3;
            let percentile = |percent| micros(latencies.value_at_percentile(percent));
            json!({
                "min": micros(latencies.min()),
                "mean": latencies.mean() / 1e3,
                "p50": percentile(50.0),
                "p90": percentile(90.0),
                "p99": percentile(99.0),
                "p999": percentile(99.9),
                "max": micros(latencies.max()),
            })
        });
        let door = |what: &str| self.counted(&format!("/doors/{}/{what}", self.door()));
        json!({
            "type": "bench",
            "broker": self.address(),
            "broker_version": self.before.get("version"),
            "run": plan.run,
            "publish_by": if plan.udp { "udp" } else { "zmq" },
            "publishers": plan.publishers,
            "subscribers": plan.subscribers,
            "things": plan.things,
            "payload_bytes": plan.payload,
            "message_bytes": plan.message_bytes,
            "rate": plan.rate,
            "window": plan.rate.is_none().then_some(plan.window),
            "gave_up": self.gave_up,
            "signal": (self.signal > 0).then_some(self.signal),
            "seconds": self.received_for().as_secs_f64(),
            "sent": self.sent(),
            "sent_per_s": self.sent_per_s(),
            "received": all.received,
            "received_each": self.slowest().0,
            "received_each_per_s": self.slowest().1,
            "received_per_s": self.delivered_per_s(),
            "lost": all.lost,
            "repeated": all.repeated,
            "out_of_order": all.out_of_order,
            "merged": all.merged,
            "by_subscriber": self.each(),
            "latency_us": latency,
            "broker_counted": {
                "received": door("received"),
                "accepted": door("accepted"),
                "rejected": door("rejected"),
                "sent": self.counted("/doors/clients/sent"),
                "merged": self.counted("/doors/clients/merged"),
                "dropped": self.counted("/doors/clients/dropped"),
            },
            "broker_process": load.broker_pid().map(|pid| json!({
                "pid": pid,
                "cpu_s": load.broker_cpu().map(|cpu| cpu.as_secs_f64()),
                "cpu_us_per_message": self.broker_per_message().map(|cpu| cpu.as_secs_f64() * 1e6),
                "cores": load.broker(),
                "memory_bytes_before": load.broker_memory().map(|[before, ..]| before),
                "memory_bytes": load.broker_memory().map(|[_, after, _]| after),
                "memory_bytes_max": load.broker_memory().map(|[.., most]| most),
            })),
            "publishers_cpu": load.publishers(),
            "subscribers_cpu": load.subscribers(),
            "machine_busy": load.machine(),
            "machine_busy_with_others": load.others(),
            "limits": limits,
            "client_was_limit": limits.iter().any(|limit| limit.is_clients()),
            "notes": notes::of(self),
        })
    }
}

fn per_second(count: u64, span: Duration) -> f64 {
    if span.is_zero() { 0.0 } else { count as f64 / span.as_secs_f64() }
}
