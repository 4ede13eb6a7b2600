//! Writes what is open as runs, one for each rule that it is under.

use super::super::head::{Problem, other};
use super::block::Packer;
use super::file::{self, BLOCKS, JOURNAL, RUNS, SHELVES, When};
use super::open::Open;
use super::rows::{Place, Rows};
use super::run::{Run, Shelf, State, Tier};
use super::{History, part};

/// Where an open point goes: its rule, its thing, its place among the thing's points, and where it lies.
type Target = (u16, u32, Place, usize);

impl History {
    /// Writes what is open. It is in the journal until then, and in a run from then on; both at once it never is.
    pub(super) fn flush(&mut self) -> Result<(), Problem> {
        let mut targets: Vec<Target> = Vec::with_capacity(self.open.count() as usize);
        for (at, row) in self.open.iter() {
            targets.push((row.rule, row.id, Place::new(row.received, row.seq), at));
        }
        targets.sort_unstable();
        let mut made = Vec::new();
        let mut number = self.next_run();
        for targets in targets.chunk_by(|one, other| one.0 == other.0) {
            let Some((rule, ..)) = targets.first() else { continue };
            let (shelf, is_new) = self.shelf(*rule);
            let mut packer = Packer::new(number);
            let run = pack(&self.open, targets, shelf, &mut packer);
            made.push((run, packer, is_new));
            number = number.wrapping_add(1);
        }
        let Self { database, shelves, .. } = self;
        file::write(database, When::Later, |writing| {
            let mut blocks = writing.open_table(BLOCKS).map_err(other)?;
            let mut runs = writing.open_table(RUNS).map_err(other)?;
            for (run, packer, is_new) in &mut made {
                for (key, block) in packer.take() {
                    blocks.insert(key, block.as_slice())?;
                }
                runs.insert(packer.run(), run.to_bytes().as_slice())?;
                if let (true, Some(shelf)) = (*is_new, shelves.get(&run.shelf)) {
                    let mut shelves = writing.open_table(SHELVES).map_err(other)?;
                    shelves.insert(run.shelf, shelf.to_bytes().as_slice())?;
                }
            }
            writing.open_table(JOURNAL).map_err(other)?.retain(|_, _| false)?;
            Ok(())
        })?;
        for (run, packer, _) in made {
            self.runs.insert(packer.run(), run);
        }
        self.open.clear();
        Ok(())
    }

    /// The shelf of a rule; `true` where it was made.
    fn shelf(&mut self, rule: u16) -> (u32, bool) {
        let prefix = self.rules.prefix(rule);
        if let Some((number, _)) = self.shelves.iter().find(|(_, shelf)| shelf.prefix == prefix) {
            return (*number, false);
        }
        let number = self.shelves.last_key_value().map_or(0, |(number, _)| number.wrapping_add(1));
        let shelf = Shelf { prefix: prefix.to_owned(), gone_to: [f64::MIN; 3], rule };
        self.shelves.insert(number, shelf);
        (number, true)
    }
}

/// Packs the points of one rule.
fn pack(open: &Open, targets: &[Target], shelf: u32, packer: &mut Packer) -> Run {
    let (mut from, mut to) = (f64::MAX, f64::MIN);
    let mut rows = Rows::default();
    let mut bytes = Vec::new();
    for targets in targets.chunk_by(|one, other| one.1 == other.1) {
        rows.clear();
        let mut id = 0;
        for (_, thing, _, at) in targets {
            id = *thing;
            if let Some(row) = open.at(*at) {
                rows.push(row.received, row.ts, row.seq, row.data);
                from = from.min(row.received);
                to = to.max(row.received);
            }
        }
        part::push_all(&rows, rows.len(), &mut bytes, |from, part| packer.push(id, from, part));
    }
    packer.end();
    Run {
        state: State::Ready,
        shelf,
        tier: Tier::Values,
        level: 0,
        rolled: false,
        from,
        to,
        rows: targets.len() as u64,
        bytes: packer.bytes(),
    }
}
