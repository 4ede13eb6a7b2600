//! Which messages of a publisher are wanted, and what of them: 0.2.1's generic adaptor.

use std::collections::HashMap;

use serde_json::value::RawValue;
use thingsbus_adaptor::wire::{Namespace, Timestamp};

use super::complaints::Complaint;
use crate::json;

/// What is wanted of a publisher's messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// The last part of the namespace stands here.
    pub(crate) ns_key: Option<String>,
    /// The time stands here, in seconds since 1970.
    pub(crate) ts_key: Option<String>,
    /// Only messages that have this value here.
    pub(crate) filter: Option<(String, String)>,
    /// What becomes the data; the whole message where nothing is given.
    pub(crate) projections: Option<Vec<String>>,
}

/// What one message says.
#[derive(Debug, PartialEq)]
pub(crate) struct Selected {
    /// Below the adaptor's own namespace; the root where it is that.
    pub(crate) child: Namespace,
    /// `None` means now.
    pub(crate) ts: Option<Timestamp>,
    /// JSON text.
    pub(crate) data: String,
}

type Fields<'m> = HashMap<String, &'m RawValue>;

impl Selection {
    /// What of a message is wanted: `None` where it does not pass the filter.
    pub(crate) fn select(&self, message: &[u8]) -> Result<Option<Selected>, Complaint> {
        let (message, _) = json::checked(message)
            .map_err(|why| Complaint::new(why.to_string(), String::from_utf8_lossy(start(message))))?;
        let fields: Fields<'_> = serde_json::from_str(&message)
            .map_err(|_| Complaint::new("the message is no JSON object", cut(&message)))?;
        if self.filter.as_ref().is_some_and(|(key, value)| !has(&fields, key, value)) {
            return Ok(None);
        }
        Ok(Some(Selected {
            child: self.child(&fields)?,
            ts: self.ts(&fields)?,
            data: self.data(&fields, &message)?,
        }))
    }

    fn child(&self, fields: &Fields<'_>) -> Result<Namespace, Complaint> {
        let Some(key) = &self.ns_key else { return Ok(Namespace::root()) };
        let value = field(fields, key)?.get();
        if value == "null" {
            return Ok(Namespace::root());
        }
        let name: String = serde_json::from_str(value).map_err(|_| {
            Complaint::new(format!("\"{key}\" is not the text that --nskey needs"), cut(value))
        })?;
        Namespace::parse(&name)
            .map_err(|error| Complaint::new(format!("\"{key}\" holds no namespace"), error.to_string()))
    }

    fn ts(&self, fields: &Fields<'_>) -> Result<Option<Timestamp>, Complaint> {
        let Some(key) = &self.ts_key else { return Ok(None) };
        let value = field(fields, key)?.get();
        if value == "null" {
            return Ok(None);
        }
        let seconds: Option<f64> = serde_json::from_str(value).ok();
        let ts = seconds.and_then(Timestamp::from_seconds);
        let needed = || Complaint::new(format!("\"{key}\" is not the number that --tskey needs"), cut(value));
        ts.map(Some).ok_or_else(needed)
    }

    fn data(&self, fields: &Fields<'_>, message: &str) -> Result<String, Complaint> {
        let Some(projections) = &self.projections else { return Ok(message.to_owned()) };
        let mut data = String::from("{");
        for key in projections {
            let value = field(fields, key)?;
            if data.len() > 1 {
                data.push_str(", ");
            }
            data.push_str(&json::string(key));
            data.push_str(": ");
            data.push_str(value.get());
        }
        data.push('}');
        Ok(data)
    }
}

/// `KEY:VALUE`, of `--filter`.
pub(crate) fn parse_filter(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once(':').ok_or("write KEY:VALUE")?;
    if key.is_empty() { Err("write KEY:VALUE") } else { Ok((key.to_owned(), value.to_owned())) }
}

/// Text is compared by its letters, anything else as it is written in JSON.
fn has(fields: &Fields<'_>, key: &str, wanted: &str) -> bool {
    fields.get(key).is_some_and(|value| match serde_json::from_str::<String>(value.get()) {
        Ok(text) => text == wanted,
        Err(_) => json::compact(value.get()) == wanted,
    })
}

