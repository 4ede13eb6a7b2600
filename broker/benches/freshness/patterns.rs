//! How sensors speak: simulated, each from the same seed, and recorded.

pub(crate) const WEEK: f64 = 604_800.0;
const DAY: f64 = 86_400.0;
const HOUR: f64 = 3_600.0;

/// What is heard of a thing, in seconds.
pub(crate) enum Heard {
    /// An update, so long after the one before.
    After(f64),
    /// The broker stops so long after the thing's last update, is away for a time, and hears the thing so long after it is
    /// back.
    Restart { stopped_after: f64, away: f64, spoke_after: f64 },
}

/// Gives what is heard next, by what time it is; `None` where a recording is over.
type Gaps = Box<dyn FnMut(f64) -> Option<Heard>>;

/// A kind of sensor.
pub(crate) struct Pattern {
    pub(crate) name: &'static str,
    /// For how long it is followed.
    pub(crate) weeks: f64,
    /// What happens before then is told by itself: it is what the thing is learned from.
    pub(crate) learning_s: f64,
    pub(crate) ttl_s: Option<f64>,
    pub(crate) restarts: bool,
    pub(crate) is_recorded: bool,
    pub(crate) gaps: Box<dyn Fn() -> Gaps>,
}

/// Numbers that are the same in every run (xorshift64).
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// From 0 to 1, neither of them.
    fn even(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Around 0, one in deviation.
    fn normal(&mut self) -> f64 {
        (-2.0 * self.even().ln()).sqrt() * (std::f64::consts::TAU * self.even()).cos()
    }

    /// Of mean 1.
    fn exponential(&mut self) -> f64 {
        -self.even().ln()
    }
}

fn pattern(
    name: &'static str,
    weeks: f64,
    learning_s: f64,
    mut gap: impl FnMut(f64, &mut Random) -> f64 + Clone + 'static,
) -> Pattern {
    heard(name, weeks, learning_s, move |now, random| Heard::After(gap(now, random).max(1e-4)))
}

fn heard(
    name: &'static str,
    weeks: f64,
    learning_s: f64,
    next: impl FnMut(f64, &mut Random) -> Heard + Clone + 'static,
) -> Pattern {
    let gaps = move || -> Gaps {
        let (mut random, mut next) = (Random::new(), next.clone());
        Box::new(move |now| Some(next(now, &mut random)))
    };
    Pattern {
        name,
        weeks,
        learning_s,
        ttl_s: None,
        restarts: false,
        is_recorded: false,
        gaps: Box::new(gaps),
    }
}

/// Every `interval`, give or take `jitter`, of which a share is lost on the way.
fn steady(interval: f64, jitter: f64, loss: f64) -> impl FnMut(f64, &mut Random) -> f64 + Clone {
    move |_, random| {
        let mut gap = interval;
        while random.even() < loss {
            gap += interval;
        }
        gap + jitter * random.normal()
    }
}

/// Something that people do so many times a day, and not at night.
fn by_day(times: f64, now: f64, random: &mut Random) -> f64 {
    let mut gap = 0.0;
    loop {
        gap += DAY / times * random.exponential();
        if (7.0..22.0).contains(&hour(now + gap)) {
            return gap;
        }
    }
}

/// The hours of a day, from midnight.
fn hour(now: f64) -> f64 {
    now % DAY / HOUR
}

pub(crate) fn all() -> Vec<Pattern> {
    let mut all = simulated();
    all.extend(recorded());
    all
}

