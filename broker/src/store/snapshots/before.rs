//! The copies of the running state that are made before a snapshot is loaded, so that a load can be taken back.

use std::io;

use thingsbus_adaptor::wire::{SNAPSHOT_NAME_BYTES_MAX, SnapshotName, Timestamp};

use super::auto::{TIME_BYTES, is_time, time_text};
use super::shelf::Shelf;

/// How many of them are kept: who loads over and over must not fill the disk, nor the shelf.
pub(super) const KEPT: usize = 20;

/// How their names begin; the name of what is loaded follows, and a time.
const BEGINNING: &str = "head-before-";

/// How much room there is for a number at the end: `-1000`.
const NUMBER_BYTES: usize = 5;

/// The name of the copy that is made before `name` is loaded: as much of its name as there is room for.
pub(super) fn name_before(name: &SnapshotName, now: Timestamp) -> Option<SnapshotName> {
    const AROUND: usize = BEGINNING.len() + 1 + TIME_BYTES + NUMBER_BYTES;
    let short: String = name.as_str().chars().take(SNAPSHOT_NAME_BYTES_MAX - AROUND).collect();
    SnapshotName::parse(&format!("{BEGINNING}{short}-{}", time_text(now))).ok()
}

/// That name, or where it is taken the same with a number: two loads may be within a second. It is the one after the
/// highest, for the lower ones may have given way already, and the numbers are in the order of time.
pub(super) fn untaken(shelf: &Shelf, name: &SnapshotName) -> io::Result<SnapshotName> {
    let number = |other: &SnapshotName| match other.as_str().strip_prefix(name.as_str())? {
        "" => Some(1),
        rest => rest.strip_prefix('-')?.parse::<u32>().ok(),
    };
    let last = shelf.names()?.iter().filter_map(|(other, _)| number(other)).max();
    let next = last.map(|last| SnapshotName::parse(&format!("{name}-{}", last.saturating_add(1))));
    // Where the name is too long for a number, who uses it is told that it is taken.
    Ok(next.and_then(Result::ok).unwrap_or_else(|| name.clone()))
}

/// Those that give way when one more is made, the oldest, but not the one that is being loaded.
pub(super) fn giving_way(shelf: &Shelf, loaded: &SnapshotName) -> Vec<SnapshotName> {
    let names = shelf.names().unwrap_or_default().into_iter();
    let mut copies: Vec<(String, u32, SnapshotName)> = names
        .filter_map(|(name, _)| {
            let (time, number) = made(&name)?;
            Some((time.to_owned(), number, name))
        })
        .collect();
    copies.sort_unstable();
    let over = (copies.len() + 1).saturating_sub(KEPT);
    copies.into_iter().take(over).map(|(.., name)| name).filter(|name| name != loaded).collect()
}

/// When it was made, and as which one of that second, as its name says; `None` of any other snapshot.
fn made(name: &SnapshotName) -> Option<(&str, u32)> {
    let (rest, last) = name.as_str().strip_prefix(BEGINNING)?.rsplit_once('-')?;
    if is_time(last) {
        return Some((last, 1));
    }
    let (_, time) = rest.rsplit_once('-')?;
    is_time(time).then_some(time).zip(last.parse().ok())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::snapshots::tests::memory::MemoryFiles;

    fn name(text: &str) -> SnapshotName {
        SnapshotName::parse(text).unwrap()
    }

    #[test]
    fn names_have_what_is_loaded_and_the_time_in_them() {
        let now = Timestamp::from_seconds(1_795_283_043.9).unwrap();
        let before = name_before(&name("x"), now).unwrap();
        assert_eq!(before.as_str(), "head-before-x-20261121T174403Z");
        assert_eq!(made(&before), Some(("20261121T174403Z", 1)));
        assert_eq!(made(&name("head-before-x-y-20261121T174403Z-12")), Some(("20261121T174403Z", 12)));
        for other in ["head-before-x", "head-before-the-move", "x-20261121T174403Z", "head-before-x-2"] {
            assert_eq!(made(&name(other)), None, "{other}");
        }
        let long = name_before(&name(&"x".repeat(64)), now).unwrap();
        let files = MemoryFiles::default();
        let shelf = Shelf::new(Arc::new(files.clone()));
        for wanted in ["", "-2", "-3"] {
            let found = untaken(&shelf, &long).unwrap();
            assert_eq!(found.to_string(), format!("{long}{wanted}"));
            files.set(&format!("{found}.jsonl"), Vec::new());
        }
        shelf.delete(&long).unwrap();
        assert_eq!(untaken(&shelf, &long).unwrap().to_string(), format!("{long}-4"));
    }

    #[test]
    fn the_oldest_give_way_but_for_what_is_loaded() {
        let files = MemoryFiles::default();
        // By their times, not by their names.
        for (index, loaded) in ('a'..='u').rev().enumerate() {
            files.set(&format!("head-before-{loaded}-20260101T0000{index:02}Z.jsonl"), Vec::new());
        }
        for mine in ["head-before-the-move", "mine"] {
            files.set(&format!("{mine}.jsonl"), Vec::new());
        }
        let shelf = Shelf::new(Arc::new(files));
        let (first, second) =
            (name("head-before-u-20260101T000000Z"), name("head-before-t-20260101T000001Z"));
        assert_eq!(giving_way(&shelf, &name("mine")), [first.clone(), second.clone()]);
        assert_eq!(giving_way(&shelf, &first), [second]);
    }
}
