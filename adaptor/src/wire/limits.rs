//! Every limit of the wire, with its reason.

/// The longest JSON message that the broker takes, in bytes. A reading is some hundred bytes; 1 MiB leaves
/// room for a small camera picture and keeps what one sender can make the broker hold small.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// The longest UDP datagram, in bytes: what IPv4 can carry (65,535 less the IP and UDP headers).
/// 0.2.1 reads 4,096 of them, so what must reach an old broker too stays below that.
pub const DATAGRAM_BYTES_MAX: usize = 65_507;

/// The longest message that a client takes from a broker, in bytes: a 0.2.1 broker puts its whole directory
/// into one snapshot.
pub const SNAPSHOT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How deep arrays and objects may nest in `data`. Python's own decoder gives up near 1,000, serde_json's at
/// 128; what the broker passes on must be readable by all who listen.
pub const DEPTH_MAX: usize = 64;

/// The most parts that a namespace has.
pub const NAMESPACE_PARTS_MAX: usize = 32;

/// The longest namespace, in bytes.
pub const NAMESPACE_BYTES_MAX: usize = 1_024;

/// The longest part of a namespace, in bytes: 0.2.1's rule, one letter and up to 63 more.
pub const NAMESPACE_PART_BYTES_MAX: usize = 64;

/// The longest documentation URL, in bytes. Each thing keeps one.
pub const DOCUMENTATION_URL_BYTES_MAX: usize = 2_048;

/// The longest query, in bytes.
pub const QUERY_BYTES_MAX: usize = 8_192;

/// The most things in one answer of the query door. What wants more asks again with `after`.
pub const PAGE_THINGS_MAX: usize = 10_000;

/// The longest answer of the query door and the longest periodic snapshot, in bytes, before the page is
/// ended (one thing more than fits is never cut: a page holds at least one). What is live waits while one is made: with
/// so much, some 50 µs.
pub const PAGE_BYTES_MAX: usize = 16 * 1024;

/// The most values of a thing's history in one answer.
pub const HISTORY_VALUES_MAX: usize = 100_000;

/// The longest answer about the past, in bytes, before it is ended. It is made beside the stream, not in it, so it may be
/// longer than a page.
pub const HISTORY_BYTES_MAX: usize = 256 * 1024;

/// The longest time after which a thing may ask to be forgotten, in seconds: ten years.
pub const TTL_S_MAX: u64 = 10 * 365 * 86_400;
