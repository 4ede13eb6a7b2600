//! What is inside a value: found, set and removed by the names and indexes that lead to it. Pure.

use serde_json::{Map, Value};

/// The deepest that anything is put into a value; the broker lets nothing deeper in either.
pub(super) const DEPTH_MAX: usize = 64;

/// Why there is no such place in a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// This far there is something, and nothing of this name in it.
    Missing { at: String, name: String },
    /// What is there has nothing inside.
    NotInside { at: String, kind: &'static str },
    /// A list takes numbers, up to its length.
    NoIndex { at: String, name: String, length: usize },
    /// Too many levels.
    TooDeep,
}

impl std::fmt::Display for NoPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place =
            |at: &str| if at.is_empty() { "the value".to_owned() } else { format!("{at} of the value") };
        match self {
            Self::Missing { at, name } => write!(f, "there is no {name:?} in {}", place(at)),
            Self::NotInside { at, kind } => write!(f, "{} is {kind}, which has nothing inside", place(at)),
            Self::NoIndex { at, name, length } => {
                write!(
                    f,
                    "{} is a list of {length}, so a number below that comes next, not {name:?}",
                    place(at)
                )
            }
            Self::TooDeep => write!(f, "a value has at most {DEPTH_MAX} levels"),
        }
    }
}

/// What is at this place.
pub(super) fn get<'v>(value: &'v Value, path: &[String]) -> Result<&'v Value, NoPlace> {
    let mut here = value;
    for (depth, name) in path.iter().enumerate() {
        here = match here {
            Value::Object(map) => map.get(name),
            Value::Array(list) => index(name).and_then(|index| list.get(index)),
            _ => None,
        }
        .ok_or_else(|| no_place(here, path, depth))?;
    }
    Ok(here)
}

/// Puts `new` at this place; objects on the way that are not there are made. A list takes one more at its end.
pub(super) fn set(value: &mut Value, path: &[String], new: Value) -> Result<(), NoPlace> {
    if path.len() >= DEPTH_MAX {
        return Err(NoPlace::TooDeep);
    }
    let mut here = value;
    for (depth, name) in path.iter().enumerate() {
        if here.is_null() {
            *here = Value::Object(Map::new());
        }
        let refusal = match here {
            Value::Object(_) => None,
            Value::Array(list) => match index(name) {
                Some(index) if index <= list.len() => None,
                _ => Some(no_place(here, path, depth)),
            },
            _ => Some(no_place(here, path, depth)),
        };
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        here = match here {
            Value::Object(map) => map.entry(name.clone()).or_insert(Value::Null),
            Value::Array(list) => {
                let index = index(name).unwrap_or(list.len());
                if index == list.len() {
                    list.push(Value::Null);
                }
                let length = list.len();
                list.get_mut(index).ok_or_else(|| {
                    let (at, name) = (pointer(path, depth), name.clone());
                    NoPlace::NoIndex { at, name, length }
                })?
            }
            _ => return Err(NoPlace::TooDeep),
        };
    }
    *here = new;
    Ok(())
}

/// Removes what is at this place, and gives it.
pub(super) fn remove(value: &mut Value, path: &[String]) -> Result<Value, NoPlace> {
    let Some((last, way)) = path.split_last() else { return Ok(value.take()) };
    get(value, path)?;
    let mut here = value;
    for name in way {
        here = match here {
            Value::Object(map) => map.get_mut(name),
            Value::Array(list) => index(name).and_then(|index| list.get_mut(index)),
            _ => None,
        }
        .ok_or(NoPlace::TooDeep)?;
    }
    let removed = match here {
        Value::Object(map) => map.shift_remove(last),
        Value::Array(list) => index(last).filter(|index| *index < list.len()).map(|index| list.remove(index)),
        _ => None,
    };
    removed.ok_or_else(|| NoPlace::Missing { at: pointer(way, way.len()), name: last.clone() })
}

/// What a shell gets: a text without quotes, anything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn index(name: &str) -> Option<usize> {
    let is_plain = name == "0" || !name.starts_with(['0', '+']);
    if is_plain { name.parse().ok() } else { None }
}

fn no_place(here: &Value, path: &[String], depth: usize) -> NoPlace {
    let (at, name) = (pointer(path, depth), path.get(depth).cloned().unwrap_or_default());
    let kind = match here {
        Value::Object(_) => return NoPlace::Missing { at, name },
        Value::Array(list) => return NoPlace::NoIndex { at, name, length: list.len() },
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
    };
    NoPlace::NotInside { at, kind }
}

/// The first `depth` steps, as RFC 6901 writes them.
fn pointer(path: &[String], depth: usize) -> String {
    path.iter()
        .take(depth)
        .fold(String::new(), |text, name| text + "/" + &name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn what_is_there_is_found() {
        let value = json!({"a": {"b": [1, {"c": null}]}});
        let check = |at: &str, wanted: Value| assert_eq!(get(&value, &path(at)), Ok(&wanted), "{at}");
        check("", value.clone());
        check("a/b/0", json!(1));
        check("a/b/1/c", Value::Null);
    }

    #[test]
    fn what_is_not_is_told_by_how_far_it_goes() {
        let value = json!({"a": {"b": [1]}, "s": "x"});
        let check = |at: &str, wanted: &str| {
            assert_eq!(get(&value, &path(at)).unwrap_err().to_string(), wanted, "{at}");
        };
        check("b", "there is no \"b\" in the value");
        check("a/c/d", "there is no \"c\" in /a of the value");
        check("a/b/1", "/a/b of the value is a list of 1, so a number below that comes next, not \"1\"");
        check("a/b/00", "/a/b of the value is a list of 1, so a number below that comes next, not \"00\"");
        check("s/x", "/s of the value is a text, which has nothing inside");
    }

    #[test]
    fn what_is_put_has_its_way_made() {
        let check = |before: Value, at: &str, after: Value| {
            let mut value = before;
            set(&mut value, &path(at), json!(7)).unwrap();
            assert_eq!(value, after, "{at}");
        };
        check(json!(1), "", json!(7));
        check(Value::Null, "a/b", json!({"a": {"b": 7}}));
        check(json!({"a": [1]}), "a/0", json!({"a": [7]}));
        check(json!({"a": [1]}), "a/1/b", json!({"a": [1, {"b": 7}]}));
        assert!(set(&mut json!([1]), &path("3"), json!(7)).is_err());
        assert!(set(&mut json!(1), &path("a"), json!(7)).is_err());
        assert_eq!(set(&mut Value::Null, &vec!["a".to_owned(); DEPTH_MAX], json!(7)), Err(NoPlace::TooDeep));
    }

    #[test]
    fn what_is_removed_is_given() {
        let mut value = json!({"a": [1, 2], "b": 3});
        assert_eq!(remove(&mut value, &path("a/0")), Ok(json!(1)));
        assert_eq!(remove(&mut value, &path("b")), Ok(json!(3)));
        assert_eq!(value, json!({"a": [2]}));
        assert!(remove(&mut value, &path("a/1")).is_err());
    }

    #[test]
    fn plain_values() {
        assert_eq!(plain(&json!("on")), "on");
        assert_eq!(plain(&json!({"on": true})), r#"{"on":true}"#);
    }
}