fn field<'m>(fields: &Fields<'m>, key: &str) -> Result<&'m RawValue, Complaint> {
    fields.get(key).copied().ok_or_else(|| {
        let mut keys: Vec<&str> = fields.keys().map(String::as_str).collect();
        keys.sort_unstable();
        Complaint::new(format!("the message has no \"{key}\""), cut(&format!("it has {}", keys.join(", "))))
    })
}

/// How much of a message a complaint repeats, in bytes or characters.
const SHOWN_MAX: usize = 80;

fn start(message: &[u8]) -> &[u8] {
    message.get(..SHOWN_MAX).unwrap_or(message)
}

fn cut(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the 0.2.1's own documentation shows: cameras that say how much they see.
    fn cameras() -> Selection {
        Selection {
            ns_key: Some("camname".to_owned()),
            ts_key: Some("frame_time".to_owned()),
            filter: Some(("mtype".to_owned(), "percept_update".to_owned())),
            projections: Some(vec!["luminance".to_owned(), "ratio_busy".to_owned()]),
        }
    }

    /// Child, time and data; nothing where the message does not pass; or the kind of complaint.
    type Wanted<'w> = Result<Option<(&'w str, Option<f64>, &'w str)>, &'w str>;

    #[track_caller]
    fn check(selection: &Selection, message: &str, wanted: Wanted<'_>) {
        match (selection.select(message.as_bytes()), wanted) {
            (Ok(selected), Ok(wanted)) => {
                let wanted = wanted.map(|(child, ts, data)| Selected {
                    child: child.parse().unwrap(),
                    ts: ts.and_then(Timestamp::from_seconds),
                    data: data.to_owned(),
                });
                assert_eq!(selected, wanted);
            }
            (Err(complaint), Err(wanted)) => assert_eq!(complaint.kind, wanted),
            (selected, _) => panic!("{message}: {selected:?}"),
        }
    }

    #[test]
    fn cameras_as_in_2015() {
        let cameras = cameras();
        let good = r#"{"mtype": "percept_update", "camname": "electronics", "frame_time": 1423351104.5,
            "luminance": 114.0, "ratio_busy": 1e-3, "more": [1]}"#;
        let data = r#"{"luminance": 114.0, "ratio_busy": 1e-3}"#;
        check(&cameras, good, Ok(Some(("electronics", Some(1_423_351_104.5), data))));
        check(&cameras, &good.replace("percept_update", "other"), Ok(None));
        check(&cameras, &good.replace("mtype", "m"), Ok(None));
        check(&cameras, &good.replace("ratio_busy", "busy"), Err("the message has no \"ratio_busy\""));
        check(&cameras, &good.replace("camname", "name"), Err("the message has no \"camname\""));
        check(&cameras, &good.replace("electronics", "Electronics"), Err("\"camname\" holds no namespace"));
        check(
            &cameras,
            &good.replace("\"electronics\"", "7"),
            Err("\"camname\" is not the text that --nskey needs"),
        );
        let text_time = good.replace("1423351104.5", "\"now\"");
        check(&cameras, &text_time, Err("\"frame_time\" is not the number that --tskey needs"));
        check(
            &cameras,
            &good.replace("1423351104.5", "1423351104"),
            Ok(Some(("electronics", Some(1_423_351_104.0), data))),
        );
        let nan = data.replace("114.0", "null");
        check(
            &cameras,
            &good.replace("114.0", "NaN"),
            Ok(Some(("electronics", Some(1_423_351_104.5), &nan))),
        );
    }

    #[test]
    fn without_options_it_is_the_message() {
        let all = Selection::default();
        check(&all, r#"{"a": 1.0}"#, Ok(Some(("", None, r#"{"a": 1.0}"#))));
        check(&all, "[1]", Err("the message is no JSON object"));
        check(&all, "hello", Err("the message is not JSON"));
    }

    #[test]
    fn a_filter_compares_text_and_what_is_written() {
        let filtered = |filter: &str| Selection { filter: parse_filter(filter).ok(), ..Selection::default() };
        let message = r#"{"a": "x:y", "n": 3, "t": true, "l": [1, 2]}"#;
        let check = |filter: &str, passes: bool| {
            let selected = filtered(filter).select(message.as_bytes()).unwrap();
            assert_eq!(selected.is_some(), passes, "{filter}");
        };
        check("a:x:y", true);
        check("a:x", false);
        check("n:3", true);
        check("n:3.0", false);
        check("t:true", true);
        check("l:[1,2]", true);
        assert!(parse_filter("a").is_err() && parse_filter(":a").is_err());
    }
}
