//! The parts of the page that need no browser, and those that are not of this project.

use std::path::Path;
use std::process::Command;

use crate::support::node;
use crate::support::program::Ended;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn what_needs_no_browser_passes_its_own_tests() {
    let ended = Ended::of(Command::new("node").arg("--test").arg("tests/page/").current_dir(ROOT));
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    assert!(!ended.stdout.contains("# pass 0"), "{}", ended.stdout);
}

#[test]
fn what_is_of_others_is_as_they_made_it() {
    let vendor = Path::new(ROOT).join("broker/src/door/web/page/vendor");
    for (file, package, theirs) in [
        ("preact.js", "htm@3.1.1", "htm/preact/standalone.module.js"),
        ("uplot.js", "uplot@1.6.32", "uplot/dist/uPlot.iife.min.js"),
        ("uplot.css", "uplot@1.6.32", "uplot/dist/uPlot.min.css"),
    ] {
        let theirs = std::fs::read(node::modules(package).join(theirs)).expect("the package has it");
        assert!(std::fs::read(vendor.join(file)).expect("it is there") == theirs, "{file} of {package}");
    }
}
