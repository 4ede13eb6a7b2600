//! Things with their last values, as several commands print them.

use thingsbus_adaptor::wire::{Expected, Namespace, Timestamp, Update, Words};
use thingsbus_client::directory::nearest;
use thingsbus_client::mirror::Kind;
use thingsbus_client::{Client, Latest, Parts, PastThing, as_of, freshness};

use crate::age::age_text;
use crate::args::Global;
use crate::broker;
use crate::clock::date_and_time;
use crate::failure::Failure;
use crate::json::{compact, pretty};
use crate::numbers::counted;
use crate::output::{ASIDE, HEAD, Output, tell};
use crate::text::{shown, width};

/// A `ts` that differs from when the broker received it by more than this is worth a word, in seconds.
const TS_DIFFERS_S: f64 = 2.0;

/// A thing that spoke.
pub(crate) struct Entry {
    pub(crate) ns: Namespace,
    pub(crate) latest: Latest,
    /// `None` where the broker does not tell.
    pub(crate) expected: Option<Expected>,
}

/// The thing `ns` and all below it that spoke, by name.
pub(crate) fn entries(client: &Client, ns: &Namespace) -> Vec<Entry> {
    let things = client.directory().all_things().into_iter();
    things
        .filter(|thing| thing.ns() == ns || thing.ns().is_under(ns))
        .filter_map(|thing| Some(Entry { latest: thing.latest()?, ns: thing.ns().clone(), expected: None }))
        .collect()
}

/// All of `ns` and below; that there is nothing is told, and is a failure where a namespace was asked for.
pub(crate) fn listed(global: &Global, ns: &Namespace) -> Result<Vec<Entry>, Failure> {
    listed_by(global, ns).map(|(entries, _)| entries)
}

/// The same, and what kind of broker tells it.
fn listed_by(global: &Global, ns: &Namespace) -> Result<(Vec<Entry>, Kind), Failure> {
    let client = broker::complete(global, &Parts::Only(vec![(ns.clone(), true)]))?;
    let entries = entries(&client, ns);
    if entries.is_empty() {
        if !ns.is_root() {
            return Err(not_there(global, &client, ns));
        }
        tell("nothing has spoken yet: the directory is empty");
    }
    Ok((entries, client.connection().kind))
}

/// The same, with how fresh they are, and of those that are to be `words` alone where some are asked for.
pub(crate) fn listed_with_freshness(
    global: &Global,
    ns: &Namespace,
    words: Option<Words>,
) -> Result<Vec<Entry>, Failure> {
    let (mut entries, kind) = listed_by(global, ns)?;
    let broker = broker::chosen(global)?;
    if kind == Kind::Old {
        let why = format_args!("{broker} is a 0.2.1 broker, which does not know how fresh things are");
        return if words.is_some() { Err(Failure::failed(why)) } else { Ok(entries) };
    }
    let told = freshness(&broker, ns, words.unwrap_or(Words::ALL), broker::timeout(global));
    let told = told.map_err(Failure::failed)?;
    for entry in &mut entries {
        entry.expected = told.get(&entry.ns).copied();
    }
    if words.is_some() {
        entries.retain(|entry| entry.expected.is_some());
    }
    Ok(entries)
}

/// All of `ns` and below as it was at a moment; that there was nothing is a failure.
pub(crate) fn listed_as_of(global: &Global, ns: &Namespace, at: Timestamp) -> Result<Vec<Entry>, Failure> {
    let broker = broker::chosen(global)?;
    let things = as_of(&broker, ns, true, at, broker::timeout(global)).map_err(Failure::failed)?;
    if things.is_empty() {
        return Err(Failure::nothing(format_args!(
            "nothing is known of {} as it was at {}",
            if ns.is_root() { "the directory" } else { ns.as_str() },
            date_and_time(at)
        )));
    }
    Ok(things.into_iter().map(|PastThing { ns, latest }| Entry { ns, latest, expected: None }).collect())
}

