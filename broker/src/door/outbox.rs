//! What waits to be sent to one peer: ranges of buffers that many peers share.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::ops::Range;
use std::sync::Arc;

/// The most pieces in one system call; Linux takes 1,024 and gains nothing past some dozens.
const PIECES_MAX: usize = 64;

/// What a piece of shared memory must have on average to be worth its place in the queue, in bytes.
const PIECE_BYTES: usize = 1_024;

/// How much memory is taken at once for small pieces, at the most, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// What waits to be sent to one peer.
#[derive(Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Piece>,
    bytes: usize,
}

struct Piece {
    shared: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        self.shared.get(self.range.clone()).unwrap_or_default()
    }
}

impl Outbox {
    /// How much waits, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Adds bytes of this peer's own: to those before where there is room, for many small pieces weigh more than what is
    /// in them.
    pub(crate) fn push(&mut self, mut bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        if let Some(last) = self.pieces.back_mut()
            && let Some(own) = Arc::get_mut(&mut last.shared)
            && last.range.end == own.len()
            && own.capacity() - own.len() >= bytes.len()
        {
            own.extend_from_slice(&bytes);
            last.range.end = own.len();
            self.bytes += bytes.len();
            return;
        }
        // The more waits already, the more will follow.
        bytes.reserve_exact(self.bytes.min(CHUNK_BYTES).saturating_sub(bytes.len()));
        let range = 0..bytes.len();
        self.push_piece(Piece { shared: Arc::new(bytes), range });
    }

    /// Adds what is left of `ranges` after their first `skip` bytes. What is the smaller part of `shared`, or in small
    /// pieces, is copied, so that a peer which wants little does not hold much in memory.
    pub(crate) fn push_shared(&mut self, shared: &Arc<Vec<u8>>, ranges: &[Range<usize>], skip: usize) {
        let rest = rest_of(ranges, skip);
        let (pieces, wanted) =
            rest.clone().fold((0, 0), |(pieces, sum), range| (pieces + 1, sum + range.len()));
        if wanted * 2 >= shared.len() && wanted >= pieces * PIECE_BYTES {
            for range in rest {
                self.push_piece(Piece { shared: shared.clone(), range });
            }
        } else {
            let mut own = Vec::with_capacity(wanted);
            for range in rest {
                own.extend_from_slice(shared.get(range).unwrap_or_default());
            }
            self.push(own);
        }
    }

    /// Writes until all is gone (`true`) or the peer takes no more for now.
    pub(crate) fn flush(&mut self, to: &mut impl Write) -> io::Result<bool> {
        while !self.pieces.is_empty() {
            match write_pieces(to, self.pieces.iter().map(Piece::bytes)) {
                Ok(written) => self.forget(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn push_piece(&mut self, piece: Piece) {
        self.bytes += piece.range.len();
        self.pieces.push_back(piece);
    }

    fn forget(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some(first) = self.pieces.front_mut() {
            if first.range.len() > written {
                first.range.start += written;
                return;
            }
            written -= first.range.len();
            self.pieces.pop_front();
        }
        // The memory of a long queue is given back with it.
        self.pieces.shrink_to(PIECES_MAX);
    }
}

/// Writes `ranges` of `shared` straight to a peer for which nothing waits; how many bytes it took.
pub(crate) fn write_direct(to: &mut impl Write, shared: &[u8], ranges: &[Range<usize>]) -> io::Result<usize> {
    let total: usize = ranges.iter().map(Range::len).sum();
    let mut written = 0;
    while written < total {
        let pieces = rest_of(ranges, written).map(|range| shared.get(range).unwrap_or_default());
        match write_pieces(to, pieces) {
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

fn write_pieces<'p>(to: &mut impl Write, pieces: impl Iterator<Item = &'p [u8]>) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); PIECES_MAX];
    let mut count = 0;
    for (slice, piece) in slices.iter_mut().zip(pieces) {
        *slice = IoSlice::new(piece);
        count += 1;
    }
    match to.write_vectored(slices.get(..count).unwrap_or_default()) {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        other => other,
    }
}

/// What is left of `ranges` after their first `skip` bytes.
fn rest_of(ranges: &[Range<usize>], mut skip: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    ranges.iter().filter_map(move |range| {
        let skipped = skip.min(range.len());
        skip -= skipped;
        (skipped < range.len()).then(|| range.start + skipped..range.end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `room` bytes, then no more.
    struct Narrow {
        taken: Vec<u8>,
        room: usize,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let count = bytes.len().min(self.room).min(3);
            self.taken.extend_from_slice(&bytes[..count]);
            self.room -= count;
            Ok(count)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn whatever_the_peer_takes_at_a_time_it_gets_everything_in_order() {
        let shared = Arc::new(b"0123456789abcdef".to_vec());
        for ranges in [&[0..7, 7..16][..], &[0..4, 6..8, 10..16], &[3..4, 5..5]] {
            let wanted: Vec<u8> = ranges.iter().flat_map(|range| shared[range.clone()].to_vec()).collect();
            for room in 0..=wanted.len() {
                let mut peer = Narrow { taken: Vec::new(), room };
                let mut outbox = Outbox::default();
                let written = write_direct(&mut peer, &shared, ranges).unwrap();
                outbox.push_shared(&shared, ranges, written);
                outbox.push(b"!".to_vec());
                assert_eq!(outbox.bytes(), wanted.len() + 1 - room);
                while !outbox.is_empty() {
                    peer.room = 2;
                    outbox.flush(&mut peer).unwrap();
                }
                assert_eq!(peer.taken, [&wanted[..], b"!"].concat());
                assert_eq!(outbox.bytes(), 0);
            }
        }
    }

    #[test]
    fn many_small_pieces_are_few_large_ones_and_come_in_order() {
        let mut outbox = Outbox::default();
        let mut wanted = Vec::new();
        let mut peer = Narrow { taken: Vec::new(), room: 0 };
        for number in 0..20_000_u32 {
            let bytes = number.to_le_bytes();
            wanted.extend_from_slice(&bytes);
            outbox.push(bytes.to_vec());
            if number % 1_000 == 7 {
                peer.room = 5;
                outbox.flush(&mut peer).unwrap();
            }
        }
        assert!(outbox.pieces.len() < 30, "{}", outbox.pieces.len());
        let held: usize = outbox.pieces.iter().map(|piece| piece.shared.capacity()).sum();
        assert!(held <= outbox.bytes() + 2 * CHUNK_BYTES, "{held}");
        peer.room = usize::MAX;
        outbox.flush(&mut peer).unwrap();
        assert_eq!(peer.taken, wanted);
        assert_eq!(outbox.bytes(), 0);
    }
}
