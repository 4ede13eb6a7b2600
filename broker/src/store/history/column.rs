//! A column of whole numbers in few bits: as they are, as differences, or as differences of differences, whatever is
//! least, and of those so many bits each as the largest of its neighbours needs.

use super::bytes::{Reader, push_varint, unzigzag, zigzag};

/// How many share a width: one that stands out costs its neighbours only.
const BLOCK: usize = 64;

/// As they are; once; twice.
const ORDERS: usize = 3;

/// Appends `numbers`. How many there are the reader must know.
pub(super) fn push(numbers: &[i64], out: &mut Vec<u8>) {
    let mut best = (0, bits(numbers));
    let mut differences = numbers.to_vec();
    let mut best_differences = None;
    for order in 1..ORDERS.min(numbers.len()) {
        subtract(&mut differences, order);
        let size = bits(differences.get(order..).unwrap_or_default());
        if size < best.1 {
            best = (order, size);
            best_differences = Some(differences.clone());
        }
    }
    let (order, _) = best;
    let numbers = best_differences.as_deref().unwrap_or(numbers);
    out.push(order as u8);
    let (heads, rest) = numbers.split_at_checked(order).unwrap_or((numbers, &[]));
    for head in heads {
        push_varint(zigzag(*head), out);
    }
    for block in rest.chunks(BLOCK) {
        let width = width(block);
        out.push(width as u8);
        let (mut waiting, mut filled) = (0_u128, 0);
        for number in block {
            waiting |= u128::from(zigzag(*number)) << filled;
            filled += width;
            while filled >= 8 {
                out.push(waiting as u8);
                waiting >>= 8;
                filled -= 8;
            }
        }
        if filled > 0 {
            out.push(waiting as u8);
        }
    }
}

/// Reads `count` numbers, where they are there.
pub(super) fn read(reader: &mut Reader<'_>, count: usize) -> Option<Vec<i64>> {
    let order = usize::from(reader.byte()?);
    // Each block has a byte at least, so what is claimed is bounded by what is there.
    if order >= ORDERS || count.saturating_sub(order) > reader.left().saturating_mul(BLOCK) {
        return None;
    }
    let mut numbers = Vec::with_capacity(count);
    for _ in 0..order.min(count) {
        numbers.push(unzigzag(reader.varint()?));
    }
    while numbers.len() < count {
        let width = usize::from(reader.byte()?);
        let length = BLOCK.min(count - numbers.len());
        if width > 64 {
            return None;
        }
        let mut packed = reader.take((width * length).div_ceil(8))?.iter();
        let mask = ((1_u128 << width) - 1) as u64;
        let (mut waiting, mut filled) = (0_u128, 0);
        for _ in 0..length {
            while filled < width {
                waiting |= u128::from(*packed.next()?) << filled;
                filled += 8;
            }
            numbers.push(unzigzag(waiting as u64 & mask));
            waiting >>= width;
            filled -= width;
        }
    }
    for order in (1..=order).rev() {
        add(&mut numbers, order);
    }
    Some(numbers)
}

/// Each but the first `order` becomes its difference to the one before.
fn subtract(numbers: &mut [i64], order: usize) {
    let mut before = None;
    for number in numbers.iter_mut().skip(order - 1) {
        let this = *number;
        if let Some(before) = before {
            *number = this.wrapping_sub(before);
        }
        before = Some(this);
    }
}

/// Takes that back.
fn add(numbers: &mut [i64], order: usize) {
    let mut sum: i64 = 0;
    for number in numbers.iter_mut().skip(order - 1) {
        sum = sum.wrapping_add(*number);
        *number = sum;
    }
}

fn width(block: &[i64]) -> usize {
    let all = block.iter().fold(0, |all, number| all | zigzag(*number));
    (u64::BITS - all.leading_zeros()) as usize
}

fn bits(numbers: &[i64]) -> usize {
    numbers.chunks(BLOCK).map(|block| width(block) * block.len()).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(numbers: &[i64]) -> Vec<u8> {
        let mut out = Vec::new();
        push(numbers, &mut out);
        out
    }

    #[test]
    fn what_is_regular_takes_next_to_nothing() {
        assert!(packed(&[7; 640]).len() <= 12);
        let even: Vec<i64> = (0..640).map(|number| 1_423_351_104_945_000 + number * 1_000_000).collect();
        assert!(packed(&even).len() <= 30, "{}", packed(&even).len());
        let one_stands_out: Vec<i64> =
            (0..640).map(|number| if number == 100 { i64::MAX } else { 1 }).collect();
        assert!(packed(&one_stands_out).len() < 700);
    }

    proptest! {
        #[test]
        fn every_list_comes_back(
            numbers in prop::collection::vec(prop_oneof![any::<i64>(), -100..100_i64, Just(i64::MIN)], 0..300),
        ) {
            let mut packed = packed(&numbers);
            let length = packed.len();
            packed.extend(b"rest");
            let mut reader = Reader(&packed);
            prop_assert_eq!(read(&mut reader, numbers.len()), Some(numbers));
            prop_assert_eq!(reader.left(), packed.len() - length);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0..5_000_usize) {
            if let Some(numbers) = read(&mut Reader(&bytes), count) {
                prop_assert_eq!(numbers.len(), count);
            }
        }
    }
}
