//! A browser without a window: Debian's chromium, driven by its chromedriver.

use std::path::Path;
use std::process::Command;

use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::node;
use super::process::Process;
use super::scratch::ScratchFolder;
use super::wait::PATIENCE;

/// What finds faults in what pages are for people who do not see or point.
const AXE: &str = "axe-core@4.14.1";

/// A browser with one page. Where that logs an error which the test does not take, the test fails.
pub struct Browser {
    runtime: Runtime,
    client: Client,
    /// Ended after the session is, which takes chromium with it.
    _driver: Process,
    _folder: ScratchFolder,
}

impl Browser {
    /// As large as a small laptop's, with light colours.
    pub fn start() -> Self {
        let folder = ScratchFolder::new();
        let mut driver = Command::new("chromedriver");
        // Its profile is there.
        driver.arg("--port=0").env("TMPDIR", folder.path(""));
        let mut driver = Process::start("chromedriver (apt install chromium-driver)", &mut driver);
        let line = driver.find("successfully on port ");
        let port = line.rsplit(' ').next().expect("a port").trim_end_matches('.').to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connecting = builder.capabilities(capabilities());
        let client = runtime.block_on(connecting.connect(&format!("http://127.0.0.1:{port}")));
        let client = client.unwrap_or_else(|error| panic!("no chromium: {error}\n{}", driver.said()));
        let browser = Self { runtime, client, _driver: driver, _folder: folder };
        browser.resize(1_280, 800);
        browser.prefer(&[("prefers-color-scheme", "light")]);
        browser
    }

    /// Goes to an address, and is back when that is loaded.
    #[track_caller]
    pub fn open(&self, url: &str) {
        self.done(url, self.client.goto(url));
    }

    /// Makes the page so large, in CSS pixels.
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size);
    }

    /// What the user prefers, as media queries ask for it: `("prefers-color-scheme", "dark")`. What is not named here is as
    /// it is without anything.
    pub fn prefer(&self, features: &[(&str, &str)]) {
        let features: Vec<Value> =
            features.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Takes the network away, and gives it back.
    pub fn set_offline(&self, offline: bool) {
        self.devtools("Network.enable", json!({}));
        let conditions =
            json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.devtools("Network.emulateNetworkConditions", conditions);
    }

    /// What an expression of JavaScript is in the page; of a promise, what it becomes.
    #[track_caller]
    pub fn eval(&self, expression: &str) -> Value {
        let script = format!("return (async () => ({expression}))()");
        self.done(expression, self.client.execute(&script, Vec::new()))
    }

    /// Waits in the page until an expression is true, and gives what it is then. One that throws is not true yet.
    #[track_caller]
    pub fn until(&self, condition: &str) -> Value {
        let script = format!(
            "const done = arguments[0];
            const look = async () => {{
                const value = await (async () => ({condition}))().catch(() => false);
                if (value) done(value); else setTimeout(look, 10);
            }};
            look();"
        );
        self.done(condition, self.client.execute_async(&script, Vec::new()))
    }

    /// Clicks on the first element that a CSS selector finds.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        let clicking = async { self.client.find(Locator::Css(selector)).await?.click().await };
        self.done(selector, clicking);
    }

    /// Types into it, after what is there.
    #[track_caller]
    pub fn type_into(&self, selector: &str, text: &str) {
        let typing = async { self.client.find(Locator::Css(selector)).await?.send_keys(text).await };
        self.done(selector, typing);
    }

    /// Writes what is to be seen into a file, as PNG.
    #[track_caller]
    pub fn screenshot(&self, path: &Path) {
        let png = self.done("a screenshot", self.client.screenshot());
        std::fs::write(path, png).expect("a file can be written");
    }

    /// What the page has logged as errors since this was asked last, what it could not load among them.
    pub fn errors(&self) -> Vec<String> {
        let log = self
            .done("the log", self.client.issue_cmd(Own { path: "se/log", body: json!({"type": "browser"}) }));
        let entries = log.as_array().expect("entries");
        let errors = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        errors.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// How much memory the page's JavaScript holds, in bytes, without what nobody needs any more.
    pub fn memory(&self) -> u64 {
        self.devtools("HeapProfiler.collectGarbage", json!({}));
        self.devtools("Runtime.getHeapUsage", json!({}))["usedSize"].as_f64().expect("bytes") as u64
    }

    /// What axe finds that is serious or critical.
    #[track_caller]
    pub fn axe(&self) -> Vec<String> {
        let source = node::modules(AXE).join("axe-core/axe.min.js");
        let source = std::fs::read_to_string(source).expect("axe is there");
        self.done("axe", self.client.execute(&source, Vec::new()));
        let found = self.eval(
            "(await axe.run(document, { resultTypes: ['violations'] })).violations
                .filter(({ impact }) => ['serious', 'critical'].includes(impact))
                .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)",
        );
        serde_json::from_value(found).expect("a list of texts")
    }

    /// A command of the DevTools protocol.
    #[track_caller]
    fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.done(command, self.client.issue_cmd(Own { path: "goog/cdp/execute", body }))
    }

    #[track_caller]
    fn done<T, E: std::fmt::Display>(&self, what: &str, doing: impl Future<Output = Result<T, E>>) -> T {
        self.runtime.block_on(doing).unwrap_or_else(|error| panic!("{what}: {error}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let errors = if std::thread::panicking() { Vec::new() } else { self.errors() };
        // Where the session has ended already there is no chromium any more.
        let _ = self.runtime.block_on(self.client.clone().close());
        assert!(errors.is_empty(), "the page logged errors: {errors:#?}");
    }
}

/// No window, no name but this machine's, and all that the page logs.
fn capabilities() -> Capabilities {
    let mut arguments = vec![
        "--headless=new",
        "--no-first-run",
        "--disable-background-networking",
        // In containers there may be little of what is shared otherwise.
        "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]",
    ];
    if rustix::process::geteuid().is_root() {
        // For root there is no sandbox.
        arguments.push("--no-sandbox");
    }
    let patience = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
    let all = json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
        "timeouts": { "script": patience, "pageLoad": patience },
    });
    all.as_object().expect("an object").clone()
}

/// A command that chromedriver has beyond WebDriver.
#[derive(Debug)]
struct Own {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
