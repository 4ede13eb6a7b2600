//! Numbered updates, and those that are waited for, over a disk whose power goes.

use thingsbus_adaptor::wire::{Numbered, Update};

use super::*;
use crate::door::late::{Late, To};

const THINGS: u64 = 7;

/// One sender's update `number`, to one of seven things, as the broker takes it.
fn take(hub: &mut Hub, store: &mut Store, number: u64, waits: bool) {
    let ns = format!("a.t{}", number % THINGS).parse().unwrap();
    let data = number.to_string();
    hub.take(&Update::new(&ns, None, &data, None).unwrap(), at(1.0), &mut Vec::new()).unwrap();
    hub.senders.take(Numbered::new("sender", number).unwrap());
    store.add_to_next(hub.directory().place_of(ns.as_str()).unwrap());
    if waits {
        let to = To::Datagram(([127, 0, 0, 1], 1).into());
        store.tell_when_written(Late { to, answer: number.to_le_bytes().to_vec() });
    }
}

fn released(store: &mut Store) -> Option<u64> {
    let numbers = store.released.drain(..).map(|late| u64::from_le_bytes(late.answer.try_into().unwrap()));
    numbers.max()
}

#[test]
fn what_was_acknowledged_is_there_after_300_power_cuts_and_each_number_with_what_it_speaks_of() {
    let mut random = Random(3);
    let mut disk = Disk::default();
    let (mut number, mut acknowledged, mut acknowledgements) = (0, 0, 0);
    for cut in 0..300 {
        let mut hub = hub();
        disk.fail_at(1 + random.below(60) as u64, Fault::PowerCut);
        if let Ok((head @ Some(_), _)) = open_and_load(&Drive(disk.clone()), &mut hub) {
            let had = |number| hub.senders.had(Numbered::new("sender", number).unwrap());
            let last = (0..=number).rev().find(|number| had(*number));
            assert!(
                last >= Some(acknowledged).filter(|last| *last > 0),
                "{last:?} {acknowledged} at cut {cut}"
            );
            let found = known(&hub);
            for told in last.map_or(0, |last| last.saturating_sub(THINGS - 1).max(1))..=last.unwrap_or(0) {
                let value = found.get(&format!("a.t{}", told % THINGS)).map_or(0, |(value, _)| *value as u64);
                assert!(value >= told && value <= number, "{told} of {last:?} is not there: {found:?}");
            }
            // What was not acknowledged comes again, with the same numbers.
            let sent = number;
            number = last.unwrap_or(0);
            let every = if cut % 2 == 0 { Duration::ZERO } else { Duration::from_secs(60) };
            let pauses = (every, Duration::from_millis(1));
            let mut store = start_with(Drive(disk.clone()), head, &hub, pauses);
            let mut complaints = Complaints::default();
            while !disk.is_off() {
                if number < sent + 100 {
                    number += 1;
                    take(&mut hub, &mut store, number, random.below(3) == 0);
                } else {
                    take(&mut hub, &mut store, number, true); // It came again.
                }
                store.turn(&mut hub, Instant::now(), &mut complaints);
                if let Some(told) = released(&mut store) {
                    acknowledged = acknowledged.max(told);
                    acknowledgements += 1;
                }
            }
            number = number.max(sent);
        }
        disk = disk.after_power_cut(|end| random.below(end));
    }
    assert!(acknowledgements > 300, "{acknowledgements}");
}

#[test]
fn a_full_and_stalled_disk_keeps_senders_waiting_and_answers_them_when_it_is_well() {
    for fault in [Fault::Full, Fault::Error, Fault::Stall(Duration::from_millis(50))] {
        let (disk, mut live) = (Disk::default(), hub());
        let mut store = start(&disk, &mut live);
        disk.fail_at(1, fault);
        take(&mut live, &mut store, 1, true);
        let deadline = Instant::now() + Duration::from_secs(20);
        while released(&mut store) != Some(1) {
            store.turn(&mut live, Instant::now(), &mut Complaints::default());
            assert!(Instant::now() < deadline, "{fault:?}");
            std::thread::yield_now();
        }
        // It came again, and there is nothing to write.
        let to = To::Datagram(([127, 0, 0, 1], 1).into());
        settle(&mut store, &mut live, &mut Complaints::default());
        store.tell_when_written(Late { to, answer: 2_u64.to_le_bytes().to_vec() });
        store.turn(&mut live, Instant::now(), &mut Complaints::default());
        assert_eq!(released(&mut store), Some(2));
    }
}

/// Somebody waits for the disk each time that it is done with a batch.
#[test]
fn those_for_whom_nobody_waits_get_to_disk_too() {
    let (disk, mut live) = (Disk::default(), hub());
    let mut store = start(&disk, &mut live);
    for operation in 1..5_000 {
        disk.fail_at(operation, Fault::Stall(Duration::from_micros(200)));
    }
    for thing in 100..2_100 {
        say(&mut live, thing, thing);
    }
    let (all, mut number) = (live.seq(), 0);
    let deadline = Instant::now() + Duration::from_secs(20);
    while store.through < all {
        number += 1;
        take(&mut live, &mut store, number, true);
        store.turn(&mut live, Instant::now(), &mut Complaints::default());
        assert!(Instant::now() < deadline, "{}", store.to_json(&live, Instant::now()));
    }
    // And who waited was answered, though others came all the time.
    assert!(released(&mut store) > Some(0));
}

/// Many updates of few things while the disk takes its time are few things to be written.
#[test]
fn what_waits_for_the_next_batch_is_as_much_as_there_are_things() {
    let (disk, mut live) = (Disk::default(), hub());
    let mut store = start(&disk, &mut live);
    disk.fail_at(1, Fault::Stall(Duration::from_millis(100)));
    for number in 1..20_000 {
        take(&mut live, &mut store, number, false);
        if number % 100 == 0 {
            store.turn(&mut live, Instant::now(), &mut Complaints::default());
        }
    }
    settle(&mut store, &mut live, &mut Complaints::default());
    // How many commits there are is the disk's and the machine's concern. In each a thing is there twice at the most: because
    // somebody waits for it, and because it changed.
    assert!(store.written.things <= 2 * THINGS * store.written.commits, "{:?}", store.written);
}
