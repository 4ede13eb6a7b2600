//! The freshness of things, by a clock that is an argument.

mod wheel;

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// One thing, and what is said of it.
struct Thing {
    freshness: Freshness,
    now: Instant,
    /// Which words it was given, and when: seconds after it spoke last.
    changes: Vec<(Word, f64)>,
    spoke: Instant,
}

const PLACE: usize = 3;

fn place() -> Place {
    Place::of_index(PLACE)
}

impl Thing {
    /// It speaks for the first time.
    fn new() -> Self {
        let now = Instant::now();
        let mut thing = Self { freshness: Freshness::default(), now, changes: Vec::new(), spoke: now };
        thing.speak();
        thing
    }

    /// It has spoken so often, with so much in between.
    fn with_gaps(gap: Duration, times: usize) -> Self {
        let mut thing = Self::new();
        thing.gaps(gap, times);
        thing
    }

    fn speak(&mut self) {
        let was = self.freshness.spoke(place(), self.now);
        self.spoke = self.now;
        if was.is_some() {
            self.changes.push((Word::Fresh, 0.0));
        }
    }

    fn gap(&mut self, gap: Duration) {
        self.wait(gap);
        self.speak();
    }

    fn gaps(&mut self, gap: Duration, times: usize) {
        (0..times).for_each(|_| self.gap(gap));
    }

    /// Time passes, and whenever something is due it is looked at.
    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let due = self.freshness.due().filter(|due| *due <= until);
            self.now = due.unwrap_or(until).max(self.now);
            while let look @ (Look::Same | Look::Changed(..)) = self.freshness.look(self.now) {
                if let Look::Changed(changed, _) = look {
                    assert_eq!(changed, place());
                    self.changes.push((self.word(), (self.now - self.spoke).as_secs_f64()));
                }
            }
            if due.is_none() {
                return;
            }
        }
    }

    fn word(&self) -> Word {
        self.freshness.expected(place()).freshness
    }

    fn told(&self) -> Option<(f64, f64)> {
        let rhythm = self.freshness.expected(place()).rhythm?;
        Some((rhythm.interval.as_secs_f64(), rhythm.deviation.as_secs_f64()))
    }

    /// How long it takes to be called late and silent from now on, where it speaks no more.
    fn dies(&mut self) -> (f64, f64) {
        self.changes.clear();
        self.wait(1_000 * DAY);
        match self.changes[..] {
            [(Word::Late, late), (Word::Silent, silent)] => (late, silent),
            _ => panic!("{:?}", self.changes),
        }
    }
}

#[track_caller]
fn assert_near(is: f64, wanted: f64) {
    assert!((is - wanted).abs() <= wanted * 0.03 + 0.3, "{is} is not {wanted}");
}

#[test]
fn what_speaks_evenly_is_late_after_two_and_a_half_times_that_and_silent_after_five() {
    for gap in [SECOND, 30 * SECOND, 10 * MINUTE, DAY] {
        let mut thing = Thing::with_gaps(gap, 50);
        assert_eq!(thing.changes, []);
        assert_near(thing.told().unwrap().0, gap.as_secs_f64());
        assert_near(thing.told().unwrap().1, 0.0);
        let (late, silent) = thing.dies();
        assert_near(late, 2.5 * gap.as_secs_f64());
        assert_near(silent, 5.0 * gap.as_secs_f64());
        assert_eq!(thing.freshness.late_and_silent(), (0, 1));
        thing.speak();
        assert_eq!((thing.word(), thing.freshness.late_and_silent()), (Word::Fresh, (0, 0)));
        assert_eq!(thing.changes.last(), Some(&(Word::Fresh, 0.0)));
    }
}

#[test]
fn nothing_is_late_within_a_second() {
    for gap in [10, 100] {
        let mut thing = Thing::with_gaps(Duration::from_millis(gap), 60_000 / gap as usize);
        let (late, silent) = thing.dies();
        assert!((1.0..1.3).contains(&late) && (3.0..3.3).contains(&silent), "{late} {silent}");
    }
}

