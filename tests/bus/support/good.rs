//! Good traffic while others misbehave: a sender, a client and an asker that must not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;

use super::Doors;
use super::peers::{Push, Req, Sub, parse, update};

/// How often the sender sends and the asker asks.
const EVERY: Duration = Duration::from_millis(2);

/// How often they do so at least, however soon they are told to stop.
const TIMES_MIN: u64 = 20;

/// What everybody else stays out of.
pub const NS: &str = "good.sensor";

/// Good traffic that goes on until [`Good::finish`].
pub struct Good {
    stop: Arc<AtomicBool>,
    sender: JoinHandle<u64>,
    client: JoinHandle<u64>,
    asker: JoinHandle<u64>,
}

/// What went through.
#[derive(Debug)]
pub struct GoodCounts {
    pub messages: u64,
    pub questions: u64,
}

impl Good {
    pub fn start(doors: &Doors) -> Self {
        let doors = *doors;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = |stop: &Arc<AtomicBool>| {
            let stop = Arc::clone(stop);
            move || stop.load(Ordering::Relaxed)
        };
        let mut sub = Sub::connect(&doors, &[&format!("{{\"ns\":\"{NS}\"")]);
        let client = std::thread::spawn(move || receive(&mut sub));
        let (sender_stopped, asker_stopped) = (stopped(&stop), stopped(&stop));
        let sender = std::thread::spawn(move || send(&doors, sender_stopped));
        let asker = std::thread::spawn(move || ask(&doors, asker_stopped));
        Self { stop, sender, client, asker }
    }

    /// Ends it. Panics where one message was lost, doubled or out of order, or one question not answered.
    pub fn finish(self) -> GoodCounts {
        self.stop.store(true, Ordering::Relaxed);
        let sent = self.sender.join().expect("the good sender could send");
        let questions = self.asker.join().expect("the good asker was answered");
        let received = self.client.join().expect("the good client got what it wanted");
        assert_eq!(received, sent, "good messages received, and sent");
        GoodCounts { messages: sent, questions }
    }
}

fn send(doors: &Doors, stopped: impl Fn() -> bool) -> u64 {
    let push = Push::connect(doors);
    let mut sent = 0;
    loop {
        let last = stopped() && sent >= TIMES_MIN;
        sent += 1;
        push.send(update(NS, &json!({"number": sent, "last": last})));
        if last {
            // The client has it when it ends, and this socket must live until then.
            while doors.things(NS)["data"][NS]["data"]["number"] != sent {
                std::thread::sleep(EVERY);
            }
            return sent;
        }
        std::thread::sleep(EVERY);
    }
}

fn receive(sub: &mut Sub) -> u64 {
    let mut received = 0;
    loop {
        let message = parse(&sub.next());
        received += 1;
        assert_eq!(message["data"]["number"], received, "the good message that is next: {message}");
        if message["data"]["last"] == true {
            return received;
        }
    }
}

fn ask(doors: &Doors, stopped: impl Fn() -> bool) -> u64 {
    let req = Req::connect(doors);
    let mut asked = 0;
    while !stopped() || asked < TIMES_MIN {
        let status = req.ask(&json!({"type": "status_query"}));
        assert_eq!(status["type"], "status", "{status}");
        asked += 1;
        std::thread::sleep(EVERY);
    }
    asked
}
