//! The names there are that are most like one that there is not.

/// What is less alike is no help.
const LIKENESS_MIN: f64 = 0.8;

/// How alike a name is of which only the beginning or the end was written.
const WITHIN: f64 = 0.99;

/// What is so much less alike than the best is not meant.
const LIKENESS_LESS_MAX: f64 = 0.06;

/// The most that are named.
const NAMED_MAX: usize = 3;

/// Up to three of `names`, the most alike first.
#[must_use]
pub fn nearest<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut alike: Vec<(f64, &str)> = names
        .map(|name| (likeness(wanted, name), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .collect();
    alike.sort_by(|(a, a_name), (b, b_name)| b.total_cmp(a).then(a_name.cmp(b_name)));
    let best = alike.first().map_or(0.0, |(likeness, _)| *likeness);
    let meant = alike.into_iter().take_while(|(likeness, _)| best - likeness <= LIKENESS_LESS_MAX);
    meant.map(|(_, name)| name).take(NAMED_MAX).collect()
}

/// From 0 to 1. Besides letters that differ, people leave out the beginning, or the end.
fn likeness(wanted: &str, name: &str) -> f64 {
    let tail = name.strip_suffix(wanted).is_some_and(|above| above.ends_with('.'));
    if tail || name.starts_with(wanted) { WITHIN } else { strsim::jaro(wanted, name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_and_what_was_left_out() {
        let names =
            ["shop.lathe", "shop.lathe.spindle", "shop.temperature", "roof.wind.speed", "office.light"];
        let check = |wanted: &str, first: Option<&str>| {
            let near = nearest(wanted, names.iter().copied());
            assert_eq!(near, Vec::from_iter(first), "{wanted}");
        };
        check("shop.temp", Some("shop.temperature"));
        check("shop.temprature", Some("shop.temperature"));
        check("shop.late", Some("shop.lathe"));
        check("temperature", Some("shop.temperature"));
        check("wind.speed", Some("roof.wind.speed"));
        check("ofice.light", Some("office.light"));
        check("garden.pond", None);
    }

    #[test]
    fn not_all_of_many() {
        let names: Vec<String> = (0..100).map(|number| format!("room.sensor{number}")).collect();
        assert_eq!(nearest("room.sensors", names.iter().map(String::as_str)).len(), NAMED_MAX);
    }
}