#[test]
fn what_is_not_known_yet_is_fresh_for_ever() {
    let mut thing = Thing::new();
    thing.wait(30 * DAY);
    thing.gap(SECOND);
    thing.wait(30 * DAY);
    assert_eq!((thing.changes.len(), thing.told()), (0, None));
    // The third time it says how it speaks, where that is not within seconds. Most of all, in one moment there is nothing to be learned.
    let mut thing = Thing::with_gaps(Duration::ZERO, 100);
    thing.wait(30 * DAY);
    assert_eq!((thing.changes.len(), thing.told()), (0, None));
    let mut thing = Thing::with_gaps(30 * SECOND, 2);
    assert_near(thing.dies().0, 75.0);
}

#[test]
fn one_burst_is_no_habit() {
    const MILLISECOND: Duration = Duration::from_millis(1);
    for (gap, times) in [
        (100 * MILLISECOND, 20),
        (100 * MILLISECOND, 140),
        (MILLISECOND, 2_000),
        (SECOND, 5),
        (3 * SECOND, 3),
    ] {
        let mut thing = Thing::with_gaps(gap, times);
        thing.wait(30 * DAY);
        assert_eq!((thing.changes.len(), thing.told()), (0, None), "{times} of {gap:?}");
        // Nor are two: how often that will be is not known yet.
        thing.speak();
        thing.gaps(gap, times);
        thing.wait(30 * DAY);
        assert_eq!((thing.changes.len(), thing.told()), (0, None), "{times} of {gap:?}");
        // From here on it is.
        thing.speak();
        assert_near(thing.dies().0, 75.0 * DAY.as_secs_f64());
    }
}

#[test]
fn a_slider_that_is_dragged_now_and_then_is_not_missed_the_moment_it_is_let_go() {
    let mut thing = Thing::with_gaps(SECOND / 10, 20);
    for hours in [3, 2, 4, 1, 5, 2, 3, 6, 2, 1].repeat(20) {
        thing.gap(hours * 60 * MINUTE);
        thing.gaps(SECOND / 10, 20);
    }
    assert_eq!(thing.changes, []);
    assert!(thing.told().unwrap().0 > 3_600.0, "{:?}", thing.told());
    assert!(thing.dies().0 > 4.0 * 3_600.0);
}

#[test]
fn a_switch_that_is_tried_and_then_left_alone_is_not_missed() {
    let mut thing = Thing::new();
    for gap in [1, 1, 7, 2, 1, 12, 3] {
        thing.gap(gap * SECOND);
    }
    // Half a minute, and not counting the longest time somewhat less.
    thing.wait(30 * DAY);
    assert_eq!((thing.changes.len(), thing.told()), (0, None));
}

#[test]
fn what_is_learned_before_a_restart_counts_and_a_burst_is_none_after_it_either() {
    let restart = |thing: &mut Thing| {
        let learned = thing.freshness.learned(place()).unwrap();
        thing.freshness = Freshness::default();
        thing.freshness.restore(place(), &learned, SECOND);
        thing.wait(Duration::ZERO);
        thing.speak();
    };
    let mut thing = Thing::with_gaps(SECOND / 10, 20);
    for _ in 0..50 {
        restart(&mut thing);
        thing.gaps(SECOND / 10, 20);
    }
    thing.wait(30 * DAY);
    assert_eq!((thing.changes.len(), thing.told()), (0, None));
    // One long gap in each of two lives is two.
    let mut thing = Thing::with_gaps(DAY, 1);
    restart(&mut thing);
    thing.gap(DAY);
    assert_near(thing.dies().0, 2.5 * DAY.as_secs_f64());
}

#[test]
fn ten_updates_every_ten_minutes_are_every_ten_minutes() {
    let mut thing = Thing::with_gaps(10 * MINUTE, 3);
    for _ in 0..50 {
        thing.gaps(SECOND / 10, 9);
        thing.gap(10 * MINUTE);
    }
    assert_eq!(thing.changes, []);
    assert_near(thing.told().unwrap().0, 600.0);
    let rate = thing.freshness.expected(place()).rhythm.unwrap().rate;
    assert!((9.0..11.0).contains(&(rate * 600.0)), "{rate}");
    assert_near(thing.dies().0, 1_500.0);
}

