//! Names that nobody guesses: as much randomness as is asked for, as text.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// So many random bytes, as text that goes into addresses and headers. `None` where the system gives none.
pub(super) fn secret<const BYTES: usize>() -> Option<String> {
    let mut random = [0; BYTES];
    // The one source of randomness in this program that is made for secrets.
    rustls::crypto::ring::default_provider().secure_random.fill(&mut random).ok()?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(random))
}
