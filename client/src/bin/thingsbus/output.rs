//! Where things are printed, and for whom: text for people, JSON lines for programs.

use std::env;
use std::fmt::{self, Display, Formatter};
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use anstyle::{AnsiColor, Style};

use crate::args::{Color, Global};
use crate::failure::Failure;
use crate::text::wrapped;

/// What things are called by.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
/// What is beside the point.
pub(crate) const ASIDE: Style = Style::new().dimmed();
/// What is to be seen first.
pub(crate) const HEAD: Style = Style::new().bold();
/// What may need attention.
pub(crate) const NOTICE: Style = AnsiColor::Yellow.on_default();

/// Says something to the one who started the tool, beside what it prints.
pub(crate) fn tell(what: impl Display) {
    let what = format!("thingsbus: {what}");
    let columns = terminal_size::terminal_size_of(io::stderr()).map(|(columns, _)| usize::from(columns.0));
    // Where nobody can be told, that cannot be told either.
    let _ =
        writeln!(io::stderr(), "{}", columns.map_or_else(|| what.clone(), |columns| wrapped(&what, columns)));
}

/// Standard output.
pub(crate) struct Output {
    out: BufWriter<Stdout>,
    json: bool,
    color: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let set = |name| env::var_os(name).filter(|value| !value.is_empty());
                terminal && set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
            }
        };
        Self { out: BufWriter::new(stdout), json: global.json || !(terminal || global.human), color }
    }

    /// Does a program read it?
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints one line.
    pub(crate) fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{line}")?)
    }

    /// Prints one line of bytes, as they are.
    pub(crate) fn bytes(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.out.write_all(line)?;
        Ok(self.out.write_all(b"\n")?)
    }

    /// Lets what was printed be seen.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    /// How many columns a line may have.
    pub(crate) fn width(&self) -> usize {
        if let Some((terminal_size::Width(columns), _)) = terminal_size::terminal_size_of(self.out.get_ref())
        {
            return usize::from(columns);
        }
        env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(usize::MAX)
    }

    /// In a style, where there is colour.
    pub(crate) fn paint<T: Display>(&self, style: Style, what: T) -> Painted<T> {
        Painted { style: if self.color { style } else { Style::new() }, what }
    }
}

/// Something in a style.
pub(crate) struct Painted<T> {
    style: Style,
    what: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:#}", self.style, self.what, self.style)
    }
}
