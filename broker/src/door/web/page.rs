//! The page that a browser shows: the files of the folder `page/`, as they are in this program.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::answer;

/// Where a browser begins.
const INDEX: &str = "index.html";

/// Nothing but its own files and its own broker; pictures may be anywhere, because things name pictures.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src * data: blob:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// All files by their names, which `build.rs` lists.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The same as they are sent, made when somebody asks first.
static PAGE: LazyLock<HashMap<&str, File>> =
    LazyLock::new(|| FILES.iter().map(|&(name, bytes)| (name, File::new(name, bytes))).collect());

/// A file that is sent as it is, or packed where that is taken.
struct File {
    content_type: HeaderValue,
    plain: Form,
    /// Not where packing makes it no shorter.
    packed: Option<Form>,
}

/// The bytes, and their tag: packed ones are others, and have another (RFC 9110, section 8.8.3).
struct Form {
    bytes: Bytes,
    tag: String,
}

/// The page itself.
pub(super) fn index(headers: &HeaderMap) -> Option<Response> {
    PAGE.get(INDEX).map(|file| file.answer(headers))
}

/// What it is made of. From its address the page itself would not find that.
pub(super) fn file(name: &str, headers: &HeaderMap) -> Option<Response> {
    PAGE.get(name).filter(|_| name != INDEX).map(|file| file.answer(headers))
}

impl File {
    fn new(name: &str, bytes: &'static [u8]) -> Self {
        let hash: String = Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let packed = pack(bytes).filter(|packed| packed.len() < bytes.len());
        Self {
            content_type: HeaderValue::from_static(content_type(name).unwrap_or("application/octet-stream")),
            plain: Form { bytes: Bytes::from_static(bytes), tag: format!("\"{hash}\"") },
            packed: packed.map(|packed| Form { bytes: packed.into(), tag: format!("\"{hash}.gzip\"") }),
        }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let packed = self.packed.as_ref().filter(|_| takes_gzip(headers));
        let Form { bytes, tag } = packed.unwrap_or(&self.plain);
        let mut response = if answer::is_known(headers, tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            answer::with_type(bytes.clone(), self.content_type.clone())
        };
        let mut set = |name: HeaderName, value: HeaderValue| drop(response.headers_mut().insert(name, value));
        if packed.is_some() {
            set(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Ok(tag) = HeaderValue::from_str(tag) {
            set(header::ETAG, tag);
        }
        set(header::VARY, HeaderValue::from_static("accept-encoding"));
        // A new broker's page is taken at once.
        set(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        set(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        response
    }
}

/// By the end of its name.
fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "md" | "txt" => "text/plain; charset=utf-8",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

fn pack(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).ok()?;
    packer.finish().ok()
}

/// Does `Accept-Encoding` name gzip, or everything, with a weight above 0?
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    let weights = lists.flat_map(|list| list.split(',')).filter_map(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight: f32 = weight.trim().strip_prefix("q=")?.parse().ok()?;
        Some((name.trim().to_ascii_lowercase(), weight))
    });
    let weights: Vec<(String, f32)> = weights.collect();
    let weight = |wanted| weights.iter().find(|(name, _)| name == wanted).map(|(_, weight)| *weight);
    weight("gzip").or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn the_program_has_what_is_in_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/door/web/page");
        let (mut folders, mut found) = (vec![folder.clone()], BTreeSet::new());
        while let Some(next) = folders.pop() {
            for entry in next.read_dir().unwrap() {
                let path: PathBuf = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().replace('\\', "/");
                    assert_eq!(PAGE[name.as_str()].plain.bytes, std::fs::read(&path).unwrap(), "{name}");
                    found.insert(name);
                }
            }
        }
        assert_eq!(FILES.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), found);
        assert!(found.contains(INDEX));
    }

    #[test]
    fn each_file_has_a_type() {
        for (name, _) in FILES {
            assert!(content_type(name).is_some(), "{name}: of which type is it?");
        }
    }

    #[test]
    fn gzip_goes_to_who_takes_it() {
        let takes = |list: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(list));
            takes_gzip(&headers)
        };
        assert!(
            takes("gzip")
                && takes("br, GZIP")
                && takes("gzip;q=0.5, br")
                && takes("*")
                && takes("br,*;q=0.1")
        );
        assert!(
            !takes("br") && !takes("gzip;q=0, *") && !takes("gzip; q=0.000") && !takes("*;q=0") && !takes("")
        );
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
