//! `thingsbus status`: how the broker is.

use std::time::{Duration, Instant};

use serde_json::Value;
use thingsbus_adaptor::BrokerName;
use thingsbus_adaptor::wire::{Ask, Rejected};
use thingsbus_client::mirror::Kind;
use thingsbus_client::{Client, Parts, ask};

use crate::age::{age_text, span_text};
use crate::args::Global;
use crate::broker::{chosen, hinted, timeout};
use crate::failure::Failure;
use crate::numbers::{bytes_text, counted, grouped};
use crate::output::{ASIDE, HEAD, NOTICE, Output};

/// After this it is known whether it is a 0.2.1 broker.
const KIND_TIME: Duration = Duration::from_secs(2);

pub(crate) fn run(global: &Global, output: &mut Output) -> Result<(), Failure> {
    let broker = chosen(global)?;
    let answer = match ask(&broker, &Ask::Status, timeout(global)) {
        Ok(answer) => answer,
        Err(_) if is_old(&broker) => {
            return Err(Failure::failed(format_args!(
                "{broker} is a 0.2.1 broker, which cannot tell how it is; thingsbus-broker in its place can"
            )));
        }
        Err(error) => return Err(Failure::failed(hinted(error))),
    };
    if output.is_json() {
        return output.line(answer);
    }
    let status: Value = serde_json::from_str(&answer)
        .ok()
        .filter(|status: &Value| status.get("type").is_some_and(|kind| kind == "status"))
        .ok_or_else(|| Failure::failed(format_args!("{broker} answers what is no status: {answer}")))?;
    Report { status: &status, output }.print(&broker)
}

/// Is it there, and one without a query door?
fn is_old(broker: &BrokerName) -> bool {
    let Ok(client) = Client::connect(broker.clone(), &Parts::Only(Vec::new())) else { return false };
    let since = Instant::now();
    while client.connection().kind == Kind::Unknown && since.elapsed() < KIND_TIME {
        std::thread::sleep(Duration::from_millis(20));
    }
    client.connection().kind == Kind::Old
}

/// A status, for people. What it does not have is left out, so that another version's can be read too.
struct Report<'r> {
    status: &'r Value,
    output: &'r mut Output,
}

impl Report<'_> {
    fn print(mut self, broker: &BrokerName) -> Result<(), Failure> {
        let version = self.text("/version");
        let up = span_text(Duration::try_from_secs_f64(self.float("/uptime_s")).unwrap_or_default());
        let head = self.output.paint(HEAD, format_args!("thingsbus-broker {version}")).to_string();
        self.output.line(format_args!("{head}, {broker}, up {up}"))?;
        let things = format!("{} of {}", self.grouped("/things"), self.grouped("/limits/things_max"));
        let bytes = |path| bytes_text(self.number(path));
        let memory = format!("{} of {}", bytes("/directory_bytes"), bytes("/limits/directory_bytes_max"));
        self.field("things", &things)?;
        self.field("memory", &memory)?;
        self.field("updates", &self.grouped("/seq"))?;
        self.input("ZeroMQ in", "zmq_in")?;
        self.input("UDP in", "udp_in")?;
        let dropped = self.attention("/doors/clients/dropped", "dropped");
        let sent = self.grouped("/doors/clients/sent");
        self.door("clients", "clients", &format!("{sent} sent, {dropped}"))?;
        let refused = self.attention("/doors/query/refused", "refused");
        let answered = self.grouped("/doors/query/answered");
        self.door("queries", "query", &format!("{answered} answered, {refused}"))?;
        self.slow()
    }

    /// A door that takes updates: what came, and why some of it was not taken.
    fn input(&mut self, name: &str, door: &str) -> Result<(), Failure> {
        let count = |what: &str| self.grouped(&format!("/doors/{door}/{what}"));
        let (received, accepted) = (count("received"), count("accepted"));
        let rejected = self.attention(&format!("/doors/{door}/rejected"), "rejected");
        let mut what = format!("{received} received, {accepted} accepted, {rejected}");
        let repaired = self.number(&format!("/doors/{door}/repaired"));
        if repaired > 0 {
            what += &format!(", {} repaired", grouped(repaired));
        }
        self.door(name, door, &what)?;
        let reasons = self.status.pointer(&format!("/doors/{door}/reasons")).and_then(Value::as_object);
        for (reason, count) in reasons.into_iter().flatten() {
            let count = grouped(count.as_u64().unwrap_or_default());
            let known = Rejected::ALL.iter().find(|known| known.name() == reason);
            let why = known.map_or_else(|| reason.clone(), ToString::to_string);
            self.field("", &format!("{count} because {why}"))?;
        }
        Ok(())
    }

    /// A door and, where it has some, its connections.
    fn door(&mut self, name: &str, door: &str, what: &str) -> Result<(), Failure> {
        let path = |field: &str| format!("/doors/{door}/connections/{field}");
        if self.status.pointer(&path("open")).is_none() {
            return self.field(name, what);
        }
        let mut connections = counted(self.number(&path("open")), "connection");
        for (field, name) in [("turned_away", "turned away"), ("refused", "refused")] {
            if self.number(&path(field)) > 0 {
                connections += &format!(", {}", self.attention(&path(field), name));
            }
        }
        self.field(name, &format!("{what}; {connections}"))
    }

    /// The clients that do not keep up.
    fn slow(&mut self) -> Result<(), Failure> {
        let clients = self.status.pointer("/doors/clients/slow").and_then(Value::as_array);
        for client in clients.into_iter().flatten() {
            let number = |field: &str| client.get(field).and_then(Value::as_u64);
            let peer = client.get("peer").and_then(Value::as_str).unwrap_or("a client");
            let waiting = bytes_text(number("waiting_bytes").unwrap_or_default());
            let mut what = format!("{peer}: {waiting} waiting");
            if let Some(dropped) = number("dropped").filter(|dropped| *dropped > 0) {
                what += &format!(", {} dropped", grouped(dropped));
            }
            if let Some(since) = number("dropping_s") {
                what += &format!(", dropping for {}", age_text(Duration::from_secs(since)));
            }
            let what = self.output.paint(NOTICE, what).to_string();
            self.field("slow", &what)?;
        }
        Ok(())
    }

    fn field(&mut self, name: &str, what: &str) -> Result<(), Failure> {
        let name = self.output.paint(ASIDE, format_args!("{name:<9}")).to_string();
        self.output.line(format_args!("{name}  {what}"))
    }

    /// A count that is to be seen where it is not zero.
    fn attention(&self, path: &str, what: &str) -> String {
        let text = format!("{} {what}", self.grouped(path));
        if self.number(path) > 0 { self.output.paint(NOTICE, text).to_string() } else { text }
    }

    fn grouped(&self, path: &str) -> String {
        grouped(self.number(path))
    }

    fn number(&self, path: &str) -> u64 {
        self.status.pointer(path).and_then(Value::as_u64).unwrap_or_default()
    }

    fn float(&self, path: &str) -> f64 {
        self.status.pointer(path).and_then(Value::as_f64).unwrap_or_default()
    }

    fn text(&self, path: &str) -> &str {
        self.status.pointer(path).and_then(Value::as_str).unwrap_or("of unknown version")
    }
}
