//! Page after page, to an end: a broker that leads in a circle is not followed, nor one through nothing for ever.

use std::collections::HashSet;

/// So many pages in a row may have nothing. One has 10,000 stretches at the most, so that this is a quarter of a year of
/// seconds in which a thing was silent.
const EMPTY_MAX: usize = 1_000;

/// Where it was asked to go on so far.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    seen: HashSet<String>,
    empty: usize,
}

impl Pages {
    /// A page came: where to go on, if anywhere.
    pub(crate) fn next(&mut self, next: Option<String>, is_empty: bool) -> Result<Option<String>, String> {
        let Some(next) = next else { return Ok(None) };
        self.empty = if is_empty { self.empty + 1 } else { 0 };
        if self.empty >= EMPTY_MAX {
            return Err(format!(
                "{EMPTY_MAX} pages in a row have nothing: ask for a shorter time, or for longer stretches of it"
            ));
        }
        if !self.seen.insert(next.clone()) {
            return Err(format!("its pages do not come to an end: twice the next one is {next}"));
        }
        Ok(Some(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_not_followed() {
        let mut pages = Pages::default();
        for next in ["1", "2"] {
            assert_eq!(pages.next(Some(next.to_owned()), false), Ok(Some(next.to_owned())));
        }
        assert!(
            pages.next(Some("1".to_owned()), false).is_err_and(|why| why.contains("do not come to an end"))
        );
        assert_eq!(pages.next(None, false), Ok(None));
    }

    #[test]
    fn nothing_is_not_followed_for_ever() {
        let mut pages = Pages::default();
        let mut page = 0;
        let mut next = |is_empty| {
            page += 1;
            pages.next(Some(page.to_string()), is_empty)
        };
        for _ in 1..EMPTY_MAX {
            assert!(next(true).is_ok());
        }
        assert!(next(false).is_ok(), "one that has something begins the count anew");
        for _ in 1..EMPTY_MAX {
            assert!(next(true).is_ok());
        }
        assert!(next(true).is_err_and(|why| why.contains("longer stretches")));
    }
}
