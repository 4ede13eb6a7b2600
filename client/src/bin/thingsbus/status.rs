//! `thingsbus status`: how the broker is.

use std::time::{Duration, Instant};

use anstyle::Style;
use serde_json::Value;
use thingsbus_adaptor::BrokerName;
use thingsbus_adaptor::wire::{Ask, Freshness, Rejected, Timestamp};
use thingsbus_client::mirror::Kind;
use thingsbus_client::{Client, Parts, ask};

use crate::age::{age_text, span_text};
use crate::args::Global;
use crate::broker::{chosen, hinted, timeout};
use crate::clock::date_and_time;
use crate::failure::Failure;
use crate::numbers::{bytes_text, counted, grouped};
use crate::output::{ASIDE, HEAD, NOTICE, Output};
use crate::text::width;

/// A broker that is there accepts a connection in this time.
const CONNECT_TIME: Duration = Duration::from_secs(1);

/// When it has, it is known in this time whether it is a 0.2.1 broker.
const KIND_TIME: Duration = Duration::from_secs(5);

pub(crate) fn run(global: &Global, output: &mut Output) -> Result<(), Failure> {
    let broker = chosen(global)?;
    let answer = asked(&broker, timeout(global))?;
    if output.is_json() {
        return output.line(answer);
    }
    let status = read(&broker, &answer)?;
    Report { status: &status, output }.print(&broker)
}

/// What the broker answers.
pub(crate) fn asked(broker: &BrokerName, limit: Duration) -> Result<String, Failure> {
    match ask(broker, &Ask::Status, limit) {
        Ok(answer) => Ok(answer),
        Err(_) if is_old(broker) => Err(Failure::failed(format_args!(
            "{broker} is a 0.2.1 broker, which cannot tell how it is; thingsbus-broker in its place can"
        ))),
        Err(error) => Err(Failure::failed(hinted(error, broker))),
    }
}

/// The answer, where it is a status.
pub(crate) fn read(broker: &BrokerName, answer: &str) -> Result<Value, Failure> {
    serde_json::from_str(answer)
        .ok()
        .filter(|status: &Value| status.get("type").is_some_and(|kind| kind == "status"))
        .ok_or_else(|| Failure::failed(format_args!("{broker} answers what is no status: {answer}")))
}

