//! A number that was found, and what was wanted of it.

use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub what: String,
    pub value: f64,
    pub unit: &'static str,
    pub wanted: Option<Wanted>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

impl Finding {
    pub fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, unit, wanted: None }
    }

    pub fn at_least(self, wanted: f64) -> Self {
        Self { wanted: Some(Wanted::AtLeast(wanted)), ..self }
    }

    pub fn at_most(self, wanted: f64) -> Self {
        Self { wanted: Some(Wanted::AtMost(wanted)), ..self }
    }

    /// Is it as wanted? `None` where nothing was.
    pub fn good(&self) -> Option<bool> {
        self.wanted.map(|wanted| match wanted {
            Wanted::AtLeast(least) => self.value >= least,
            Wanted::AtMost(most) => self.value <= most,
        })
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "at least {}", number(*least)),
            Self::AtMost(most) => write!(f, "at most {}", number(*most)),
        }
    }
}

/// A number for people: as many digits as mean something.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        value if value == 0.0 || value >= 1_000.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), ""), |(whole, fraction)| (whole, fraction));
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0
            && digit.is_ascii_digit()
            && (whole.len() - place).is_multiple_of(3)
            && !out.ends_with('-')
        {
            out.push(',');
        }
        out.push(digit);
    }
    match fraction.trim_end_matches('0') {
        "" => out,
        fraction => out + "." + fraction,
    }
}

/// The value in the middle; `None` of none.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

/// The same findings of several rounds as one, with the medians of their values.
pub fn medians(rounds: &[Vec<Finding>]) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for finding in rounds.iter().flatten() {
        if out.iter().all(|known| known.what != finding.what) {
            let same = rounds.iter().flatten().filter(|other| other.what == finding.what);
            let value = median(same.map(|finding| finding.value)).unwrap_or(f64::NAN);
            out.push(Finding { value, ..finding.clone() });
        }
    }
    out
}
