//! `thingsbus snapshot diff`: what changed from one snapshot to another, or to what the directory has now.

use std::cmp::Ordering;

use anstyle::{AnsiColor, Style};
use thingsbus_adaptor::wire::{Namespace, SnapshotName, narrower};

use super::side::{Things, Told, Which, of_head, of_snapshot};
use crate::args::Global;
use crate::failure::Failure;
use crate::json::{compact, string};
use crate::numbers::{counted, grouped};
use crate::output::{ASIDE, NOTICE, Output};
use crate::text::{columns_left, cut, shown, width};
use crate::things::named;

const MORE: Style = AnsiColor::Green.on_default();
const LESS: Style = AnsiColor::Red.on_default();

/// Between an old value and a new one.
const ARROW: &str = " → ";

#[derive(Default)]
struct Counts {
    more: u64,
    less: u64,
    changed: u64,
    /// Said again: the same value, of another time.
    again: u64,
}

pub(super) fn run(
    name: SnapshotName,
    other: Which,
    under: Option<Namespace>,
    global: &Global,
    output: &mut Output,
) -> Result<(), Failure> {
    // That there is no such snapshot is not the answer that something differs.
    let trouble = |failure| match failure {
        Failure::Said(_, why) => Failure::failed(why),
        failure => failure,
    };
    let counts = compare(&name, &other, under, global, output).map_err(trouble)?;
    let Counts { more, less, changed, again } = counts;
    if more + less + changed == 0 {
        if !output.is_json() {
            let again = match again {
                0 => String::new(),
                again => format!("; {} said the same again", counted(again, "thing")),
            };
            output.line(format_args!("{name} and {other} have the same values{again}"))?;
        }
        return Ok(());
    }
    Err(Failure::nothing(format_args!(
        "from {name} to {other}: {} more, {} less, {} changed",
        grouped(more),
        grouped(less),
        grouped(changed)
    )))
}

fn compare(
    name: &SnapshotName,
    other: &Which,
    under: Option<Namespace>,
    global: &Global,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let (ns, old) = of_snapshot(name, global)?;
    let apart = || {
        Failure::failed(format_args!(
            "there is nothing to compare: {name} has what is below {}, which is another part of the directory",
            named(&ns)
        ))
    };
    let wanted = under.unwrap_or_default();
    let ns_both = narrower(&ns, &wanted).ok_or_else(apart)?.clone();
    let (scope, new) = match other {
        Which::Head => (ns_both.clone(), of_head(&ns_both, global)),
        Which::Snapshot(other) => {
            let (ns_other, new) = of_snapshot(other, global)?;
            (narrower(&ns_other, &ns_both).ok_or_else(apart)?.clone(), new)
        }
    };
    let (mut old, mut new) = (within(old, &scope), within(new, &scope));
    let mut counts = Counts::default();
    let (mut left, mut right) = (old.next().transpose()?, new.next().transpose()?);
    loop {
        let order = match (&left, &right) {
            (None, None) => return Ok(counts),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.ns.cmp(&right.ns),
        };
        print(
            left.as_ref().filter(|_| order.is_le()),
            right.as_ref().filter(|_| order.is_ge()),
            &mut counts,
            output,
        )?;
        if order.is_le() {
            left = old.next().transpose()?;
        }
        if order.is_ge() {
            right = new.next().transpose()?;
        }
    }
}

/// What of it is at or below `scope`.
fn within<'a>(things: Things<'a>, scope: &'a Namespace) -> impl Iterator<Item = Result<Told, Failure>> + 'a {
    things.filter(|told| told.as_ref().map_or(true, |told| told.ns == *scope || told.ns.is_under(scope)))
}

/// Prints how a thing differs, and counts it.
fn print(
    old: Option<&Told>,
    new: Option<&Told>,
    counts: &mut Counts,
    output: &mut Output,
) -> Result<(), Failure> {
    let (sign, style, change, count) = match (old, new) {
        (None, Some(_)) => ('+', MORE, "more", &mut counts.more),
        (Some(_), None) => ('-', LESS, "less", &mut counts.less),
        (Some(old), Some(new)) if is_same(old, new) => {
            counts.again += u64::from(old.ts != new.ts);
            return Ok(());
        }
        _ => ('~', NOTICE, "changed", &mut counts.changed),
    };
    *count += 1;
    let Some(told) = old.or(new) else { return Ok(()) };
    if output.is_json() {
        return output.line(json_line(&told.ns, change, old, new));
    }
    let name = named(&told.ns);
    let used = 2 + name.len() + 1;
    let columns = columns_left(output.width(), used);
    let value = |told: Option<&Told>| told.map(|told| shown(&compact(&told.data)).into_owned());
    let value = match (value(old), value(new)) {
        (Some(old_value), Some(new_value)) if old_value == new_value => {
            let url = |told: Option<&Told>| {
                let url = told.and_then(|told| told.documentation_url.as_deref());
                shown(url.unwrap_or("no documentation")).into_owned()
            };
            cut(&format!("{}{ARROW}{}", url(old), url(new)), columns).into_owned()
        }
        (Some(old), Some(new)) => {
            // What there is less of leaves its room to the other.
            let room = columns.saturating_sub(width(ARROW));
            let old_room = (room / 2).max(room.saturating_sub(width(&new)));
            let old = cut(&old, old_room).into_owned();
            let new = cut(&new, room.saturating_sub(width(&old))).into_owned();
            format!("{old}{}{new}", output.paint(ASIDE, ARROW))
        }
        (value, None) | (None, value) => cut(&value.unwrap_or_default(), columns).into_owned(),
    };
    let head = output.paint(style, format_args!("{sign} {name}")).to_string();
    output.line(format_args!("{head} {value}"))
}

/// Would loading it leave the thing alone, but for its time?
fn is_same(old: &Told, new: &Told) -> bool {
    (&old.data, &old.documentation_url) == (&new.data, &new.documentation_url)
}

fn json_line(ns: &Namespace, change: &str, old: Option<&Told>, new: Option<&Told>) -> String {
    let side = |told: Option<&Told>| {
        let Some(Told { ts, data, documentation_url, .. }) = told else { return "null".to_owned() };
        let ts = ts.map_or_else(|| "null".to_owned(), |ts| format!("{ts:?}"));
        let url = documentation_url.as_deref().map_or_else(|| "null".to_owned(), string);
        format!("{{\"ts\":{ts},\"data\":{data},\"documentation_url\":{url}}}")
    };
    format!("{{\"ns\":\"{ns}\",\"change\":\"{change}\",\"old\":{},\"new\":{}}}", side(old), side(new))
}
