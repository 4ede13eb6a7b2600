//! The same work on Thingsbus and on its peers, in turn. Started by `benches/peers/run`, which brings the brokers.

mod clients;
mod finding;
mod forwarder;
mod load;
mod peer;
mod process;
mod report;
mod rounds;
mod special;
mod targets;
mod update;
mod wire;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use peer::{Peer, Programs};
use report::{Report, versions};
use rounds::{SHAPES, Timing};
use special::Case;

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Peers and special cases; writes RESULTS.md and results.json
    All(Common),
    /// Only the peers; prints the tables
    Peers {
        #[command(flatten)]
        common: Common,
        /// Only these
        #[arg(long, value_enum, value_delimiter = ',')]
        only: Vec<Peer>,
        /// Only these: 1x1,4x1,1x4
        #[arg(long, value_delimiter = ',')]
        shapes: Vec<String>,
    },
    /// Only special cases, all or these; prints the tables
    Special {
        #[arg(value_enum)]
        cases: Vec<Case>,
        #[command(flatten)]
        common: Common,
    },
    /// The bare forwarder of libzmq, which is one of the peers
    #[command(hide = true)]
    Forwarder { publish_port: u16, subscribe_port: u16 },
}

#[derive(clap::Args)]
struct Common {
    /// One round, with one second for each
    #[arg(long)]
    quick: bool,
    /// How often all is done, in turn; the tables show medians
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where the results go
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
    #[command(flatten)]
    programs: Programs,
}

impl Common {
    fn rounds(&self) -> usize {
        if self.quick { 1 } else { self.rounds }
    }

    fn timing(&self) -> Timing {
        if self.quick { Timing::QUICK } else { Timing::FULL }
    }

    fn report(&self) -> Report {
        let versions = versions(&self.programs, &Peer::ALL);
        Report { peers: Vec::new(), special: Vec::new(), rounds: self.rounds(), versions }
    }
}

fn main() -> Result<()> {
    match Args::parse().what {
        What::All(common) => {
            let (rounds, timing, programs) = (common.rounds(), common.timing(), &common.programs);
            let peers = rounds::run(&Peer::ALL, &SHAPES, rounds, timing, programs)?;
            let special = special::run(&Case::ALL, rounds, timing, programs)?;
            let report = Report { peers, special, ..common.report() };
            report.write(&common.out)?;
            println!("{}", report.to_markdown()?);
        }
        What::Peers { common, only, shapes } => {
            let peers = if only.is_empty() { Peer::ALL.to_vec() } else { only };
            let wanted = |shape: &_| shapes.is_empty() || shapes.contains(&format!("{shape}"));
            let shapes: Vec<_> = SHAPES.into_iter().filter(wanted).collect();
            let peers = rounds::run(&peers, &shapes, common.rounds(), common.timing(), &common.programs)?;
            println!("{}", Report { peers, ..common.report() }.to_markdown()?);
        }
        What::Special { cases, common } => {
            let cases = if cases.is_empty() { Case::ALL.to_vec() } else { cases };
            let special = special::run(&cases, common.rounds(), common.timing(), &common.programs)?;
            println!("{}", Report { special, ..common.report() }.to_markdown()?);
        }
        What::Forwarder { publish_port, subscribe_port } => forwarder::run(publish_port, subscribe_port)?,
    }
    Ok(())
}
