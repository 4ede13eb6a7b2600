//! 1,000 clients, each on one thing of 1,000, in one thread with one epoll; against 1x1 at the same rate.

use anyhow::{Result, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::clients::lean::{LeanPublisher, LeanSubscriber, Unread};
use crate::clients::ring::Publishing;
use crate::clients::{Clients, Subscriber, WAIT};
use crate::finding::Finding;
use crate::load::{self, Order, Pace, Plan};
use crate::peer::{Programs, Running, start_thingsbus};
use crate::rounds::{Timing, plan};
use crate::update::{THINGS, Update, name};
use crate::wire::zmtp::{self, Zmtp};

pub const ABOUT: &str = "\
50,000 updates/s from one publisher, one system call each, against one client that gets all of them at the same rate.";

const PER_SECOND: f64 = 50_000.0;
const READ_BYTES_MAX: usize = 1 << 14;
const WIRE: Zmtp = Zmtp { publisher: "PUSH" };

pub fn run(programs: &Programs, timing: Timing) -> Result<Vec<Finding>> {
    let broker = start_thingsbus(programs, &[])?;
    let plan_one = plan(Pace::PerSecond(PER_SECOND), timing);
    let subscriber = LeanSubscriber::connect(&WIRE, broker.subscribe)?;
    let one = load::run(clients(&broker, plan_one, Box::new(subscriber))?, &plan_one, &broker.process)?;

    let plan_many = Plan { order: Order::EachThing, ..plan(Pace::PerSecond(PER_SECOND), timing) };
    let many = clients(&broker, plan_many, Box::new(Many::connect(broker.subscribe)?))?;
    let many = load::run(many, &plan_many, &broker.process)?;

    let cpu = "CPU s/M";
    Ok(vec![
        Finding::new("one client: the broker's CPU", one.cpu_s_per_million, cpu),
        Finding::new("1,000 clients: the broker's CPU", many.cpu_s_per_million, cpu),
        Finding::new("CPU, 1,000 clients / one", many.cpu_s_per_million / one.cpu_s_per_million, "")
            .at_most(2.0),
        Finding::new("one client: received", one.rate, "/s"),
        Finding::new("1,000 clients: received", many.rate, "/s").at_least(PER_SECOND * 0.99),
        Finding::new("1,000 clients: updates lost, or of others' things", many.lost as f64, "").at_most(0.0),
        Finding::new("1,000 clients: p99", load::microseconds(&many.latency, 0.99), "us"),
        Finding::new("1,000 clients: busiest client thread, of a core", many.limit.client_thread, ""),
    ])
}

fn clients(broker: &Running, plan: Plan, subscriber: Box<dyn Subscriber>) -> Result<Clients> {
    let publishing = Publishing { run: plan.run, publisher: 0, publishers: 1 };
    let publisher = LeanPublisher::connect(&WIRE, broker.publish, publishing)?;
    Ok(Clients { publishers: vec![Box::new(publisher)], subscribers: vec![subscriber] })
}

/// All of them, as one.
struct Many {
    poll: Poll,
    events: Events,
    connections: Vec<(TcpStream, Unread<Zmtp>)>,
}

impl Many {
    fn connect(port: u16) -> Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::new();
        for thing in 0..THINGS {
            let prefix = format!(r#"{{"ns":"{}""#, name(0, thing));
            let stream = zmtp::subscribed(port, &[&prefix])?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(thing), Interest::READABLE)?;
            connections.push((stream, Unread::new(READ_BYTES_MAX)));
        }
        Ok(Self { poll, events: Events::with_capacity(THINGS), connections })
    }
}

impl Subscriber for Many {
    fn receive(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.poll.poll(&mut self.events, Some(WAIT))?;
        for event in &self.events {
            let thing = event.token().0;
            let (stream, unread) = &mut self.connections[thing];
            let mut foreign = 0;
            while unread.read(stream, &mut |text| {
                foreign += usize::from(Update::read(text).is_some_and(|update| update.thing != thing));
                each(text);
            })? {}
            ensure!(foreign == 0, "client {thing} was sent {foreign} updates of other things");
        }
        Ok(())
    }
}
