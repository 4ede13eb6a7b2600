//! Whole numbers in few bytes, and reading them from bytes that may be anything.

/// Appends a number, seven bits a byte, the low ones first.
pub(super) fn push_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number as u8) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(super) fn push_text(text: &[u8], out: &mut Vec<u8>) {
    push_varint(text.len() as u64, out);
    out.extend_from_slice(text);
}

/// Small numbers of either sign become small ones without.
pub(super) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

pub(super) fn unzigzag(number: u64) -> i64 {
    ((number >> 1) as i64) ^ -((number & 1) as i64)
}

/// What tells bytes from others that were meant to be these: redb looks at its own sums only when it looks through the
/// whole file.
fn check(bytes: &[u8]) -> [u8; 4] {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = bytes.len() as u64;
    let mut mix = |word: u64| {
        sum = (sum ^ word).wrapping_mul(ODD);
        sum ^= sum >> 29;
    };
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        mix(u64::from_le_bytes(*word));
    }
    mix(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    ((sum >> 32) as u32).to_le_bytes()
}

/// Puts the check behind what is in `out`.
pub(super) fn seal(out: &mut Vec<u8>) {
    let check = check(out);
    out.extend_from_slice(&check);
}

/// What was sealed; `None` where it is not as it was.
pub(super) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (bytes, seal) = bytes.split_last_chunk()?;
    (check(bytes) == *seal).then_some(bytes)
}

/// Bytes that are read from the front. Whatever they are, nothing is taken that is not there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn left(&self) -> usize {
        self.0.len()
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn length(&mut self) -> Option<usize> {
        usize::try_from(self.varint()?).ok()
    }

    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// `None` for NaN and the infinities too.
    pub(super) fn f64(&mut self) -> Option<f64> {
        self.array().map(f64::from_le_bytes).filter(|number| number.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_known_again_and_nothing_else() {
        for length in 0..40 {
            let bytes: Vec<u8> = (0..length).map(|byte| 6 * byte).collect();
            let mut sealed = bytes.clone();
            seal(&mut sealed);
            assert_eq!(unseal(&sealed), Some(bytes.as_slice()));
            for bit in 0..sealed.len() * 8 {
                let mut turned = sealed.clone();
                turned[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(unseal(&turned), None);
            }
            for cut in 0..sealed.len() {
                assert_eq!(unseal(&sealed[..cut]), None);
            }
        }
    }
}
