//! Lines of input, none longer than a message may be.

use std::io::{self, BufRead, Read};

use thingsbus_adaptor::wire::Rejected;
use thingsbus_adaptor::wire::limits::MESSAGE_BYTES_MAX;

/// Reads the next line into `line`, without its end; `None` at the end of the input. Of a line that is too long the
/// rest is passed over.
pub(crate) fn next_line(
    input: &mut impl BufRead,
    line: &mut Vec<u8>,
) -> io::Result<Option<Result<(), Rejected>>> {
    line.clear();
    let limit = MESSAGE_BYTES_MAX as u64 + 1;
    if input.take(limit).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        line.pop_if(|byte| *byte == b'\r');
    } else if line.len() > MESSAGE_BYTES_MAX {
        input.skip_until(b'\n')?;
        return Ok(Some(Err(Rejected::TooLong)));
    }
    Ok(Some(Ok(())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_a_limit() {
        let long = "x".repeat(MESSAGE_BYTES_MAX + 1);
        let longest = "y".repeat(MESSAGE_BYTES_MAX);
        let text = format!("a\n\r\n\nb\r\n{longest}\n{long}\n{long}{long}\nc");
        let mut input = text.as_bytes();
        let mut line = Vec::new();
        let mut lines = Vec::new();
        while let Some(read) = next_line(&mut input, &mut line).unwrap() {
            lines.push(read.map(|()| String::from_utf8(line.clone()).unwrap()));
        }
        let ok = |line: &str| Ok(line.to_owned());
        let wanted = [
            ok("a"),
            ok(""),
            ok(""),
            ok("b"),
            ok(&longest),
            Err(Rejected::TooLong),
            Err(Rejected::TooLong),
            ok("c"),
        ];
        assert!(lines == wanted);
    }
}
