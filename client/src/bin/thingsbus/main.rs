//! `thingsbus`: arguments, one command, exit code.

mod adapt;
mod age;
mod args;
mod bench;
mod broker;
mod clock;
mod completions;
mod expected;
mod failure;
mod forget;
mod get;
mod history;
mod json;
mod ls;
mod numbers;
mod output;
mod rejected;
mod send;
mod snapshot;
mod status;
mod text;
mod things;
mod tree;
mod wait;
mod watch;
mod when;

use std::process::ExitCode;

use args::{Args, Command};
use output::Output;

fn main() -> ExitCode {
    let Args { global, command } = Args::parse_or_exit();
    let mut output = Output::new(&global);
    let done = match command {
        Command::Watch(options) => watch::run(&options, &global, &mut output),
        Command::Get(options) => get::run(&options, &global, &mut output),
        Command::Ls(options) => ls::run(&options, &global, &mut output),
        Command::Tree(options) => tree::run(&options, &global, &mut output),
        Command::Send(options) => send::run(options, &global, &mut output),
        Command::Forget(options) => forget::run(options, &global, &mut output),
        Command::History(options) => history::run(&options, &global, &mut output),
        Command::Snapshot { command } => snapshot::run(command, &global, &mut output),
        Command::Wait(options) => wait::run(&options, &global, &mut output),
        Command::Adapt { command } => adapt::run(command, &global),
        Command::Rejected(options) => rejected::run(&options, &global, &mut output),
        Command::Status => status::run(&global, &mut output),
        Command::Bench(options) => bench::run(options, &global, &mut output),
        Command::Completions { shell } => completions::run(shell, &mut output),
    };
    // What was printed before something went wrong is seen too.
    let flushed = output.flush();
    done.and(flushed).map_or_else(failure::Failure::tell, |()| ExitCode::SUCCESS)
}
