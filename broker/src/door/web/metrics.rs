//! Metrics for Prometheus, by its naming conventions: what the broker counts, and things' own numbers where that is set.

use std::collections::HashMap;

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Encoder, TEXT_FORMAT, TextEncoder};
use serde_json::{Value, json};
use thingsbus_adaptor::wire::{Namespace, Query};

use super::answer::{self, Format};
use super::app::{App, Caller};
use super::ask::Page;
use super::problem::Problem;

/// How soon a broker answers that is ready.
const READY_TIME: std::time::Duration = std::time::Duration::from_secs(2);

/// The most numbers of things in one answer. What is more is left out, and `thingsbus_things_left_out` says so.
const NUMBERS_MAX: usize = 20_000;

/// How deep a thing's value is looked into for numbers.
const DEPTH_MAX: usize = 8;

/// Metrics, in the order in which they are told.
#[derive(Default)]
struct Families {
    families: Vec<MetricFamily>,
    places: HashMap<&'static str, usize>,
}

impl Families {
    fn counter(&mut self, name: &'static str, help: &str, labels: &[(&str, &str)], value: f64) {
        let mut counter = Counter::default();
        counter.set_value(value);
        let mut metric = labelled(labels);
        metric.set_counter(counter);
        self.add(name, help, MetricType::COUNTER, metric);
    }

    fn gauge(&mut self, name: &'static str, help: &str, labels: &[(&str, &str)], value: f64) {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        let mut metric = labelled(labels);
        metric.set_gauge(gauge);
        self.add(name, help, MetricType::GAUGE, metric);
    }

    fn add(&mut self, name: &'static str, help: &str, kind: MetricType, metric: Metric) {
        let place = *self.places.entry(name).or_insert_with(|| {
            let mut family = MetricFamily::default();
            family.set_name(name.to_owned());
            family.set_help(help.to_owned());
            family.set_field_type(kind);
            self.families.push(family);
            self.families.len() - 1
        });
        if let Some(family) = self.families.get_mut(place) {
            family.mut_metric().push(metric);
        }
    }
}

fn labelled(labels: &[(&str, &str)]) -> Metric {
    let mut metric = Metric::default();
    let labels = labels.iter().map(|(name, value)| {
        let mut label = LabelPair::default();
        label.set_name((*name).to_owned());
        label.set_value((*value).to_owned());
        label
    });
    metric.set_label(labels.collect());
    metric
}

/// What the broker counts, for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "the broker", operation_id = "get_metrics",
    responses((status = 200, description = "In Prometheus' text format", body = String, content_type = "text/plain")),
)]
pub(super) async fn get(app: &App, caller: &Caller) -> Result<Response, Problem> {
    caller.access.read("")?;
    let answer = caller.asker.ask(&json!({ "type": "status_query" })).await?;
    let status: Value = answer.read()?;
    let mut families = Families::default();
    add_status(&status, &mut families);
    add_web(app, &mut families);
    add_things(app, caller, &mut families).await?;
    let mut text = Vec::new();
    TextEncoder::new()
        .encode(&families.families, &mut text)
        .map_err(|error| Problem::busy(format!("the metrics cannot be written: {error}")))?;
    Ok(answer::with_type(text, HeaderValue::from_static(TEXT_FORMAT)))
}

/// A number of the status, where it is told.
fn number(status: &Value, pointer: &str) -> Option<f64> {
    status.pointer(pointer).and_then(Value::as_f64)
}

