//! The update that all of them carry: 186 bytes of JSON in which a sequence number stands at a fixed place.
//!
//! The number says whether each update was received once and in order; the run's number tells updates of this run
//! from last values of the one before.

use std::ops::Range;

use anyhow::{Result, ensure};

/// The size of an update's text.
pub const BYTES: usize = 186;
/// How many things there are, those of all publishers together.
pub const THINGS: usize = 1_000;
/// What every update's text begins with, and no other message's.
pub const BEGINNING: &str = r#"{"ns":"bench.p"#;

/// So that the number always has eight digits.
pub const NUMBER_BASE: u64 = 10_000_000;
/// Where the number is in the text.
pub const NUMBER: Range<usize> = 81..89;
const PUBLISHER: usize = 14;
const THING: Range<usize> = 21..25;
const RUN: Range<usize> = 96..99;

/// The name of a thing, with dots.
pub fn name(publisher: usize, thing: usize) -> String {
    format!("bench.p{publisher}.thing{thing:04}")
}

/// An update with the number 0.
pub fn text(run: u32, publisher: usize, thing: usize) -> Result<Vec<u8>> {
    let name = name(publisher, thing);
    let data = data(run);
    let text = |url: &str| {
        format!(
            r#"{{"ns":"{name}","type":"thing_update","ts":1423351104.945,"data":{data},"documentation_url":"{url}"}}"#
        )
    };
    let url = "http://e.org/";
    let padding = BYTES.saturating_sub(text(url).len());
    let text = text(&format!("{url}{}", "d".repeat(padding))).into_bytes();
    let expected = Update { publisher, thing, run, number: 0 };
    ensure!(text.len() == BYTES && Update::read(&text) == Some(expected), "the update's layout is broken");
    Ok(text)
}

fn data(run: u32) -> String {
    format!(r#"{{"n":{NUMBER_BASE},"run":{run},"luminance":114.361669921875,"busy":0.143}}"#)
}

/// Writes the number to where it belongs.
pub fn set_number(digits: &mut [u8], number: u64) {
    let mut rest = NUMBER_BASE + number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// What an update that was received says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    pub publisher: usize,
    pub thing: usize,
    pub run: u32,
    /// The publisher's count of its updates. 0 is said until everybody hears it, and not counted.
    pub number: u64,
}

impl Update {
    /// `None` where it is another message.
    pub fn read(text: &[u8]) -> Option<Self> {
        if text.len() < RUN.end || !text.starts_with(BEGINNING.as_bytes()) {
            return None;
        }
        Some(Self {
            publisher: decimal(&text[PUBLISHER..=PUBLISHER])? as usize,
            thing: decimal(&text[THING])? as usize,
            run: decimal(&text[RUN])? as u32,
            number: decimal(&text[NUMBER])?.checked_sub(NUMBER_BASE)?,
        })
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |sum, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then_some(sum * 10 + u64::from(digit))
    })
}
