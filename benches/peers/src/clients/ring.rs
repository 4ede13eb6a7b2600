//! The updates of one publisher, made beforehand, so that sending one is no more than writing its number into it.

use std::ops::Range;

use anyhow::{Result, ensure};

use crate::update::{self, NUMBER, THINGS};

/// How many updates are made beforehand, for each publisher.
pub const RING: u64 = 1_000;

/// A publisher's place among the others.
#[derive(Clone, Copy)]
pub struct Publishing {
    pub run: u32,
    pub publisher: usize,
    pub publishers: usize,
}

impl Publishing {
    /// The ring's updates: the thing's name and the text. The publishers share the things out among them.
    pub fn updates(self) -> impl Iterator<Item = Result<(String, Vec<u8>)>> {
        let things = THINGS / self.publishers;
        (0..RING as usize).map(move |place| {
            let thing = place % things;
            Ok((update::name(self.publisher, thing), update::text(self.run, self.publisher, thing)?))
        })
    }
}

/// Parts of `numbers` that are without a break in the ring.
pub fn unbroken(mut numbers: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    std::iter::from_fn(move || {
        let first = numbers.start;
        let end = numbers.end.min((first / RING + 1) * RING);
        numbers.start = end;
        (first < end).then_some(first..end)
    })
}

/// The ring as bytes of a protocol: frames of one size, one after the other.
pub struct Frames {
    bytes: Vec<u8>,
    frame_bytes: usize,
    /// Where the number is in a frame: once for each time that the frame holds the text.
    numbers: Vec<usize>,
}

impl Frames {
    pub fn new(publishing: Publishing, frame: impl Fn(&str, &[u8]) -> Vec<u8>) -> Result<Self> {
        let mut frames = Self { bytes: Vec::new(), frame_bytes: 0, numbers: Vec::new() };
        for update in publishing.updates() {
            let (name, text) = update?;
            let frame = frame(&name, &text);
            let found = frame.windows(text.len()).enumerate().filter(|(_, window)| *window == text);
            frames.numbers = found.map(|(at, _)| at + NUMBER.start).collect();
            ensure!([0, frame.len()].contains(&frames.frame_bytes), "frames differ in size");
            frames.frame_bytes = frame.len();
            frames.bytes.extend(frame);
        }
        Ok(frames)
    }

    /// The frames with these numbers, which are without a break in the ring.
    pub fn numbered(&mut self, numbers: Range<u64>) -> &[u8] {
        let first = (numbers.start % RING) as usize * self.frame_bytes;
        let end = first + (numbers.end - numbers.start) as usize * self.frame_bytes;
        for (frame, number) in self.bytes[first..end].chunks_exact_mut(self.frame_bytes).zip(numbers) {
            for &at in &self.numbers {
                update::set_number(&mut frame[at..at + NUMBER.len()], number);
            }
        }
        &self.bytes[first..end]
    }
}
