//! What a message costs, function by function: in time by criterion, in instructions under valgrind.
//!
//! `cargo bench --bench functions` measures times (`-- hub` those with "hub" in their name); `benches/instructions`
//! counts instructions, which do not shake on a shared machine.

mod codec;
mod directory;
mod hub;

use criterion::Criterion;

/// A function to be measured, ready to be called again and again.
type Work = Box<dyn FnMut()>;

/// Its name, and what makes it ready.
type Case = (&'static str, fn() -> Work);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--names"] => cases().for_each(|(name, _)| println!("{name}")),
        ["--repeat", name, times] => repeat(name, times.parse().expect("a number")),
        _ => measure(),
    }
}

fn cases() -> impl Iterator<Item = Case> {
    codec::CASES.iter().chain(directory::CASES).chain(hub::CASES).copied()
}

fn measure() {
    let mut criterion = Criterion::default().configure_from_args();
    for (name, make) in cases() {
        let mut work = None; // Made when it is wanted, and once: criterion calls the closure often.
        criterion.bench_function(name, |bencher| bencher.iter(work.get_or_insert_with(make)));
    }
    criterion.final_summary();
}

/// Nothing but the work, so that two runs with different `times` differ by the work alone.
fn repeat(name: &str, times: usize) {
    let (_, make) = cases().find(|case| case.0 == name).expect("one of --names");
    let mut work = make();
    (0..times).for_each(|_| work());
}