#[test]
fn one_outage_is_no_habit_and_two_of_one_length_are() {
    let mut thing = Thing::with_gaps(SECOND, 100);
    thing.gap(2 * DAY);
    thing.gaps(SECOND, 3);
    assert_near(thing.dies().0, 2.5);
    let mut thing = Thing::with_gaps(SECOND, 100);
    thing.gap(MINUTE);
    thing.gaps(SECOND, 100);
    thing.gap(MINUTE);
    thing.gaps(SECOND, 10);
    assert!((100.0..150.0).contains(&thing.dies().0));
    // And it is forgotten.
    thing.speak();
    thing.gaps(SECOND, 64 * 60 * 2);
    assert_near(thing.dies().0, 2.5);
    assert_near(thing.told().unwrap().0, 1.0);
}

#[test]
fn another_pace_is_learned_at_the_second_gap_and_unlearned_in_time() {
    let mut thing = Thing::with_gaps(SECOND, 1_000);
    thing.gaps(MINUTE, 2);
    thing.changes.clear();
    thing.gaps(MINUTE, 100);
    assert_eq!(thing.changes, []);
    assert_near(thing.told().unwrap().0, 60.0);
    thing.gaps(SECOND, 64 * 60 + 10);
    assert_near(thing.told().unwrap().0, 1.0);
    assert_near(thing.dies().1, 5.0);
}

#[test]
fn nobody_is_held_to_account_for_the_time_in_which_nobody_listened() {
    let learned = Thing::with_gaps(30 * SECOND, 50).freshness.learned(place()).unwrap();
    let again = |quiet| {
        let mut thing = Thing::new();
        thing.freshness = Freshness::default();
        thing.freshness.restore(place(), &learned, quiet);
        thing
    };
    // Ten seconds before the end it spoke; it has the rest from now on.
    let mut thing = again(10 * SECOND);
    thing.wait(Duration::ZERO);
    assert_eq!((thing.word(), thing.told().unwrap().0), (Word::Fresh, 30.0));
    assert_near(thing.dies().0, 65.0);
    // It was silent then, and is without a word about it.
    let mut thing = again(400 * DAY);
    assert_eq!((thing.word(), thing.freshness.late_and_silent()), (Word::Silent, (0, 1)));
    thing.wait(DAY);
    assert_eq!(thing.changes, []);
    thing.speak();
    assert_eq!((thing.word(), thing.changes.len()), (Word::Fresh, 1));
    // What was in between is not learned.
    thing.gaps(30 * SECOND, 5);
    assert_near(thing.dies().0, 75.0);
    let kept = again(SECOND).freshness.learned(place()).unwrap();
    assert_eq!((kept.mean, kept.gaps), (learned.mean, learned.gaps));
    assert!((kept.second - learned.second).abs() < 0.01, "{kept:?}");
}

#[test]
fn what_is_broken_on_disk_is_nothing_learned() {
    let good = Thing::with_gaps(SECOND, 50).freshness.learned(place()).unwrap();
    for number in [f32::NAN, f32::INFINITY, -1.0, f32::MAX] {
        for learned in [
            Learned { mean: number, ..good },
            Learned { deviation: number, ..good },
            Learned { rate: number, ..good },
            Learned { longest: number, ..good },
            Learned { second: number, ..good },
        ] {
            let mut thing = Thing::new();
            thing.freshness.restore(place(), &learned, SECOND);
            thing.speak();
            thing.gaps(SECOND, 10);
            thing.wait(DAY);
        }
    }
}

#[test]
fn what_is_forgotten_leaves_nothing_to_who_comes_to_its_place() {
    let mut thing = Thing::with_gaps(DAY, 10);
    thing.wait(3 * DAY);
    assert_eq!(thing.freshness.late_and_silent(), (1, 0));
    thing.freshness.forget(place());
    assert_eq!((thing.word(), thing.told(), thing.freshness.due()), (Word::Fresh, None, None));
    assert_eq!(thing.freshness.late_and_silent(), (0, 0));
    thing.speak();
    thing.gaps(SECOND, 40);
    assert_near(thing.dies().0, 2.5);
}

