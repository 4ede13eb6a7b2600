//! The wheel beside a list of times.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::hub::freshness::wheel::Wheel;

#[derive(Clone, Debug)]
enum Step {
    Set(usize, u64),
    Remove(usize),
    Pass(u64),
}

/// Times of all sizes, from nothing to a thousand years.
fn time() -> impl Strategy<Value = u64> {
    (0..55u32, any::<u64>()).prop_map(|(bits, time)| time & ((1 << bits) - 1))
}

#[test]
fn what_is_never_due_does_not_wake_anybody() {
    let mut wheel = Wheel::default();
    wheel.set(0, u64::MAX);
    assert_eq!(wheel.pop(1 << 61), None);
    assert!(wheel.due() > Some(1 << 61), "{:?}", wheel.due());
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..20usize, time()).prop_map(|(place, time)| Step::Set(place, time)),
        1 => (0..20usize).prop_map(Step::Remove),
        2 => time().prop_map(Step::Pass),
    ]
}

proptest! {
    #[test]
    fn it_gives_each_thing_when_its_time_has_come(steps in prop::collection::vec(step(), 1..100)) {
        let mut wheel = Wheel::default();
        let mut list: BTreeMap<usize, u64> = BTreeMap::new();
        let mut now = 0;
        for step in steps {
            match step {
                Step::Set(place, time) => {
                    wheel.set(place, now + time);
                    list.insert(place, now + time);
                }
                Step::Remove(place) => {
                    wheel.remove(place);
                    list.remove(&place);
                }
                Step::Pass(time) => {
                    now += time;
                    while let Some(place) = wheel.pop(now) {
                        let due = list.remove(&place);
                        prop_assert!(due.is_some(), "it was taken out, or given twice");
                        if due > Some(now) {
                            wheel.set(place, due.unwrap());
                            list.insert(place, due.unwrap());
                        }
                    }
                    prop_assert!(list.values().all(|due| due + (1 << 18) > now), "one was left behind");
                }
            }
            let first = list.values().min();
            prop_assert_eq!(wheel.due().is_some(), first.is_some());
            prop_assert!(wheel.due() <= first.map(|first| first + (1 << 18)), "who waits for that is too late");
        }
    }
}
