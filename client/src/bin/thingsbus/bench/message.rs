//! The messages: an update whose data says who sent it in which run, its number, and when.
//!
//! `{"bench":"1a2b3c4d 000 000000000812 000000523123456","fill":"xxx…"}`: run, publisher, number, nanoseconds since the
//! run's beginning. All of fixed width, so that writing one is overwriting digits in the last one.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::plan::Plan;

const PUBLISHER_DIGITS: usize = 3;
const NUMBER_DIGITS: usize = 12;
const TIME_DIGITS: usize = 15;

/// The shortest data: with nothing to fill.
pub(super) const DATA_BYTES_MIN: i64 = 63;

/// A message that is written again and again.
pub(super) struct Template {
    bytes: Vec<u8>,
    name: Range<usize>,
    thing: Range<usize>,
    seconds: Range<usize>,
    micros: Range<usize>,
    number: Range<usize>,
    time: Range<usize>,
    /// The wall clock when the run began.
    wall: Duration,
}

impl Template {
    pub(super) fn new(plan: &Plan, publisher: u16) -> Self {
        let mut text = format!(r#"{{"ns":"{}."#, plan.ns);
        let name = text.len();
        text.push('t');
        let thing = digits(&mut text, (plan.things - 1).to_string().len());
        text.push_str(r#"","type":"thing_update","ts":"#);
        let seconds = digits(&mut text, 10);
        text.push('.');
        let micros = digits(&mut text, 6);
        text.push_str(r#","data":"#);
        let data = text.len();
        text.push_str(&format!(r#"{{"bench":"{} {publisher:0PUBLISHER_DIGITS$} "#, plan.run));
        let number = digits(&mut text, NUMBER_DIGITS);
        text.push(' ');
        let time = digits(&mut text, TIME_DIGITS);
        text.push_str(r#"","fill":""#);
        let fill = plan.payload.saturating_sub(text.len() - data + 2);
        text.extend(std::iter::repeat_n('x', fill));
        text.push_str(r#""},"documentation_url":null}"#);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = name..thing.end;
        Self { bytes: text.into_bytes(), name, thing, seconds, micros, number, time, wall }
    }

    /// The message with this number, sent so long after the run's beginning.
    pub(super) fn write(&mut self, thing: u64, number: u64, time: Duration) -> &[u8] {
        let wall = self.wall + time;
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        for (place, value) in [
            (&self.thing, thing),
            (&self.seconds, wall.as_secs()),
            (&self.micros, u64::from(wall.subsec_micros())),
            (&self.number, number),
            (&self.time, nanos),
        ] {
            put(self.bytes.get_mut(place.clone()).unwrap_or_default(), value);
        }
        &self.bytes
    }

    /// How many bytes a message has.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The thing's name below the namespace.
    pub(super) fn thing_name(&self) -> &str {
        self.bytes.get(self.name.clone()).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }
}

/// Makes room for a number.
fn digits(text: &mut String, count: usize) -> Range<usize> {
    let from = text.len();
    text.extend(std::iter::repeat_n('0', count));
    from..text.len()
}

fn put(digits: &mut [u8], mut value: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) publisher: usize,
    pub(super) number: u64,
    /// When it was sent, in nanoseconds since the run's beginning.
    pub(super) time: u64,
}

/// Reads the messages of one run.
pub(super) struct Reader {
    before: Vec<u8>,
    /// Where the last message had it: most have it there.
    at: usize,
}

impl Reader {
    pub(super) fn new(run: &str) -> Self {
        Self { before: format!(r#","data":{{"bench":"{run} "#).into_bytes(), at: 0 }
    }

    /// `None` where it is another's.
    pub(super) fn read(&mut self, message: &[u8]) -> Option<Told> {
        let is_here = message.get(self.at..).is_some_and(|rest| rest.starts_with(&self.before));
        if !is_here {
            self.at = message.windows(self.before.len()).position(|window| window == self.before)?;
        }
        let rest = message.get(self.at + self.before.len()..)?;
        let (publisher, rest) = number(rest, PUBLISHER_DIGITS)?;
        let (number_, rest) = number(rest, NUMBER_DIGITS)?;
        let (time, _) = number(rest, TIME_DIGITS)?;
        Some(Told { publisher: usize::try_from(publisher).ok()?, number: number_, time })
    }
}

/// A number of so many digits, and what follows the byte after it.
fn number(text: &[u8], digits: usize) -> Option<(u64, &[u8])> {
    let (digits, rest) = text.split_at_checked(digits)?;
    let value = digits
        .iter()
        .try_fold(0, |value: u64, byte| byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0')))?;
    Some((value, rest.get(1..)?))
}

/// How many updates this one stands for that were not sent: the last key, where it is there.
pub(super) fn merged(message: &[u8]) -> Option<u64> {
    let text = message.strip_suffix(b"}")?;
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (head, digits) = text.split_at_checked(text.len() - digits)?;
    if !head.ends_with(br#","merged":"#) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(payload: usize) -> Plan {
        Plan {
            publishers: 8,
            subscribers: 1,
            things: 1_000,
            payload,
            message_bytes: 0,
            rate: None,
            window: 1,
            duration: None,
            messages: None,
            udp: false,
            ns: "bench".to_owned(),
            run: "1a2b3c4d".to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut template = Template::new(&plan(100), 7);
        let mut reader = Reader::new("1a2b3c4d");
        for (number, time) in [(0, 0), (812, 523_123_456), (999_999_999_999, 999_999_999_999_999)] {
            let message = template.write(number % 1_000, number, Duration::from_nanos(time)).to_vec();
            assert_eq!(reader.read(&message), Some(Told { publisher: 7, number, time }));
            let update: serde_json::Value = serde_json::from_slice(&message).unwrap();
            assert_eq!(update["ns"], format!("bench.t{:03}", number % 1_000));
            assert_eq!(update["data"].to_string().len(), 100);
            assert_eq!(merged(&message), None);
        }
        assert_eq!(template.thing_name(), "t999");
        let message = template.write(0, 0, Duration::ZERO).to_vec();
        assert_eq!(Reader::new("1a2b3c4e").read(&message), None);
        assert_eq!(reader.read(b"{}"), None);
        assert_eq!(reader.read(&message[..message.len() / 2 + 20]), None);
    }

    #[test]
    fn data_has_the_bytes_that_are_asked_for() {
        for payload in [DATA_BYTES_MIN as usize, 64, 5_000] {
            let mut template = Template::new(&plan(payload), 0);
            let update: serde_json::Value =
                serde_json::from_slice(template.write(1, 1, Duration::ZERO)).unwrap();
            assert_eq!(update["data"].to_string().len(), payload);
        }
    }

    #[test]
    fn merged_is_the_last_key() {
        assert_eq!(merged(br#"{"ns":"a","data":1,"seq":9120,"merged":214}"#), Some(214));
        assert_eq!(merged(br#"{"ns":"a","data":1,"seq":9120}"#), None);
        assert_eq!(merged(br#"{"ns":"a","data":{"merged":5},"seq":9120}"#), None);
        assert_eq!(merged(b""), None);
    }
}
