//! The name of a thing: `shop.lathe.spindle`.

use super::limits::{NAMESPACE_BYTES_MAX, NAMESPACE_PART_BYTES_MAX, NAMESPACE_PARTS_MAX};

/// The name of a thing: parts joined by dots, each a small letter and up to 63 more of `a-z 0-9 _ -`
/// (0.2.1's rule); at most 32 parts and 1,024 bytes. The empty namespace is the root.
///
/// ```
/// use thingsbus_adaptor::wire::Namespace;
/// let spindle: Namespace = "shop.lathe.spindle".parse()?;
/// assert_eq!(spindle.parent().unwrap().as_str(), "shop.lathe");
/// assert!(spindle.is_under(&"shop".parse()?));
/// assert!("Shop".parse::<Namespace>().unwrap_err().to_string().contains("shop"));
/// # Ok::<(), thingsbus_adaptor::wire::NamespaceError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Box<str>);

/// Why a text is not a namespace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamespaceError {
    /// More than [`NAMESPACE_BYTES_MAX`] bytes.
    #[error("a namespace has at most {NAMESPACE_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// How many there were.
        bytes: usize,
    },
    /// More than [`NAMESPACE_PARTS_MAX`] parts.
    #[error("a namespace has at most {NAMESPACE_PARTS_MAX} parts, {text:?} has {parts}")]
    TooManyParts {
        /// The whole text.
        text: String,
        /// How many there were.
        parts: usize,
    },
    /// A part breaks the rule.
    #[error(
        "{part:?} in {text:?} is not a part of a namespace: it takes a letter a-z and up to 63 more of a-z, 0-9, _ and -{}",
        suggestion(text)
    )]
    Part {
        /// The whole text.
        text: String,
        /// The part.
        part: String,
    },
}

impl Namespace {
    /// The only way from a text to a namespace.
    ///
    /// # Errors
    /// Where the text breaks the rule; the error names the part and suggests a name that keeps it.
    pub fn parse(text: &str) -> Result<Self, NamespaceError> {
        if is_valid(text) { Ok(Self(text.into())) } else { Err(why(text)) }
    }

    /// The thing above all others, named by the empty text.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is this the root?
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The thing above; `None` above the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(self.0.rsplit_once('.').map_or("", |(parent, _)| parent).into()))
    }

    /// `child` below `self`.
    ///
    /// # Errors
    /// Where both together are longer or deeper than a namespace may be.
    pub fn join(&self, child: &Self) -> Result<Self, NamespaceError> {
        match (self.is_root(), child.is_root()) {
            (true, _) => Ok(child.clone()),
            (_, true) => Ok(self.clone()),
            _ => Self::parse(&format!("{self}.{child}")),
        }
    }

    /// Is `self` below `above`? A thing is not under itself; everything else is under the root.
    #[must_use]
    pub fn is_under(&self, above: &Self) -> bool {
        is_under(&self.0, &above.0)
    }

    /// The parts, from the top.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('.').filter(|part| !part.is_empty())
    }
}

impl std::fmt::Display for Namespace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Namespace {
    type Err = NamespaceError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Whether `ns` is below `above`, both as written.
pub(super) fn is_under(ns: &str, above: &str) -> bool {
    match ns.strip_prefix(above) {
        Some(rest) if above.is_empty() => !rest.is_empty(),
        Some(rest) => rest.starts_with('.'),
        None => false,
    }
}

/// The rule, on the path of every message: one pass, no allocation.
pub(super) fn is_valid(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    if text.len() > NAMESPACE_BYTES_MAX {
        return false;
    }
    let mut parts = 1;
    let mut part_bytes = 0;
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' => part_bytes += 1,
            b'0'..=b'9' | b'_' | b'-' if part_bytes > 0 => part_bytes += 1,
            b'.' if part_bytes > 0 => {
                parts += 1;
                part_bytes = 0;
            }
            _ => return false,
        }
        if part_bytes > NAMESPACE_PART_BYTES_MAX {
            return false;
        }
    }
    part_bytes > 0 && parts <= NAMESPACE_PARTS_MAX
}

/// What [`is_valid`] did not like.
fn why(text: &str) -> NamespaceError {
    if text.len() > NAMESPACE_BYTES_MAX {
        return NamespaceError::TooLong { bytes: text.len() };
    }
    match text.split('.').find(|part| part.is_empty() || !is_valid(part)) {
        Some(part) => NamespaceError::Part { text: text.to_owned(), part: part.to_owned() },
        None => NamespaceError::TooManyParts { text: text.to_owned(), parts: text.split('.').count() },
    }
}

/// The nearest name that keeps the rule, for the error's last words: `Shop.Lathe 2` becomes `shop.lathe-2`.
fn suggestion(text: &str) -> String {
    let near: Vec<String> = text
        .split(['.', '/'])
        .map(|part| {
            let letters: String = part
                .chars()
                .map(|c| c.to_ascii_lowercase())
                .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' { c } else { '-' })
                .collect();
            letters.trim_start_matches(|c: char| !c.is_ascii_lowercase()).trim_end_matches('-').to_owned()
        })
        .filter(|part| !part.is_empty())
        .collect();
    let near = near.join(".");
    if near.is_empty() || near == text || !is_valid(&near) {
        String::new()
    } else {
        format!("; try {near:?}")
    }
}