fn add_status(status: &Value, families: &mut Families) {
    let text = |key: &str| status.get(key).and_then(Value::as_str).unwrap_or_default();
    families.gauge("thingsbus_build_info", "Which broker this is.", &[("version", text("version"))], 1.0);
    let started = number(status, "/ts").zip(number(status, "/uptime_s")).map(|(ts, uptime)| ts - uptime);
    for (name, help, value) in [
        ("thingsbus_start_time_seconds", "When the broker was started, in seconds since 1970 UTC.", started),
        ("thingsbus_things", "Things in the directory.", number(status, "/things")),
        (
            "thingsbus_directory_bytes",
            "About the memory of the directory.",
            number(status, "/directory_bytes"),
        ),
        (
            "thingsbus_directory_limit_bytes",
            "How much that may be.",
            number(status, "/limits/directory_bytes_max"),
        ),
        ("thingsbus_things_limit", "How many things there may be.", number(status, "/limits/things_max")),
        (
            "thingsbus_udp_buffer_bytes",
            "The system's buffer for datagrams.",
            number(status, "/doors/udp_in/buffer_bytes"),
        ),
    ] {
        if let Some(value) = value {
            families.gauge(name, help, &[], value);
        }
    }
    for word in ["fresh", "late", "silent"] {
        if let Some(value) = number(status, &format!("/freshness/{word}")) {
            let help = "Things by how they keep to their own pace.";
            families.gauge("thingsbus_things_freshness", help, &[("freshness", word)], value);
        }
    }
    if let Some(forgotten) = number(status, "/forgotten") {
        families.counter(
            "thingsbus_things_forgotten_total",
            "Things that were forgotten on purpose.",
            &[],
            forgotten,
        );
    }
    for (door, place) in [
        ("zmq", "/doors/zmq_in"),
        ("udp", "/doors/udp_in"),
        ("query", "/doors/query/updates"),
        ("http", "/doors/http/updates"),
    ] {
        let count = |what: &str| number(status, &format!("{place}/{what}"));
        for (name, help, value) in [
            ("thingsbus_updates_received_total", "Updates that came, by door.", count("received")),
            (
                "thingsbus_updates_accepted_total",
                "Updates that were taken into the directory.",
                count("accepted"),
            ),
            (
                "thingsbus_updates_repaired_total",
                "Taken updates in which something was mended.",
                count("repaired"),
            ),
            (
                "thingsbus_updates_repeated_total",
                "Numbered updates that came again after they were taken.",
                count("repeated"),
            ),
        ] {
            families.counter(name, help, &[("door", door)], value.unwrap_or_default());
        }
        let reasons = status.pointer(&format!("{place}/reasons")).and_then(Value::as_object);
        for (reason, value) in reasons.into_iter().flatten() {
            let labels = [("door", door), ("reason", reason.as_str())];
            let help = "Updates that were refused, by door and reason.";
            families.counter(
                "thingsbus_updates_rejected_total",
                help,
                &labels,
                value.as_f64().unwrap_or_default(),
            );
        }
    }
    for (door, place) in [
        ("zmq", "/doors/zmq_in/connections"),
        ("clients", "/doors/clients/connections"),
        ("query", "/doors/query/connections"),
    ] {
        let count = |what: &str| number(status, &format!("{place}/{what}")).unwrap_or_default();
        let labels = [("door", door)];
        families.gauge("thingsbus_connections", "Open connections, by door.", &labels, count("open"));
        for (name, help, value) in [
            ("thingsbus_connections_accepted_total", "Connections let in.", count("accepted")),
            (
                "thingsbus_connections_turned_away_total",
                "Connections for which there was no place.",
                count("turned_away"),
            ),
            (
                "thingsbus_connections_refused_total",
                "Connections ended because of what the peer sent.",
                count("refused"),
            ),
        ] {
            families.counter(name, help, &labels, value);
        }
    }
    for (name, help, place) in [
        ("thingsbus_messages_sent_total", "Messages to ZeroMQ clients.", "/doors/clients/sent"),
        (
            "thingsbus_messages_merged_total",
            "Updates that newer ones stood for, for slow ZeroMQ clients.",
            "/doors/clients/merged",
        ),
        (
            "thingsbus_messages_dropped_total",
            "Snapshots not kept for slow ZeroMQ clients.",
            "/doors/clients/dropped",
        ),
        ("thingsbus_queries_answered_total", "Questions answered.", "/doors/query/answered"),
        ("thingsbus_queries_refused_total", "Messages that were no question.", "/doors/query/refused"),
        (
            "thingsbus_udp_dropped_by_system_total",
            "Datagrams that the system dropped, its buffer being full.",
            "/doors/udp_in/dropped_by_system",
        ),
    ] {
        if let Some(value) = number(status, place) {
            families.counter(name, help, &[], value);
        }
    }
    for part in ["store", "history"] {
        let Some(kept) = status.get(part).filter(|kept| !kept.is_null()) else { continue };
        let is_failing = is_failing(kept);
        let help = "Can the disk not be written, 1 or 0, by what is kept.";
        families.gauge("thingsbus_disk_failing", help, &[("kept", part)], f64::from(u8::from(is_failing)));
        for tier in ["values", "minutes", "hours"] {
            let help = "What the history has on disk.";
            if let Some(bytes) = number(kept, &format!("/{tier}/bytes")) {
                families.gauge("thingsbus_history_bytes", help, &[("kept", tier)], bytes);
            }
        }
    }
}

fn add_web(app: &App, families: &mut Families) {
    let counters = app.counters.read();
    let labels = [("door", "http")];
    families.gauge("thingsbus_connections", "Open connections, by door.", &labels, counters.open as f64);
    let (accepted, turned_away) = (counters.accepted as f64, counters.turned_away as f64);
    families.counter("thingsbus_connections_accepted_total", "Connections let in.", &labels, accepted);
    let help = "Connections for which there was no place.";
    families.counter("thingsbus_connections_turned_away_total", help, &labels, turned_away);
    for (class, count) in counters.answers {
        let help = "HTTP answers, by the class of their status.";
        families.counter("thingsbus_http_responses_total", help, &[("status", class)], count as f64);
    }
    families.gauge("thingsbus_http_streams", "Live streams now.", &[], app.live.count() as f64);
    let merged = app.live.merged();
    let help = "Updates that newer ones stood for, for slow readers of live streams.";
    families.counter("thingsbus_http_stream_updates_merged_total", help, &[], merged as f64);
}

