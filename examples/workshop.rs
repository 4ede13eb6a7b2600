//! A dozen simulated sensors of different temper, to have something to look at.
//!
//! `cargo run --release --example workshop -- [--seconds N] [--broker HOST[:PORT]]`

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use serde_json::json;
use thingsbus_adaptor::wire::Timestamp;
use thingsbus_adaptor::{Adaptor, Address, BrokerName, Target};

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::from_args()?;
    let sensors = sensors();
    let adaptors = sensors.iter().map(|sensor| {
        let broker = options.broker.clone();
        let target = if sensor.by_udp { Target::Udp(broker) } else { Target::Zmq(broker) };
        let documentation_url = format!("https://example.org/workshop#{}", sensor.ns);
        Adaptor::new(sensor.ns, &documentation_url, target)
    });
    let adaptors: Vec<Adaptor> = adaptors.collect::<Result<_, _>>()?;

    println!("{} simulated sensors speak to {}, below shop and lab.", sensors.len(), options.broker);
    println!("See them in a browser, at http://localhost:7957/ where the broker is on this machine,");
    println!("or in another terminal, with the tool (cargo install --path client):");
    println!("  {} tree     what there is", options.tool);
    println!("  {} watch    what happens", options.tool);
    if options.end.is_none() {
        println!("Ctrl-C ends this.");
    }
    thread::scope(|scope| {
        for (sensor, adaptor) in sensors.into_iter().zip(&adaptors) {
            scope.spawn(move || sensor.live(adaptor, options.end));
        }
        // All have the same broker.
        if let Some(first) = adaptors.first() {
            scope.spawn(|| tell_of_the_connection(first, options.end));
        }
    });

    let (mut sent, mut lost) = (0, 0);
    let deadline = Instant::now() + Duration::from_secs(1);
    for adaptor in adaptors {
        let counters = adaptor.close(deadline.saturating_duration_since(Instant::now()));
        (sent, lost) = (sent + counters.sent, lost + counters.dropped);
    }
    println!("{sent} values were sent, {lost} were lost.");
    Ok(())
}

struct Options {
    broker: BrokerName,
    /// How the tool is called to see the same broker.
    tool: String,
    end: Option<Instant>,
}

impl Options {
    fn from_args() -> Result<Self, Box<dyn Error>> {
        let tool = "thingsbus".to_owned();
        let mut options = Self { broker: BrokerName::from_env()?.name, tool, end: None };
        let mut args = std::env::args().skip(1);
        while let Some(flag) = args.next() {
            let value = args.next().ok_or("usage: workshop [--seconds N] [--broker HOST[:PORT]]")?;
            match flag.as_str() {
                "--seconds" => options.end = Some(Instant::now() + Duration::from_secs_f64(value.parse()?)),
                "--broker" => {
                    options.broker = BrokerName::Address(Address::parse(&value)?);
                    options.tool += &format!(" --broker {value}");
                }
                _ => return Err(format!("{flag}: no such option").into()),
            }
        }
        Ok(options)
    }
}

