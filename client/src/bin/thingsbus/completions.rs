//! `thingsbus completions`: what a shell needs to complete its commands.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run(shell: Shell, output: &mut Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "thingsbus", &mut script);
    output.bytes(script.trim_ascii_end())
}
