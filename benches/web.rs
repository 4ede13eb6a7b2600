//! What the web door costs and how quick it is: `cargo bench --bench web -- [get|idle|streams]...`. The broker is a process of
//! its own; everything is on this machine.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use thingsbus_broker::{Broker, Config, Data};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long each measurement takes.
const SECONDS: u64 = 10;

/// How many streams, and how many parts of the directory they are of.
const STREAMS: usize = 1_000;
const PARTS: usize = 100;

/// How many updates a second.
const RATE: u64 = 10_000;

/// How many connections that say nothing.
const IDLE: usize = 10_000;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with("--")).collect();
    if std::env::var_os("BROKER").is_some() {
        return broker();
    }
    if std::env::var_os("PLAIN").is_some() {
        return plain();
    }
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|chosen| chosen == name);
    if is_chosen("get") {
        let broker = Running::start("BROKER")?;
        println!(
            "GET of a thing on one kept-alive connection; `taskset -c 0` takes out what waking another core costs"
        );
        for under_way in [1, 1, 8, 8] {
            println!("  {under_way} under way: {:.0} a second", gets(broker.web(), under_way)?);
        }
    }
    if is_chosen("idle") {
        let broker = Running::start("BROKER")?;
        let before = (gets(broker.web(), 1)?, broker.memory_mib()?);
        let mut idle = Vec::new();
        for _ in 0..IDLE {
            idle.push(TcpStream::connect(broker.web())?);
        }
        let with = (gets(broker.web(), 1)?, broker.memory_mib()?);
        println!("The same with {IDLE} connections that say nothing");
        println!(
            "  {:.0} a second without, {:.0} with; {:.0} MiB without, {:.0} with",
            before.0, with.0, before.1, with.1
        );
    }
    if is_chosen("streams") {
        streams()?;
    }
    Ok(())
}

/// What runs in the process of its own.
fn broker() -> Outcome<()> {
    let mut config = Config { bind: Ipv4Addr::LOCALHOST.into(), port: 0, ..Config::default() };
    config.store.data = Data::None;
    let broker = Broker::bind(config)?;
    println!("{}", broker.addresses().clients.port());
    let handle = broker.handle();
    std::thread::spawn(move || {
        // It ends when who started it does.
        let _ = std::io::stdin().read(&mut [0]);
        handle.stop();
    });
    broker.run()?;
    Ok(())
}

/// Writes as much to as many streams as the broker does, as seldom, and knows nothing: what that costs who runs beside it
/// is the machine's and the readers' part.
fn plain() -> Outcome<()> {
    const EVERY: Duration = Duration::from_millis(1);
    const AT_ONCE: usize = 32;
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    // The web's port is the third after the clients'.
    println!("{}", listener.local_addr()?.port() - 3);
    let mut streams = Vec::new();
    while streams.len() < STREAMS {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let event = "id: 660c70d90c2ae-6e6f.8121234\ndata: {\"ns\":\"part12.thing3\",\"type\":\"thing_update\",\"ts\":1795304749.62269,\
                 \"data\":12345678,\"documentation_url\":null,\"seq\":8121234}\n\n";
    let begun = Instant::now();
    let mut said = vec![0_u64; STREAMS];
    for at in (0..STREAMS).step_by(AT_ONCE).cycle() {
        std::thread::sleep(EVERY);
        for (stream, said) in streams.iter_mut().zip(&mut said).skip(at).take(AT_ONCE) {
            let due = begun.elapsed().as_millis() as u64 * (RATE / PARTS as u64) / 1000;
            // Readers that are gone end it.
            stream.write_all(event.repeat((due - *said) as usize).as_bytes())?;
            *said = due;
        }
    }
    Ok(())
}

struct Running {
    process: Child,
    port: u16,
}

impl Running {
    fn start(what: &str) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.env(what, "1").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().ok_or("no output")?;
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)?;
        Ok(Self { process, port: line.trim().parse()? })
    }

    fn web(&self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.port + 3)
    }

    fn memory_mib(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
    }

    /// The seconds of a core that each thread took, by names.
    fn cpu_s(&self) -> Outcome<HashMap<String, f64>> {
        let mut all = HashMap::new();
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let stat = std::fs::read_to_string(thread?.path().join("stat"))?;
            let (name, rest) = stat.rsplit_once(')').ok_or("no name")?;
            let name = name.split_once('(').map_or("", |(_, name)| name);
            let name = if name == "web" { "web" } else { "broker" };
            let fields: Vec<&str> = rest.split_whitespace().collect();
            let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
            *all.entry(name.to_owned()).or_default() += ticks / 100.0;
        }
        Ok(all)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// How many a second.
