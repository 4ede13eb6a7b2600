//! Special cases: what a broker of many things, many clients and bad clients must bear.

mod clients_1000;
mod empty;
mod idle;
mod million;
mod stopped;
mod store;
mod udp;

use anyhow::Result;

use crate::finding::{Finding, number};
use crate::peer::Programs;
use crate::rounds::Timing;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Case {
    Udp,
    #[value(name = "clients-1000")]
    Clients1000,
    Stopped,
    Idle,
    Million,
    Empty,
    Store,
}

impl Case {
    pub const ALL: [Self; 7] =
        [Self::Udp, Self::Clients1000, Self::Stopped, Self::Idle, Self::Million, Self::Empty, Self::Store];

    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Clients1000 => "clients-1000",
            Self::Stopped => "stopped",
            Self::Idle => "idle",
            Self::Million => "million",
            Self::Empty => "empty",
            Self::Store => "store",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Udp => "UDP in, ZeroMQ out",
            Self::Clients1000 => "1,000 clients, each on one thing of 1,000",
            Self::Stopped => "One client of ten stops reading",
            Self::Idle => "10,000 connected clients, idle",
            Self::Million => "1,000,000 things with values of 100 bytes",
            Self::Empty => "An empty broker",
            Self::Store => "The directory on disk",
        }
    }

    pub fn about(self) -> &'static str {
        match self {
            Self::Udp => udp::ABOUT,
            Self::Clients1000 => clients_1000::ABOUT,
            Self::Stopped => stopped::ABOUT,
            Self::Idle => idle::ABOUT,
            Self::Million => million::ABOUT,
            Self::Empty => empty::ABOUT,
            Self::Store => store::ABOUT,
        }
    }

    fn once(self, programs: &Programs, timing: Timing) -> Result<Vec<Finding>> {
        match self {
            Self::Udp => udp::run(programs, timing),
            Self::Clients1000 => clients_1000::run(programs, timing),
            Self::Stopped => stopped::run(programs, timing),
            Self::Idle => idle::run(programs, timing),
            Self::Million => million::run(programs, timing),
            Self::Empty => empty::run(programs, timing),
            Self::Store => store::run(programs, timing),
        }
    }
}

/// Each case with the findings of its rounds.
pub fn run(
    cases: &[Case],
    rounds: usize,
    timing: Timing,
    programs: &Programs,
) -> Result<Vec<(Case, Vec<Vec<Finding>>)>> {
    let mut all: Vec<_> = cases.iter().map(|&case| (case, Vec::new())).collect();
    for round in 1..=rounds {
        for (case, findings) in &mut all {
            eprintln!("{round}/{rounds} {}", case.title());
            match case.once(programs, timing) {
                Ok(found) => {
                    found.iter().for_each(|it| eprintln!("  {}: {} {}", it.what, number(it.value), it.unit));
                    findings.push(found);
                }
                Err(error) => eprintln!("  failed: {error:#}"),
            }
        }
    }
    Ok(all)
}
