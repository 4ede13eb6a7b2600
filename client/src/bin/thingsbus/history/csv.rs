//! History as comma-separated values (RFC 4180): for spreadsheets.

use thingsbus_adaptor::wire::HistoryLine;
use thingsbus_client::PastValue;

use super::Lines;
use crate::clock::universal;
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn values(values: &[PastValue], output: &mut Output) -> Result<(), Failure> {
    output.line("received,ts,data")?;
    for PastValue { received, ts, data } in values {
        output.line(format_args!("{},{},{}", universal(*received), universal(*ts), field(data)))?;
    }
    Ok(())
}

pub(super) fn lines(lines: &Lines, output: &mut Output) -> Result<(), Failure> {
    output.line("path,start,count,min,max,mean,last")?;
    for (path, lines) in lines {
        let path = field(path);
        for line in lines {
            let HistoryLine { count, min, max, mean, last, .. } = line;
            let start = universal(super::table::start(line));
            output.line(format_args!("{path},{start},{count},{min},{max},{mean},{last}"))?;
        }
    }
    Ok(())
}

/// In quotes where it has what would end it.
fn field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_field_is_quoted() {
        assert_eq!(field("21.5"), "21.5");
        assert_eq!(field(r#"{"a":"b, c"}"#), r#""{""a"":""b, c""}""#);
    }
}