fn gets(web: SocketAddr, under_way: usize) -> Outcome<f64> {
    let mut stream = TcpStream::connect(web)?;
    stream.set_nodelay(true)?;
    let mut buffer = [0; 65_536];
    let body = r#"{"on":true}"#;
    write!(
        stream,
        "PUT /things/shop.lamp HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let _ = stream.read(&mut buffer)?;
    let request = b"GET /things/shop.lamp HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(under_way);
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed().as_secs() < SECONDS / 2 {
        stream.write_all(&request)?;
        let mut left = under_way;
        while left > 0 {
            let length = stream.read(&mut buffer)?;
            let answers = buffer[..length].windows(15).filter(|window| window == b"HTTP/1.1 200 OK").count();
            if answers == 0 {
                return Err(String::from_utf8_lossy(&buffer[..length]).into());
            }
            left = left.saturating_sub(answers);
        }
        count += under_way;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// What readers found: how long each took, in µs.
struct Found {
    begun: Instant,
    is_counted: AtomicBool,
    times: Mutex<Histogram<u64>>,
    merged: AtomicU64,
}

impl Found {
    fn new(begun: Instant) -> Outcome<Arc<Self>> {
        let times = Mutex::new(Histogram::new_with_max(60_000_000, 3)?);
        Ok(Arc::new(Self { begun, is_counted: AtomicBool::new(false), times, merged: AtomicU64::new(0) }))
    }

    /// Everything that was said in these bytes, which is when, in µs since `begun`.
    fn take(&self, bytes: &[u8]) {
        if !self.is_counted.load(Ordering::Relaxed) {
            return;
        }
        let now = self.begun.elapsed().as_micros() as u64;
        let mut times = self.times.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut rest = bytes;
        while let Some(at) = find(rest, b"\"data\":") {
            rest = &rest[at + 7..];
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if let Some(said) =
                std::str::from_utf8(&rest[..digits]).ok().and_then(|text| text.parse::<u64>().ok())
            {
                times.saturating_record(now.saturating_sub(said));
            }
        }
    }

    fn tell(&self, who: &str, seconds: f64) {
        let times = self.times.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        println!(
            "  {who}: {:.0} events a second, p50 {} µs, p99 {} µs, most {} µs; {} merged",
            times.len() as f64 / seconds,
            times.value_at_quantile(0.5),
            times.value_at_quantile(0.99),
            times.max(),
            self.merged.load(Ordering::Relaxed),
        );
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Streams, with a ZeroMQ client beside them that hears everything, and that client alone, in turns.
fn streams() -> Outcome<()> {
    println!(
        "{STREAMS} streams by Server-Sent Events, each of a hundredth of {RATE} updates a second, and without them"
    );
    let broker = Running::start("BROKER")?;
    let begun = Instant::now();
    let is_over = Arc::new(AtomicBool::new(false));
    let sender = send(&broker, begun, is_over.clone())?;
    let (client, heard) = listen(&broker, begun, is_over.clone())?;
    // Readers are elsewhere in the world; here they are to leave the cores to what is measured.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_start(|| {
            let _ = rustix::process::setpriority_process(None, 15);
        })
        .enable_all()
        .build()?;
    for round in 1..=3 {
        println!(" round {round}");
        measure(&broker, &heard, "without", None)?;
        for by in ["with streams", "with streams of a plain program"] {
            let plain = if by == "with streams" { None } else { Some(Running::start("PLAIN")?) };
            let found = Found::new(begun)?;
            let web = plain.as_ref().unwrap_or(&broker).web();
            let readers: Vec<_> =
                (0..STREAMS).map(|number| runtime.spawn(read(web, number % PARTS, found.clone()))).collect();
            std::thread::sleep(Duration::from_secs(3));
            measure(&broker, &heard, by, Some((&found, plain.is_none())))?;
            readers.iter().for_each(tokio::task::JoinHandle::abort);
            std::thread::sleep(Duration::from_secs(2));
        }
    }
    is_over.store(true, Ordering::Relaxed);
    sender.join().map_err(|_| "the sender failed")?;
    client.join().map_err(|_| "the client failed")?;
    Ok(())
}

fn measure(
    broker: &Running,
    heard: &Arc<Found>,
    with: &str,
    streams: Option<(&Arc<Found>, bool)>,
) -> Outcome<()> {
    let all: Vec<&Arc<Found>> = std::iter::once(heard).chain(streams.map(|(found, _)| found)).collect();
    let before = broker.cpu_s()?;
    for found in &all {
        found.times.lock().map_err(|_| "a reader failed")?.reset();
        found.is_counted.store(true, Ordering::Relaxed);
    }
    let begun = Instant::now();
    std::thread::sleep(Duration::from_secs(SECONDS));
    all.iter().for_each(|found| found.is_counted.store(false, Ordering::Relaxed));
    let seconds = begun.elapsed().as_secs_f64();
    heard.tell(&format!("ZeroMQ {with}"), seconds);
    // What the plain program says tells nothing of when it was said.
    if let Some((streams, true)) = streams {
        streams.tell("streams", seconds);
    }
    let after = broker.cpu_s()?;
    for (name, cpu) in &after {
        let cpu = cpu - before.get(name).copied().unwrap_or_default();
        println!("    {name}: {:.0} % of a core", cpu / seconds * 100.0);
    }
    println!("    {:.0} MiB", broker.memory_mib()?);
    Ok(())
}

/// Says what time it is, so many times a second.
fn send(broker: &Running, begun: Instant, is_over: Arc<AtomicBool>) -> Outcome<std::thread::JoinHandle<()>> {
    let socket = zmq::Context::new().socket(zmq::PUSH)?;
    socket.connect(&format!("tcp://127.0.0.1:{}", broker.port + 1))?;
    Ok(std::thread::spawn(move || {
        let mut number = 0_u64;
        while !is_over.load(Ordering::Relaxed) {
            while number < begun.elapsed().as_micros() as u64 * RATE / 1_000_000 {
                let (part, thing) = (number as usize % PARTS, number as usize / PARTS % 10);
                let said = begun.elapsed().as_micros();
                let update = format!(
                    r#"{{"ns":"part{part}.thing{thing}","type":"thing_update","ts":null,"data":{said},"documentation_url":null}}"#
                );
                if socket.send(update.as_bytes(), 0).is_err() {
                    return;
                }
                number += 1;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }))
}

/// A client that hears everything.
fn listen(
    broker: &Running,
    begun: Instant,
    is_over: Arc<AtomicBool>,
) -> Outcome<(std::thread::JoinHandle<()>, Arc<Found>)> {
    let socket = zmq::Context::new().socket(zmq::SUB)?;
    socket.connect(&format!("tcp://127.0.0.1:{}", broker.port))?;
    socket.set_subscribe(br#"{"ns":""#)?;
    socket.set_rcvtimeo(100)?;
    let found = Found::new(begun)?;
    let heard = found.clone();
    let thread = std::thread::spawn(move || {
        while !is_over.load(Ordering::Relaxed) {
            if let Ok(message) = socket.recv_bytes(0) {
                heard.take(&message);
            }
        }
    });
    Ok((thread, found))
}

/// Reads a stream of one part of the directory.
async fn read(web: SocketAddr, part: usize, found: Arc<Found>) {
    let Ok(mut stream) = tokio::net::TcpStream::connect(web).await else { return };
    let request = format!("GET /events?under=part{part} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    if stream.write_all(request.as_bytes()).await.is_err() {
        return;
    }
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length) = stream.read(&mut buffer).await {
        if length == 0 {
            return;
        }
        // An event that two reads have parts of is not counted; there are few.
        found.take(&buffer[..length]);
        if find(&buffer[..length], b"event: merged").is_some() {
            found.merged.fetch_add(1, Ordering::Relaxed);
        }
    }
}
