//! Who is measured: a broker with its settings, and the clients that speak with it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::clients::lean::{LeanPublisher, LeanSubscriber};
use crate::clients::libzmq::{ZmqPublisher, ZmqSubscriber};
use crate::clients::ring::Publishing;
use crate::clients::udp::UdpPublisher;
use crate::clients::{Clients, Publisher, Shape, Subscriber};
use crate::process::{Process, free_port};
use crate::wire::Wire;
use crate::wire::mqtt::Mqtt;
use crate::wire::nats::Nats;
use crate::wire::redis::Redis;
use crate::wire::zmtp::Zmtp;

/// Where the brokers' programs are.
#[derive(Clone, Debug, clap::Args)]
pub struct Programs {
    /// thingsbus-broker
    #[arg(long, value_name = "PROGRAM")]
    pub broker: PathBuf,
    #[arg(long, value_name = "PROGRAM", default_value = "nats-server")]
    pub nats: PathBuf,
    #[arg(long, value_name = "PROGRAM", default_value = "redis-server")]
    pub redis: PathBuf,
    #[arg(long, value_name = "PROGRAM", default_value = "/usr/sbin/mosquitto")]
    pub mosquitto: PathBuf,
    /// Where files go that are needed for a moment
    #[arg(long, value_name = "FOLDER", default_value_os_t = std::env::temp_dir())]
    pub scratch: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    Thingsbus,
    ThingsbusZmq,
    /// Not among the peers of the tables: one of the special cases.
    #[value(skip)]
    ThingsbusUdp,
    #[value(name = "zmqproxy")]
    ZmqProxy,
    #[value(name = "zmqproxy-lean")]
    ZmqProxyLean,
    Nats,
    Redis,
    RedisSet,
    Mosquitto,
}

/// A broker that runs, and where.
pub struct Running {
    pub process: Process,
    pub publish: u16,
    pub subscribe: u16,
}

impl Peer {
    pub const ALL: [Self; 8] = [
        Self::Thingsbus,
        Self::ThingsbusZmq,
        Self::ZmqProxy,
        Self::ZmqProxyLean,
        Self::Nats,
        Self::Redis,
        Self::RedisSet,
        Self::Mosquitto,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Thingsbus => "thingsbus",
            Self::ThingsbusZmq => "thingsbus-zmq",
            Self::ThingsbusUdp => "thingsbus-udp",
            Self::ZmqProxy => "zmqproxy",
            Self::ZmqProxyLean => "zmqproxy-lean",
            Self::Nats => "nats",
            Self::Redis => "redis",
            Self::RedisSet => "redis-set",
            Self::Mosquitto => "mosquitto",
        }
    }

    /// Starts the broker on free ports of the loopback.
    pub fn start(self, programs: &Programs) -> Result<Running> {
        match self {
            Self::Thingsbus | Self::ThingsbusZmq | Self::ThingsbusUdp => start_thingsbus(programs, &[]),
            Self::ZmqProxy | Self::ZmqProxyLean => {
                let (publish, subscribe) = (free_port()?, free_port()?);
                let mut command = dying_with_us(&std::env::current_exe()?);
                command.args(["forwarder", &publish.to_string(), &subscribe.to_string()]);
                start(command, publish, subscribe)
            }
            Self::Nats => {
                let port = free_port()?;
                let mut command = dying_with_us(&programs.nats);
                command.args(["--addr", "127.0.0.1", "--port", &port.to_string()]);
                start(command, port, port)
            }
            Self::Redis | Self::RedisSet => {
                let port = free_port()?;
                let mut command = dying_with_us(&programs.redis);
                // In memory only.
                command.args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string()]);
                start(command, port, port)
            }
            Self::Mosquitto => {
                let port = free_port()?;
                // What waits for a client may be as much as libzmq's sockets hold here.
                let settings =
                    format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\n");
                let file = programs.scratch.join("mosquitto.conf");
                std::fs::write(&file, settings)?;
                let mut command = dying_with_us(&programs.mosquitto);
                command.arg("-c").arg(file);
                start(command, port, port)
            }
        }
    }

    /// Clients of a broker that runs.
    pub fn clients(self, broker: &Running, shape: Shape, run: u32) -> Result<Clients> {
        let Running { publish, subscribe, .. } = *broker;
        match self {
            Self::Thingsbus => lean(&Zmtp { publisher: "PUSH" }, broker, shape, run),
            Self::ThingsbusZmq => libzmq(zmq::PUSH, broker, shape, run),
            Self::ThingsbusUdp => {
                let wire = Zmtp { publisher: "PUSH" };
                clients(
                    shape,
                    run,
                    |of| UdpPublisher::connect(publish, of),
                    || LeanSubscriber::connect(&wire, subscribe),
                )
            }
            Self::ZmqProxy => libzmq(zmq::PUB, broker, shape, run),
            Self::ZmqProxyLean => lean(&Zmtp { publisher: "PUB" }, broker, shape, run),
            Self::Nats => lean(&Nats, broker, shape, run),
            Self::Redis => lean(&Redis { set: false }, broker, shape, run),
            Self::RedisSet => lean(&Redis { set: true }, broker, shape, run),
            Self::Mosquitto => lean(&Mqtt, broker, shape, run),
        }
    }
}

