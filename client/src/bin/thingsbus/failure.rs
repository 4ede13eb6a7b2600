//! How a command ends that did not do what it was asked: an exit code that scripts can use, and one clear line.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

use crate::output::tell;

/// It could not be done: no broker, or it did not answer in time; something was not sent.
pub(crate) const EXIT_FAILED: u8 = 1;
/// The broker answered, and what was asked for is not there, or did not come in the time given.
pub(crate) const EXIT_NOTHING: u8 = 2;
/// The command line is wrong: `EX_USAGE` of sysexits.h.
pub(crate) const EXIT_USAGE: u8 = 64;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Who reads our output wants no more: `thingsbus watch | head -1`. That is a good end.
    OutputClosed,
    /// It could not be done, and that was said already.
    Quiet,
    /// With this code, and this to say.
    Said(u8, String),
}

impl Failure {
    /// It could not be done.
    pub(crate) fn failed(why: impl Display) -> Self {
        Self::Said(EXIT_FAILED, why.to_string())
    }

    /// It is not there, or did not come.
    pub(crate) fn nothing(why: impl Display) -> Self {
        Self::Said(EXIT_NOTHING, why.to_string())
    }

    /// The command line is wrong.
    pub(crate) fn usage(why: impl Display) -> Self {
        Self::Said(EXIT_USAGE, why.to_string())
    }

    /// Says it; what to end with.
    pub(crate) fn tell(self) -> ExitCode {
        match self {
            Self::OutputClosed => ExitCode::SUCCESS,
            Self::Quiet => ExitCode::from(EXIT_FAILED),
            Self::Said(code, why) => {
                tell(why);
                ExitCode::from(code)
            }
        }
    }
}

/// From writing to standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::failed(format_args!("cannot write to standard output: {error}")),
        }
    }
}