#[test]
fn a_million_that_are_due_together_are_looked_at_one_by_one() {
    const THINGS: usize = 1_000_000;
    let mut freshness = Freshness::default();
    let begun = Instant::now();
    for minute in 0..4 {
        for index in 0..THINGS {
            let _ = freshness.spoke(Place::of_index(index), begun + minute * MINUTE);
        }
    }
    while freshness.look(begun + 4 * MINUTE) != Look::Nothing {}
    assert_eq!(freshness.late_and_silent(), (0, 0));
    let now = begun + 6 * MINUTE;
    assert!(freshness.due().is_some_and(|due| due <= now));
    for count in 1..=THINGS {
        assert!(matches!(freshness.look(now), Look::Changed(_, Word::Fresh)), "{count}");
        assert_eq!(freshness.late_and_silent().0, count);
    }
    assert_eq!(freshness.look(now), Look::Nothing);
    assert!(size_of::<Pace>() <= 40);
}

proptest! {
    /// Several things speak when they like, and whoever waits for what is due sees the words that each thing's pace says.
    #[test]
    fn words_come_when_they_are_due_and_in_their_order(
        steps in prop::collection::vec((0..4usize, 0..4u32, 0..1_000_000u64), 1..120),
    ) {
        let mut freshness = Freshness::default();
        let mut now = Instant::now();
        let mut words = [Word::Fresh; 4];
        for (index, digits, time) in steps {
            now += Duration::from_micros(time * 10u64.pow(digits * 2));
            while let look @ (Look::Same | Look::Changed(..)) = freshness.look(now) {
                let Look::Changed(place, was) = look else { continue };
                let word = freshness.expected(place).freshness;
                prop_assert_eq!(was, words[place.index()]);
                prop_assert!(word > was);
                words[place.index()] = word;
            }
            for (index, word) in words.iter().enumerate() {
                let seconds = freshness.seconds(now);
                let Some(pace) = freshness.paces.get(index) else { continue };
                prop_assert_eq!(pace.word, *word);
                // A slot's time is not over yet.
                let slot = 0.263;
                prop_assert!(pace.word_at(seconds - slot) <= *word);
                prop_assert!(pace.due() + slot > seconds);
            }
            let was = freshness.spoke(Place::of_index(index), now);
            prop_assert_eq!(was, Some(words[index]).filter(|word| *word != Word::Fresh));
            words[index] = Word::Fresh;
            let late = words.iter().filter(|word| **word == Word::Late).count();
            let silent = words.iter().filter(|word| **word == Word::Silent).count();
            prop_assert_eq!(freshness.late_and_silent(), (late, silent));
        }
    }

    /// No update makes the time at which a thing is late an earlier one: it would not be looked at then.
    #[test]
    fn speaking_never_makes_a_thing_late_sooner(
        gaps in prop::collection::vec((0..5u32, 1..1_000_000u64), 1..200),
    ) {
        let mut pace = Pace::default();
        let mut now = BEGIN;
        let mut due = f64::INFINITY;
        for (digits, gap) in gaps {
            now += gap as f64 / 1e6 * 10f64.powi(digits as i32 * 2);
            let was_late = due <= now;
            pace.spoke(now);
            let next = pace.due();
            prop_assert!(was_late || due.is_infinite() || next >= due, "{due:?} {next:?}");
            prop_assert!(pace.silent_after() >= pace.late_after());
            due = next;
        }
    }

    /// Whatever the clock says.
    #[test]
    fn a_clock_that_goes_back_breaks_nothing(times in prop::collection::vec(any::<u64>(), 1..50)) {
        let mut pace = Pace::default();
        for time in times {
            let time = time as f64;
            pace.spoke(time);
            pace.spoke_anew(time / 2.0);
            let _ = (pace.due(), pace.word_at(time), pace.told(), pace.learned());
        }
    }
}