/// A Thingsbus broker as it is shipped, but for these flags.
pub fn start_thingsbus(programs: &Programs, flags: &[&str]) -> Result<Running> {
    let file = programs.scratch.join("thingsbus-ports.json");
    let _ = std::fs::remove_file(&file);
    let mut command = dying_with_us(&programs.broker);
    // In memory, as the peers are, where the flags do not say otherwise.
    command.env("THINGSBUS_STORE__DATA", "none");
    command.args(["--bind", "127.0.0.1", "--port", "0", "--ports-file"]).arg(&file).args(flags);
    let mut process = Process::start(&mut command)?;
    let ports = process.comes_to(|| ports(&file))?;
    let port = |door| ports[door].as_u64().and_then(|port| u16::try_from(port).ok()).context("no port");
    let (publish, subscribe) = (port("input")?, port("clients")?);
    process.listens(subscribe)?;
    Ok(Running { process, publish, subscribe })
}

/// A command that ends when this program does, however that ends.
fn dying_with_us(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

fn ports(file: &Path) -> Option<serde_json::Value> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

fn start(mut command: Command, publish: u16, subscribe: u16) -> Result<Running> {
    let mut process = Process::start(&mut command)?;
    process.listens(publish)?;
    process.listens(subscribe)?;
    Ok(Running { process, publish, subscribe })
}

fn lean<W: Wire + 'static>(wire: &W, broker: &Running, shape: Shape, run: u32) -> Result<Clients> {
    clients(
        shape,
        run,
        |of| LeanPublisher::connect(wire, broker.publish, of),
        || LeanSubscriber::connect(wire, broker.subscribe),
    )
}

fn libzmq(kind: zmq::SocketType, broker: &Running, shape: Shape, run: u32) -> Result<Clients> {
    clients(
        shape,
        run,
        |of| ZmqPublisher::connect(kind, broker.publish, of),
        || ZmqSubscriber::connect(broker.subscribe),
    )
}

fn clients<P: Publisher + 'static, S: Subscriber + 'static>(
    shape: Shape,
    run: u32,
    publisher: impl Fn(Publishing) -> Result<P>,
    subscriber: impl Fn() -> Result<S>,
) -> Result<Clients> {
    let publishers = shape.publishers;
    Ok(Clients {
        subscribers: (0..shape.subscribers)
            .map(|_| Ok(Box::new(subscriber()?) as Box<dyn Subscriber>))
            .collect::<Result<_>>()?,
        publishers: (0..publishers)
            .map(|of| {
                Ok(Box::new(publisher(Publishing { run, publisher: of, publishers })?) as Box<dyn Publisher>)
            })
            .collect::<Result<_>>()?,
    })
}
