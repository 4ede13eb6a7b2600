//! A JSON text without its numbers: things say the same text again and again, and only the numbers change.

/// What stands for a number in a skeleton. No JSON text has this byte.
pub(super) const HOLE: u8 = 0;

/// How deep a path may lead: what came over the wire is no deeper.
const DEPTH_MAX: usize = 64;

/// The longest path that is told, in bytes: what is longer is no name of a measured value.
const PATH_BYTES_MAX: usize = 256;

/// Splits `text` into its skeleton, with a [`HOLE`] for each number, and where the numbers stand. `false` where it has
/// a hole of its own; then nothing of it is of use.
pub(super) fn split(text: &[u8], skeleton: &mut Vec<u8>, numbers: &mut Vec<(usize, usize)>) -> bool {
    skeleton.clear();
    numbers.clear();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            HOLE => return false,
            b'"' => {
                let begin = at;
                at += 1;
                while let Some(&byte) = text.get(at) {
                    at += 1;
                    match byte {
                        HOLE => return false,
                        b'"' => break,
                        b'\\' => at += 1,
                        _ => {}
                    }
                }
                at = at.min(text.len());
                // What a backslash skipped may be one.
                let string = text.get(begin..at).unwrap_or_default();
                if string.contains(&HOLE) {
                    return false;
                }
                skeleton.extend_from_slice(string);
            }
            b'-' | b'0'..=b'9' => {
                let begin = at;
                while let Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E') = text.get(at) {
                    at += 1;
                }
                numbers.push((begin, at));
                skeleton.push(HOLE);
            }
            _ => {
                skeleton.push(byte);
                at += 1;
            }
        }
    }
    true
}

/// The path of each hole in a skeleton, as a JSON pointer; `None` for one that has none to tell, or where the same path
/// comes again later.
pub(super) fn paths(skeleton: &[u8]) -> Vec<Option<String>> {
    let mut paths: Vec<Option<String>> = Vec::new();
    let mut stack: Vec<Step> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = skeleton.get(at) {
        at += 1;
        match byte {
            b'{' => stack.push(Step::Key(String::new())),
            b'[' => stack.push(Step::Index(0)),
            b'}' | b']' => drop(stack.pop()),
            b',' => {
                if let Some(Step::Index(index)) = stack.last_mut() {
                    *index += 1;
                }
            }
            b'"' => {
                let begin = at - 1;
                while let Some(&byte) = skeleton.get(at) {
                    at += 1;
                    match byte {
                        b'"' => break,
                        b'\\' => at += 1,
                        _ => {}
                    }
                }
                let is_key = skeleton.iter().skip(at).find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
                if let (true, Some(Step::Key(key))) = (is_key, stack.last_mut()) {
                    let text = skeleton.get(begin..at.min(skeleton.len())).unwrap_or_default();
                    *key = serde_json::from_slice(text).unwrap_or_default();
                }
            }
            HOLE => {
                let path = pointer(&stack);
                if let Some(path) = &path {
                    for earlier in &mut paths {
                        if earlier.as_ref() == Some(path) {
                            *earlier = None;
                        }
                    }
                }
                paths.push(path);
            }
            _ => {}
        }
        if stack.len() > DEPTH_MAX {
            break;
        }
    }
    paths
}

enum Step {
    Key(String),
    Index(usize),
}

fn pointer(stack: &[Step]) -> Option<String> {
    let mut path = String::new();
    for step in stack {
        path.push('/');
        match step {
            Step::Key(key) => path.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => path.push_str(&index.to_string()),
        }
        if path.len() > PATH_BYTES_MAX {
            return None;
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> Vec<(String, String)> {
        let (mut skeleton, mut numbers) = (Vec::new(), Vec::new());
        assert!(split(text.as_bytes(), &mut skeleton, &mut numbers));
        let paths = paths(&skeleton);
        assert_eq!(paths.len(), numbers.len());
        let told = paths.into_iter().zip(numbers);
        told.filter_map(|(path, (begin, end))| Some((path?, text[begin..end].to_owned()))).collect()
    }

    #[test]
    fn numbers_are_found_under_their_paths() {
        let pair = |path: &str, number: &str| (path.to_owned(), number.to_owned());
        assert_eq!(told("-1.5e+7"), [pair("", "-1.5e+7")]);
        assert_eq!(told(r#"{"temp":21.37,"rpm":1200}"#), [pair("/temp", "21.37"), pair("/rpm", "1200")]);
        assert_eq!(
            told(r#"{"a" : [ 1,"2",[3]], "b/~\n\"":{"c":4},"s":"a,\"9","t":true}"#),
            [pair("/a/0", "1"), pair("/a/2/0", "3"), pair("/b~1~0\n\"/c", "4")]
        );
        assert_eq!(told(r#"{"a":1,"b":2,"a":3}"#), [pair("/b", "2"), pair("/a", "3")]);
        assert_eq!(told(r#"["a",{"":0}]"#), [pair("/1/", "0")]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_split_or_refused(text in prop::collection::vec(any::<u8>(), 0..100)) {
            let (mut skeleton, mut numbers) = (Vec::new(), Vec::new());
            if split(&text, &mut skeleton, &mut numbers) {
                prop_assert!(paths(&skeleton).len() <= numbers.len());
                let mut holes = numbers.iter();
                let mut joined = Vec::new();
                for byte in skeleton {
                    match byte {
                        HOLE => {
                            let &(begin, end) = holes.next().unwrap();
                            joined.extend_from_slice(&text[begin..end]);
                        }
                        _ => joined.push(byte),
                    }
                }
                prop_assert_eq!(&joined, &text);
            }
            paths(&text);
        }
    }
}