/// The numbers in the values of those things of which that is wanted.
async fn add_things(app: &App, caller: &Caller, families: &mut Families) -> Result<(), Problem> {
    let (mut numbers, mut left_out) = (0, 0_usize);
    for under in &app.metrics_of {
        let mut after: Option<Namespace> = None;
        loop {
            let query = Query { ns: under.clone(), after: after.take(), ..Query::default() };
            let answer = caller.asker.page(query).await?;
            let page: Page<'_> = answer.read()?;
            for thing in &page.data {
                let value: Value = serde_json::from_str(thing.data.get()).unwrap_or_default();
                each_number(&value, &mut String::new(), 0, &mut |path, number| {
                    numbers += 1;
                    if numbers > NUMBERS_MAX {
                        left_out += 1;
                        return;
                    }
                    let help = "A number in what a thing said last, by its JSON pointer.";
                    let labels = [("ns", thing.ns), ("path", path)];
                    families.gauge("thingsbus_thing_value", help, &labels, number);
                });
                let help = "How long ago a thing spoke.";
                families.gauge(
                    "thingsbus_thing_age_seconds",
                    help,
                    &[("ns", thing.ns)],
                    page.ts - thing.received,
                );
            }
            match page.next.and_then(|next| Namespace::parse(next).ok()) {
                Some(next) if numbers <= NUMBERS_MAX => after = Some(next),
                Some(_) => {
                    left_out = left_out.max(1);
                    break;
                }
                None => break,
            }
        }
    }
    if !app.metrics_of.is_empty() {
        let help = "Numbers of things for which there was no room here: choose fewer by web.metrics_of.";
        families.gauge("thingsbus_thing_values_left_out", help, &[], left_out as f64);
    }
    Ok(())
}

fn each_number(value: &Value, path: &mut String, depth: usize, on: &mut impl FnMut(&str, f64)) {
    let length = path.len();
    let mut inside = |name: &str, value: &Value| {
        if depth < DEPTH_MAX {
            path.push('/');
            path.push_str(&name.replace('~', "~0").replace('/', "~1"));
            each_number(value, path, depth + 1, on);
            path.truncate(length);
        }
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| inside(name, value)),
        Value::Array(list) => list.iter().enumerate().for_each(|(at, value)| inside(&at.to_string(), value)),
        Value::Number(number) => number.as_f64().into_iter().for_each(|number| on(path, number)),
        Value::Bool(is_so) => on(path, f64::from(u8::from(*is_so))),
        Value::Null | Value::String(_) => {}
    }
}

/// Can what is kept not be written?
fn is_failing(kept: &Value) -> bool {
    kept.get("failing_s").is_some_and(|since| !since.is_null())
}

/// How the broker is, as `thingsbus status` gets it.
#[utoipa::path(
    get, path = "/status", tag = "the broker", operation_id = "get_status",
    responses((status = 200, description = "What it counts, its limits, and how its disk is", body = Value)),
)]
pub(super) async fn status(caller: &Caller) -> Result<Response, Problem> {
    caller.access.read("")?;
    let answer = caller.asker.ask(&json!({ "type": "status_query" })).await?;
    answer::from_json(answer.into_bytes(), Format::of(&caller.headers))
}

/// Does the program run?
#[utoipa::path(
    get, path = "/healthz", tag = "the broker", operation_id = "is_healthy",
    responses((status = 200, description = "It does", body = String, content_type = "text/plain")),
)]
pub(super) fn health() -> Response {
    answer::text("ok\n".to_owned())
}

/// Does the broker take and answer what comes?
#[utoipa::path(
    get, path = "/readyz", tag = "the broker", operation_id = "is_ready",
    responses(
        (status = 200, description = "It does", body = String, content_type = "text/plain"),
        (status = 503, description = "It does not, or its disk cannot be written", body = String, content_type = "text/plain"),
    ),
)]
pub(super) async fn ready(caller: &Caller) -> Response {
    let not =
        |why: String| (StatusCode::SERVICE_UNAVAILABLE, answer::text(format!("{why}\n"))).into_response();
    let question = json!({ "type": "status_query" });
    let asked = caller.asker.ask(&question);
    let Ok(Ok(answer)) = tokio::time::timeout(READY_TIME, asked).await else {
        return not("the broker does not answer".to_owned());
    };
    let Ok(status) = answer.read::<Value>() else { return not("the broker does not answer".to_owned()) };
    match ["store", "history"].into_iter().find(|part| status.get(part).is_some_and(is_failing)) {
        Some(part) => not(format!("the {part}'s disk cannot be written; live updates go on")),
        None => answer::text("ok\n".to_owned()),
    }
}