/// The update that says the value, as JSON with its age.
pub(crate) fn json_line(ns: &Namespace, latest: &Latest) -> Vec<u8> {
    let Latest { data, ts, documentation_url, seq, age, .. } = latest;
    aged(
        &Update::from_checked(ns.as_str(), Some(*ts), data, documentation_url.as_deref(), *seq),
        age.as_secs_f64(),
    )
}

/// The same, with how fresh it is.
pub(crate) fn json_line_with_freshness(entry: &Entry) -> Vec<u8> {
    let mut line = json_line(&entry.ns, &entry.latest);
    if let Some(expected) = &entry.expected {
        line.pop();
        line.push(b',');
        expected.push_fields(&mut line);
        line.push(b'}');
    }
    line
}

/// An update as JSON, with an age.
pub(crate) fn aged(update: &Update<'_>, age_s: f64) -> Vec<u8> {
    let mut line = update.to_json();
    line.pop();
    line.extend_from_slice(format!(",\"age\":{age_s:.3}}}").as_bytes());
    line
}

/// Prints one thing's value: all of it, or with `data_only` the JSON value alone.
pub(crate) fn print(
    output: &mut Output,
    ns: &Namespace,
    latest: &Latest,
    data_only: bool,
) -> Result<(), Failure> {
    if data_only {
        return output.line(&latest.data);
    }
    if output.is_json() {
        return output.bytes(&json_line(ns, latest));
    }
    let mut aside = vec![format!("{} ago", age_text(latest.age))];
    aside.extend(ts_aside(latest));
    aside.extend(latest.documentation_url.as_deref().map(|url| shown(url).into_owned()));
    let name = named(ns);
    let joined = aside.join(", ");
    if name.len() + 2 + width(&joined) <= output.width() {
        let line = format!("{}  {}", output.paint(HEAD, name), output.paint(ASIDE, joined));
        output.line(line)?;
    } else {
        let line = output.paint(HEAD, name).to_string();
        output.line(line)?;
        for aside in aside {
            let line = output.paint(ASIDE, aside).to_string();
            output.line(line)?;
        }
    }
    let short = compact(&latest.data);
    let value = if width(&short) <= output.width() { short } else { pretty(&latest.data) };
    for line in value.lines() {
        output.line(shown(line))?;
    }
    Ok(())
}

/// What a thing is called: the root has no name.
pub(crate) fn named(ns: &Namespace) -> &str {
    if ns.is_root() { "(root)" } else { ns.as_str() }
}

/// Why there is no value of `ns`: what lies below it, or what is called most like it.
pub(crate) fn not_there(global: &Global, client: &Client, ns: &Namespace) -> Failure {
    let mut why = format!("no thing {}", named(ns));
    if client.connection().kind == Kind::Old {
        // It would be waited for once more, and what it tells is not all there is.
        why += " (a 0.2.1 broker tells only of things that it heard in the last minute)";
        return Failure::nothing(why);
    }
    let all = broker::complete(global, &Parts::All).map(|all| entries(&all, &Namespace::root()));
    let Ok(all) = all else { return Failure::nothing(why) };
    let below: Vec<&str> =
        all.iter().filter(|entry| entry.ns.is_under(ns)).map(|entry| entry.ns.as_str()).collect();
    let near = nearest(ns.as_str(), all.iter().map(|entry| entry.ns.as_str()));
    if let [first, ..] = below.as_slice() {
        let things = counted(below.len() as u64, "thing");
        why = format!("{} has no value of its own; below it: {things}, such as {first}", named(ns));
    } else if !near.is_empty() {
        why += &format!("; did you mean {}?", near.join(" or "));
    } else if all.is_empty() {
        why += ": the broker's directory is empty";
    } else {
        why += "; `thingsbus ls` lists those there are";
    }
    Failure::nothing(why)
}

/// What the sender says when it was, where that is not when it came.
fn ts_aside(latest: &Latest) -> Option<String> {
    let now = Timestamp::from_system_time(std::time::SystemTime::now());
    let differs = now.seconds() - latest.age.as_secs_f64() - latest.ts.seconds();
    (differs.abs() > TS_DIFFERS_S).then(|| format!("of {}", date_and_time(latest.ts)))
}