/// Says once whether a broker is there, and when one comes.
fn tell_of_the_connection(adaptor: &Adaptor, end: Option<Instant>) {
    let start = Instant::now();
    let mut warned = false;
    while !adaptor.counters().connected {
        if !warned && start.elapsed() > Duration::from_secs(3) {
            println!("There is no broker yet. To start one: cargo run --release -p thingsbus-broker");
            println!("What the sensors say over ZeroMQ waits for it.");
            warned = true;
        }
        if end.is_some_and(|end| end <= Instant::now()) {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    println!("Connected to {}.", adaptor.counters().endpoint.unwrap_or_default());
}

/// A sensor: who it is, how often it looks, and what it says then.
struct Sensor {
    ns: &'static str,
    every: Duration,
    by_udp: bool,
    look: Look,
}

/// What a sensor does when it looks: says something, or not.
type Look = Box<dyn FnMut(&Adaptor, &mut Dice) -> Result<(), thingsbus_adaptor::Error> + Send>;

impl Sensor {
    fn new(
        ns: &'static str,
        every_ms: u64,
        look: impl FnMut(&Adaptor, &mut Dice) -> Result<(), thingsbus_adaptor::Error> + Send + 'static,
    ) -> Self {
        Self { ns, every: Duration::from_millis(every_ms), by_udp: false, look: Box::new(look) }
    }

    fn by_udp(self) -> Self {
        Self { by_udp: true, ..self }
    }

    fn live(mut self, adaptor: &Adaptor, end: Option<Instant>) {
        let mut dice = Dice::new(self.ns);
        loop {
            if let Err(error) = (self.look)(adaptor, &mut dice) {
                println!("{}: {error}", self.ns);
            }
            let pause = self.every.mul_f64(dice.between(0.8, 1.2));
            let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            thread::sleep(pause.min(left));
            if left <= pause {
                return;
            }
        }
    }
}

fn sensors() -> Vec<Sensor> {
    vec![
        power(),
        climate(),
        bottlekid(),
        door(),
        visitors(),
        lathe(),
        spindle(),
        printer(),
        fridge(),
        co2(),
        scope(),
        balance(),
    ]
}

/// Steady.
fn power() -> Sensor {
    Sensor::new("shop.power", 1_000, |adaptor, dice| {
        let (volts, amperes) = (dice.between(229.0, 231.0), dice.between(8.0, 9.0));
        adaptor.send(&json!({"volts": volts, "amperes": amperes, "watts": volts * amperes}))
    })
}

/// A DHT22, whose reading fails now and then: NaN, which JSON cannot say and msgpack can. The broker makes it null.
fn climate() -> Sensor {
    #[derive(Serialize)]
    struct Climate {
        temperature_c: f64,
        humidity: f64,
    }
    let mut readings = 0;
    let look = move |adaptor: &Adaptor, dice: &mut Dice| {
        readings += 1;
        let temperature_c = if readings % 7 == 3 { f64::NAN } else { dice.between(20.0, 21.0) };
        adaptor.send(&Climate { temperature_c, humidity: dice.between(45.0, 55.0) })
    };
    Sensor::new("shop.climate", 1_000, look).by_udp()
}

/// An ESP8266 that has no clock and sends lists by UDP.
fn bottlekid() -> Sensor {
    let mut loops = 0;
    let look = move |adaptor: &Adaptor, dice: &mut Dice| {
        loops += 1;
        let error = if dice.one_in(5) { "bad checksum, DHT22 data: 75:55:77:d5:d5\r\n" } else { "" };
        let metadata = json!({"loops": loops, "msgs_sent": loops - 1, "msgs_dropped": 0});
        adaptor.send_at("", &json!({"dht22_error": error, "metadata": metadata}), None)
    };
    Sensor::new("shop.bottlekid", 2_000, look).by_udp()
}

/// A switch: speaks only when it changes.
fn door() -> Sensor {
    let mut is_open = None;
    Sensor::new("shop.door", 500, move |adaptor, dice| {
        let now = is_open.is_some_and(|is_open| is_open != dice.one_in(8));
        if is_open.replace(now) == Some(now) { Ok(()) } else { adaptor.send(&json!({"open": now})) }
    })
}

/// A counter: a plain number that only grows.
fn visitors() -> Sensor {
    let mut count = 0_u64;
    Sensor::new("shop.door.visitors", 3_000, move |adaptor, dice| {
        count += dice.below(3);
        adaptor.send(&count)
    })
}

/// A machine with states.
fn lathe() -> Sensor {
    let mut state = "idle";
    Sensor::new("shop.lathe", 1_500, move |adaptor, dice| {
        state = match state {
            "idle" if dice.one_in(3) => "running",
            "running" if dice.one_in(12) => "fault",
            "running" | "fault" if dice.one_in(6) => "idle",
            same => same,
        };
        let rpm = if state == "running" { dice.between(1_190.0, 1_210.0).round() } else { 0.0 };
        adaptor.send(&json!({"state": state, "rpm": rpm}))
    })
}

/// Bursty: nothing for a while, then many readings at once.
fn spindle() -> Sensor {
    Sensor::new("shop.lathe.spindle", 5_000, |adaptor, dice| {
        (0..40).try_for_each(|n| adaptor.send(&json!({"n": n, "vibration_mm_s": dice.between(0.2, 2.8)})))
    })
}

/// Text and values within values, on more than one thing.
fn printer() -> Sensor {
    let mut layer = 0;
    Sensor::new("shop.printer", 2_000, move |adaptor, dice| {
        layer = layer % 240 + 1;
        let job =
            json!({"file": "Gehäuse \"v2\".gcode", "layer": layer, "layers": 240, "by": ["ada", "測試"]});
        adaptor.send(&json!({"state": "printing", "job": job, "message": null}))?;
        adaptor.send_to("bed", &dice.between(59.5, 60.5))?;
        adaptor.send_to("nozzle", &dice.between(208.0, 212.0))
    })
}

/// A slow drift.
fn fridge() -> Sensor {
    let mut celsius = 4.0;
    Sensor::new("lab.fridge", 2_000, move |adaptor, dice| {
        celsius += dice.between(-0.02, 0.03);
        adaptor.send(&((celsius * 100.0).round() / 100.0))
    })
}

/// Looks often, and speaks only when what it sees is worth it.
fn co2() -> Sensor {
    let (mut ppm, mut said) = (600.0, 0.0_f64);
    Sensor::new("lab.co2", 300, move |adaptor, dice| {
        ppm += dice.between(-20.0, 20.0);
        if (ppm - said).abs() < 50.0 {
            return Ok(());
        }
        said = ppm;
        adaptor.send(&json!({"ppm": ppm.round()}))
    })
}

/// Its clock is a year ahead. Ages are counted from when the broker heard of it, so nobody minds.
fn scope() -> Sensor {
    Sensor::new("lab.scope", 2_500, |adaptor, dice| {
        let year = Duration::from_secs(365 * 24 * 3600);
        let ts = Timestamp::from_system_time(SystemTime::now() + year);
        adaptor.send_at("", &json!({"frequency_hz": dice.between(999.0, 1_001.0)}), ts)
    })
}

/// Falls silent after half a minute. Its last value stays, and its age tells.
fn balance() -> Sensor {
    let start = Instant::now();
    let mut silent = false;
    Sensor::new("lab.balance", 1_000, move |adaptor, dice| {
        if start.elapsed() < Duration::from_secs(30) {
            return adaptor.send(&json!({"grams": dice.between(81.2, 81.3)}));
        }
        if !std::mem::replace(&mut silent, true) {
            println!("lab.balance has fallen silent, as sensors do. Its last value stays.");
        }
        Ok(())
    })
}

/// Chance enough for a sensor: SplitMix64.
struct Dice(u64);

impl Dice {
    fn new(name: &str) -> Self {
        Self(name.bytes().fold(0, |seed, byte| seed << 5 ^ seed >> 3 ^ u64::from(byte)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    /// To two digits after the point, as sensors say it.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        let part = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((low + part * (high - low)) * 100.0).round() / 100.0
    }
}
