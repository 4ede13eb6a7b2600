//! The parts of the page that need no browser, and those that are not of this project.

use std::path::Path;
use std::process::Command;

use crate::support::node;
use crate::support::process::Process;
use crate::support::wait::PATIENCE;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn what_needs_no_browser_passes_its_own_tests() {
    let mut node = Command::new("node");
    let mut node = Process::start("node --test", node.args(["--test", "tests/page/"]).current_dir(ROOT));
    let ended = node.wait_within(PATIENCE).unwrap_or_else(|| panic!("it does not end\n{}", node.said()));
    assert!(ended.success(), "{}", node.said());
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