/// Is it there, and one without a query door?
fn is_old(broker: &BrokerName) -> bool {
    let Ok(client) = Client::connect(broker.clone(), &Parts::Only(Vec::new())) else { return false };
    let since = Instant::now();
    loop {
        let connection = client.connection();
        let patience = if connection.connected { KIND_TIME } else { CONNECT_TIME };
        if connection.kind != Kind::Unknown || since.elapsed() > patience {
            return connection.kind == Kind::Old;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A status, for people. What it does not have is left out, so that another version's can be read too.
struct Report<'r> {
    status: &'r Value,
    output: &'r mut Output,
}

/// A few words that stay in one line.
struct Part {
    text: String,
    notice: bool,
}

/// How wide the names of what is told are.
const NAMES: usize = 9;

impl Report<'_> {
    fn print(mut self, broker: &BrokerName) -> Result<(), Failure> {
        let text = |path| self.status.pointer(path).and_then(Value::as_str);
        let head = format!("thingsbus-broker {}", text("/version").unwrap_or("of unknown version"));
        let up = self.status.pointer("/uptime_s").and_then(Value::as_f64).unwrap_or_default();
        let up = span_text(Duration::try_from_secs_f64(up).unwrap_or_default());
        let head = self.output.paint(HEAD, head).to_string();
        self.output.line(head)?;
        let at = match broker {
            BrokerName::Address(address) => address.to_string(),
            BrokerName::Zone(_) => broker.to_string(),
        };
        self.field("at", &[Part::plain(at)])?;
        self.field("up", &[Part::plain(up)])?;
        let things = format!("{} of {}", self.grouped("/things"), self.grouped("/limits/things_max"));
        let bytes = |path| bytes_text(self.number(path));
        let memory = format!("{} of {}", bytes("/directory_bytes"), bytes("/limits/directory_bytes_max"));
        self.field("things", &[Part::plain(things)])?;
        self.freshness()?;
        self.field("memory", &[Part::plain(memory)])?;
        self.field("updates", &[Part::plain(self.grouped("/seq"))])?;
        self.store()?;
        self.history()?;
        self.input("ZeroMQ in", "zmq_in")?;
        self.input("UDP in", "udp_in")?;
        self.door("clients", "clients", &[("sent", false), ("merged", true), ("dropped", true)])?;
        self.slow()?;
        self.door("queries", "query", &[("answered", false), ("refused", true)])?;
        if self.number("/doors/query/updates/received") + self.number("/doors/query/updates/repeated") > 0 {
            let updates = self.status.pointer("/doors/query/updates").cloned().unwrap_or_default();
            self.acknowledged(&updates)?;
        }
        Ok(())
    }

    /// Updates that came to the query door, to be acknowledged.
    fn acknowledged(&mut self, updates: &Value) -> Result<(), Failure> {
        let counts = [("received", false), ("accepted", false), ("rejected", true), ("repeated", false)];
        let parts = counts.map(|(what, notice)| {
            let count = updates.get(what).and_then(Value::as_u64).unwrap_or_default();
            Part { text: format!("{} {what}", grouped(count)), notice: notice && count > 0 }
        });
        self.field("acked in", &parts)
    }

    /// How many speak as they used to.
    fn freshness(&mut self) -> Result<(), Failure> {
        if self.status.pointer("/freshness").is_none() {
            return Ok(()); // An older broker does not know.
        }
        let parts = Freshness::ALL.map(|word| {
            let count = self.number(&format!("/freshness/{word}"));
            Part { text: format!("{} {word}", grouped(count)), notice: word != Freshness::Fresh && count > 0 }
        });
        self.field("", &parts)
    }

    /// What is on disk.
    fn store(&mut self) -> Result<(), Failure> {
        let text = |name: &str| self.status.pointer(&format!("/store/{name}")).and_then(Value::as_str);
        let (Some(path), Some(state)) = (text("path"), text("state")) else {
            // An older broker has no word on it.
            let is_told = self.status.get("store").is_some();
            let none = [Part::plain("none: what is known is forgotten when the broker stops".to_owned())];
            return if is_told { self.field("store", &none) } else { Ok(()) };
        };
        let (path, error) = (path.to_owned(), text("error").map(str::to_owned));
        let behind = self.number("/store/behind");
        let mut parts = vec![Part::plain(path)];
        match error {
            Some(error) => parts.push(Part::notice(format!("{state}: {error}"))),
            None if behind > 0 => {
                parts.push(Part::plain(format!("{} not written yet", counted(behind, "update"))));
            }
            None => parts.push(Part::plain("everything written".to_owned())),
        }
        self.field("store", &parts)
    }

    /// What is kept of the past.
    fn history(&mut self) -> Result<(), Failure> {
        if self.status.pointer("/history/state").is_none() {
            // An older broker has no word on it.
            let is_told = self.status.get("history").is_some();
            return if is_told { self.field("history", &[Part::plain("none".to_owned())]) } else { Ok(()) };
        }
        const TIERS: [&str; 3] = ["values", "minutes", "hours"];
        let values = self.number("/history/values/rows") + self.number("/history/open");
        let bytes: u64 = TIERS.iter().map(|tier| self.number(&format!("/history/{tier}/bytes"))).sum();
        let mut parts = vec![Part::plain(counted(values, "value")), Part::plain(bytes_text(bytes))];
        let oldest = |tier: &&str| self.status.pointer(&format!("/history/{tier}/oldest"))?.as_f64();
        if let Some(oldest) =
            TIERS.iter().filter_map(oldest).min_by(f64::total_cmp).and_then(Timestamp::from_seconds)
        {
            parts.push(Part::plain(format!("since {}", date_and_time(oldest))));
        }
        let thinned = self.number("/history/thinned");
        if thinned > 0 {
            parts.push(Part::notice(format!("{} left out: too many at once", grouped(thinned))));
        }
        let text = |name: &str| self.status.pointer(&format!("/history/{name}")).and_then(Value::as_str);
        if let (Some(state), Some(error)) = (text("state"), text("error")) {
            parts.push(Part::notice(format!("{state}: {error}")));
        }
        self.field("history", &parts)
    }

    /// A door that takes updates: what came, and why some of it was not taken.
    fn input(&mut self, name: &str, door: &str) -> Result<(), Failure> {
        let counts = [("received", false), ("accepted", false), ("rejected", true), ("repaired", true)];
        let always = if self.number(&format!("/doors/{door}/repaired")) > 0 { 4 } else { 3 };
        self.door(name, door, counts.get(..always).unwrap_or_default())?;
        let reasons = self.status.pointer(&format!("/doors/{door}/reasons")).and_then(Value::as_object);
        for (reason, count) in reasons.into_iter().flatten() {
            let count = grouped(count.as_u64().unwrap_or_default());
            let known = Rejected::ALL.iter().find(|known| known.name() == reason);
            let why = known.map_or_else(|| reason.clone(), ToString::to_string);
            self.remark(&format!("{count} rejected: {why}"))?;
        }
        let dropped = self.number(&format!("/doors/{door}/dropped_by_system"));
        if dropped > 0 {
            let buffer = bytes_text(self.number(&format!("/doors/{door}/buffer_bytes")));
            let dropped = grouped(dropped);
            self.remark(&format!(
                "{dropped} never seen: the system dropped them, its buffer of {buffer} was full"
            ))?;
        }
        Ok(())
    }

    /// A sentence about what the line above tells.
    fn remark(&mut self, sentence: &str) -> Result<(), Failure> {
        let words: Vec<Part> = sentence.split(' ').map(|word| Part::plain(word.to_owned())).collect();
        self.flow("", &words, " ")
    }

    /// A door: its counts, of which some are to be seen where they are not zero, and its connections where it has some.
    fn door(&mut self, name: &str, door: &str, counts: &[(&str, bool)]) -> Result<(), Failure> {
        let mut parts: Vec<Part> = counts
            .iter()
            .map(|(what, notice)| {
                let count = self.number(&format!("/doors/{door}/{what}"));
                Part { text: format!("{} {what}", grouped(count)), notice: *notice && count > 0 }
            })
            .collect();
        let connections = |what| format!("/doors/{door}/connections/{what}");
        if self.status.pointer(&connections("open")).is_some() {
            parts.push(Part::plain(counted(self.number(&connections("open")), "connection")));
        }
        for (what, words) in [("turned_away", "turned away"), ("refused", "broken off")] {
            let count = self.number(&connections(what));
            if count > 0 {
                parts.push(Part { text: format!("{} {words}", grouped(count)), notice: true });
            }
        }
        self.field(name, &parts)
    }

    /// The clients that do not keep up.
    fn slow(&mut self) -> Result<(), Failure> {
        let clients = self.status.pointer("/doors/clients/slow").and_then(Value::as_array);
        for client in clients.into_iter().flatten() {
            let number = |field: &str| client.get(field).and_then(Value::as_u64);
            let peer = client.get("peer").and_then(Value::as_str).unwrap_or("a client");
            let waiting = bytes_text(number("waiting_bytes").unwrap_or_default());
            let mut parts = vec![Part::notice(peer.to_owned()), Part::notice(format!("{waiting} waiting"))];
            if let Some(merged) = number("merged").filter(|merged| *merged > 0) {
                parts.push(Part::notice(format!("{} merged", grouped(merged))));
            }
            let behind = client.get("behind_s").and_then(Value::as_f64);
            if let Some(behind) = behind.and_then(|behind| Duration::try_from_secs_f64(behind).ok()) {
                parts.push(Part::notice(format!("behind for {}", age_text(behind))));
            }
            self.field("slow", &parts)?;
        }
        Ok(())
    }

    fn field(&mut self, name: &str, parts: &[Part]) -> Result<(), Failure> {
        self.flow(name, parts, ", ")
    }

    /// Parts beside each other as far as there is room.
    fn flow(&mut self, name: &str, parts: &[Part], between: &str) -> Result<(), Failure> {
        let columns = self.output.width().saturating_sub(NAMES + 2);
        let mut lines = vec![String::new()];
        let mut used = 0;
        for (at, part) in parts.iter().enumerate() {
            let is_last = at + 1 == parts.len();
            let wide = width(&part.text) + if is_last { 0 } else { between.trim_end().len() };
            if used > 0 && used + 1 + wide > columns {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                let space = usize::from(used > 0);
                let style = if part.notice { NOTICE } else { Style::new() };
                let end = if is_last { "" } else { between.trim_end() };
                line.push_str(&format!("{:space$}{}{end}", "", self.output.paint(style, &part.text)));
                used += space + wide;
            }
        }
        for (at, line) in lines.iter().enumerate() {
            let name = self
                .output
                .paint(ASIDE, format_args!("{:<NAMES$}", if at == 0 { name } else { "" }))
                .to_string();
            self.output.line(format_args!("{name}  {line}"))?;
        }
        Ok(())
    }

    fn grouped(&self, path: &str) -> String {
        grouped(self.number(path))
    }

    fn number(&self, path: &str) -> u64 {
        self.status.pointer(path).and_then(Value::as_u64).unwrap_or_default()
    }
}

impl Part {
    fn plain(text: String) -> Self {
        Self { text, notice: false }
    }

    fn notice(text: String) -> Self {
        Self { text, notice: true }
    }
}