fn simulated() -> Vec<Pattern> {
    let mut since_burst = 0;
    // The first drag is there from the beginning.
    let mut to_come = 20;
    let mut outages = 0.0;
    let mut restarts = 0;
    vec![
        pattern("100 Hz", 0.05, 60.0, steady(0.01, 0.003, 0.0)),
        pattern("every second ± 50 ms", 2.0, 60.0, steady(1.0, 0.05, 0.0)),
        pattern("every 30 s ± 1 s", 52.0, HOUR, steady(30.0, 1.0, 0.0)),
        pattern("every 30 s ± 6 s", 52.0, HOUR, steady(30.0, 6.0, 0.0)),
        pattern("every 10 min ± 10 s", 104.0, DAY, steady(600.0, 10.0, 0.0)),
        pattern("once a day ± 10 min", 520.0, WEEK, |_, random| DAY + 600.0 * (2.0 * random.even() - 1.0)),
        pattern("every second, 2 % lost", 4.0, HOUR, steady(1.0, 0.05, 0.02)),
        pattern("every second, 10 % lost", 4.0, HOUR, steady(1.0, 0.05, 0.1)),
        pattern("every 30 s, 10 % lost", 52.0, DAY, steady(30.0, 1.0, 0.1)),
        pattern("ten in a second, every 10 min", 52.0, DAY, move |_, random| {
            since_burst = (since_burst + 1) % 10;
            if since_burst == 0 { 599.0 + 5.0 * random.normal() } else { 0.1 * random.exponential() }
        }),
        pattern("on change, once a minute (Poisson)", 52.0, DAY, |_, random| 60.0 * random.exponential()),
        pattern("on change, heavy tail (lognormal, σ = 1.5)", 52.0, 3.0 * DAY, |_, random| {
            60.0 * (1.5 * random.normal()).exp()
        }),
        pattern("a door, twelve times a day, not at night", 104.0, 2.0 * WEEK, |now, random| {
            by_day(12.0, now, random)
        }),
        pattern("a slider dragged now and then", 104.0, 2.0 * WEEK, move |now, random| {
            if to_come == 0 {
                to_come = 10 + (30.0 * random.even()) as u32;
                return by_day(6.0, now, random);
            }
            to_come -= 1;
            0.1 + 0.01 * random.normal()
        }),
        pattern("a switch pressed by hand", 104.0, 2.0 * WEEK, |now, random| {
            // On and off again, or one time too many.
            if random.even() < 0.5 { by_day(8.0, now, random) } else { 0.5 + 2.0 * random.exponential() }
        }),
        pattern("every minute by day, nothing at night", 52.0, 4.0 * DAY, |now, random| match hour(now) {
            ..16.0 => 60.0 + 2.0 * random.normal(),
            hour => (24.0 - hour) * HOUR + 60.0 * random.even(),
        }),
        pattern("every minute in office hours, nothing at weekends", 52.0, 4.0 * WEEK, |now, random| {
            if hour(now) < 10.0 {
                return 60.0 + 2.0 * random.normal();
            }
            let days = if (now / DAY) as u64 % 7 == 4 { 3.0 } else { 1.0 };
            days * DAY - now % DAY + 60.0 * random.even()
        }),
        pattern("every second, every minute in every second hour", 4.0, 60.0, |now, random| {
            if ((now / HOUR) as u64).is_multiple_of(2) {
                1.0 + 0.02 * random.normal()
            } else {
                60.0 + 0.5 * random.normal()
            }
        }),
        pattern("every 30 s, away for two days once in four weeks", 52.0, HOUR, move |now, random| {
            let is_away = now > (outages + 1.0) * 4.0 * WEEK;
            outages += f64::from(u8::from(is_away));
            if is_away { 2.0 * DAY } else { 30.0 + random.normal() }
        }),
        Pattern {
            restarts: true,
            ..heard("every 30 s, the broker away for an hour each day", 52.0, HOUR, move |now, random| {
                if now < f64::from(restarts + 1) * DAY {
                    return Heard::After(30.0 + random.normal());
                }
                restarts += 1;
                let (stopped_after, spoke_after) = (30.0 * random.even(), 30.0 * random.even());
                Heard::Restart { stopped_after, away: HOUR, spoke_after }
            })
        },
        Pattern {
            ttl_s: Some(90.0),
            ..pattern("every 30 s ± 1 s, with a ttl of 90 s", 52.0, HOUR, steady(30.0, 1.0, 0.0))
        },
    ]
}

/// What real programs said on a loaded machine of two cores: see `recorded/README.md`.
fn recorded() -> Vec<Pattern> {
    const FILES: [(&str, &str); 5] = [
        ("recorded: `while sleep 1; do thingsbus send …`", include_str!("../recorded/loop.csv")),
        ("recorded: `thingsbus adapt exec --every 5s`", include_str!("../recorded/exec.csv")),
        ("recorded: a shell's datagrams, every 0.1 s", include_str!("../recorded/udp.csv")),
        ("recorded: the load, when it changes", include_str!("../recorded/change.csv")),
        ("recorded: seconds in which many processes began", include_str!("../recorded/busy.csv")),
    ];
    let pattern = |(name, text): (&'static str, &'static str)| {
        let gaps = move || -> Gaps {
            let mut gaps = text.lines().filter_map(|line| line.parse().ok()).map(Heard::After);
            Box::new(move |_| gaps.next())
        };
        let (weeks, learning_s) = (1.0, 60.0);
        Pattern {
            name,
            weeks,
            learning_s,
            ttl_s: None,
            restarts: false,
            is_recorded: true,
            gaps: Box::new(gaps),
        }
    };
    FILES.map(pattern).into()
}
