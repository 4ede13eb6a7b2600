//! Why a message was not taken.

use super::ack::SENDER_BYTES_MAX;
use super::limits::{DEPTH_MAX, DOCUMENTATION_URL_BYTES_MAX, TTL_S_MAX};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $sentence:expr;)*) => {
        /// Why a message was not taken. A bad message is not an error: it is counted by its reason and told in
        /// the log, and the next one is looked at.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Rejected {
            $($(#[$doc])* $variant,)*
        }

        impl Rejected {
            /// Every reason, in the order of [`Rejected::index`].
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The reason's name in counters: `too_deep`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        /// One sentence that says what was wrong.
        impl std::fmt::Display for Rejected {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self { $(Self::$variant => write!(f, "{}", $sentence),)* }
            }
        }
    };
}

reasons! {
    /// Longer than the input's limit.
    TooLong = "too_long", "the message is longer than this input takes";
    /// `data` nests deeper than [`DEPTH_MAX`].
    TooDeep = "too_deep", format_args!("the data nests deeper than {DEPTH_MAX} levels");
    /// Text that is not UTF-8.
    NotUtf8 = "not_utf8", "the text is not valid UTF-8";
    /// Not JSON.
    NotJson = "not_json", "the message is not JSON";
    /// Not msgpack.
    NotMsgpack = "not_msgpack", "the datagram is neither msgpack nor JSON";
    /// A map key that JSON has no text for.
    Key = "bad_key", "a map key is a map, a list or an extension";
    /// Neither a map nor a list of four.
    Shape = "not_an_update", "an update is a map, or a list of exactly four: [ns, ts, data, documentation_url]";
    /// `type` is missing or not `thing_update`.
    Type = "bad_type", "the message's \"type\" is not \"thing_update\"";
    /// There is no `ns`.
    NsMissing = "no_ns", "the update has no \"ns\"";
    /// `ns` breaks the rule.
    Ns = "bad_ns",
        "the update's \"ns\" is no namespace: parts joined by dots, each a letter a-z and up to 63 more of a-z, 0-9, _ and -";
    /// There is no `data`.
    DataMissing = "no_data", "the update has no \"data\"";
    /// `ts` is neither a number nor null.
    Ts = "bad_ts", "the update's \"ts\" is neither a number of seconds since 1970 nor null";
    /// `documentation_url` is neither text nor null, or too long.
    DocumentationUrl = "bad_documentation_url",
        format_args!("the update's \"documentation_url\" is not text of at most {DOCUMENTATION_URL_BYTES_MAX} bytes");
    /// `ttl` is neither a positive number of seconds nor null.
    Ttl = "bad_ttl",
        format_args!("the update's \"ttl\" is neither null nor a number of seconds above 0 and up to {TTL_S_MAX}");
    /// `ack`, `sender` or `number` are not as they must be.
    Ack = "bad_ack",
        format_args!(
            "the update's \"ack\" is neither \"directory\" nor \"disk\", or \"sender\" (1 to {SENDER_BYTES_MAX} of A-Z a-z \
             0-9 _ . : -) and \"number\" (an integer, 0 or more) are not both there"
        );
    /// To be acknowledged when it is on disk, and the broker keeps nothing there.
    NoDisk = "no_disk", "the broker keeps nothing on disk (--data none), so it acknowledges in the directory only";
    /// Too many updates wait for the disk already.
    Busy = "busy", "too many acknowledged updates wait for the disk; this one was not taken";
    /// More frames than one.
    Multipart = "multipart", "the message has more frames than one";
    /// A new thing, and the directory is at its limit.
    DirectoryFull = "directory_full", "the thing is new and the directory is full";
}

impl Rejected {
    /// The reason's place in [`Rejected::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}
