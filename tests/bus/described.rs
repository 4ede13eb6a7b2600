//! The web door as it describes itself: programs that nobody here wrote read that, and find nothing wrong.

use std::net::SocketAddr;
use std::process::Command;

use crate::support::process::Process;
use crate::support::program::BrokerProgram;
use crate::support::python::schemathesis;
use crate::support::scratch::ScratchFolder;

/// How many requests of each kind are made up, besides those that the description leads to.
const EXAMPLES: &str = "15";

/// The same requests each time. `THINGSBUS_SEED` makes others.
const SEED: &str = "1";

/// What is asked without an end is left out; it is tried by what reads it.
#[test]
fn schemathesis_finds_nothing_that_is_not_as_it_is_described() {
    let folder = ScratchFolder::new();
    let data = folder.path("data");
    let broker = BrokerProgram::start(&["--data", data.to_str().expect("a path")]);
    let configuration = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bus/described/schemathesis.toml");
    let mut command = Command::new(schemathesis());
    command.current_dir(folder.path("")).args(["--config-file", configuration, "run"]);
    command.arg(format!("http://{}/openapi.json", broker.doors().web));
    command.args([
        "--exclude-path",
        "/events",
        "--exclude-path",
        "/ws",
        "--exclude-operation-id",
        "watch_things",
    ]);
    let seed = std::env::var("THINGSBUS_SEED");
    command.args(["--seed", seed.as_deref().unwrap_or(SEED)]);
    command.args(["--max-examples", EXAMPLES, "--request-timeout", "10", "--no-color"]);
    check(Process::start("schemathesis", &mut command));
}

#[test]
fn promtool_finds_nothing_that_is_not_usual_in_metrics() {
    let broker = BrokerProgram::start(&["--set", "web.metrics_of=shop"]);
    let web = broker.doors().web;
    curl(
        web,
        "/things/shop.lathe",
        &["-X", "PUT", "-d", r#"{"rpm": 1200, "axes": [0.5, true], "name": "a"}"#],
    );
    let metrics = curl(web, "/metrics", &[]);
    for line in [
        "thingsbus_things 1",
        r#"thingsbus_updates_accepted_total{door="http"} 1"#,
        r#"thingsbus_thing_value{ns="shop.lathe",path="/rpm"} 1200"#,
        r#"thingsbus_thing_value{ns="shop.lathe",path="/axes/1"} 1"#,
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line}: {metrics}");
    }
    let mut promtool = Process::start("promtool", Command::new("promtool").args(["check", "metrics"]));
    promtool.write_line(metrics.trim_end());
    promtool.close_input();
    check(promtool);
}

#[track_caller]
fn check(mut process: Process) {
    let ended = process.wait();
    assert!(ended.success(), "{ended}\n{}", process.said());
}

fn curl(web: SocketAddr, path: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("curl");
    let output = command.args(["-sS", "--fail-with-body"]).args(arguments).arg(format!("http://{web}{path}"));
    let output = output.output().expect("these tests run curl");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{path}: {text} {}", String::from_utf8_lossy(&output.stderr));
    text
}
