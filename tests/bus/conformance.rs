//! Our ZeroMQ doors and peers that others wrote: every socket type that fits, each way, with what it says whole, a byte
//! at a time, and cut at each of its bytes.

/// A test for each library, so that they run beside each other and each is named where it fails.
macro_rules! each_library {
    ($check:ident) => {
        #[test]
        fn libzmq() {
            $check(crate::conformance::Library::Libzmq);
        }
        #[test]
        fn zeromq_in_rust() {
            $check(crate::conformance::Library::ZeromqRs);
        }
        #[test]
        fn pyzmq() {
            $check(crate::conformance::Library::Pyzmq);
        }
        #[test]
        fn zeromq_of_node() {
            $check(crate::conformance::Library::Node);
        }
    };
}

mod heartbeats;
mod peers;
mod pieces;
mod reconnect;
mod talk;
mod whole;

use crate::support::Doors;

/// A socket type that fits one of the doors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Push,
    Pub,
    Xpub,
    Sub,
    Xsub,
    Req,
    Dealer,
    Router,
}

/// Who wrote the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Library {
    /// libzmq 4.3.4, which the `zmq` crate builds.
    Libzmq,
    /// `zeromq`, ZMTP 3.0 in Rust alone.
    ZeromqRs,
    /// Python's, with its own libzmq.
    Pyzmq,
    /// Node's `zeromq`, with its own libzmq.
    Node,
}

impl Kind {
    const ALL: [Self; 8] = {
        use Kind::{Dealer, Pub, Push, Req, Router, Sub, Xpub, Xsub};
        [Push, Pub, Xpub, Sub, Xsub, Req, Dealer, Router]
    };

    fn name(self) -> &'static str {
        match self {
            Self::Push => "PUSH",
            Self::Pub => "PUB",
            Self::Xpub => "XPUB",
            Self::Sub => "SUB",
            Self::Xsub => "XSUB",
            Self::Req => "REQ",
            Self::Dealer => "DEALER",
            Self::Router => "ROUTER",
        }
    }

    /// Where its door is.
    fn url(self, doors: &Doors) -> String {
        match self {
            Self::Push | Self::Pub | Self::Xpub => doors.input_url(),
            Self::Sub | Self::Xsub => doors.clients_url(),
            Self::Req | Self::Dealer | Self::Router => doors.query_url(),
        }
    }
}

impl Library {
    /// All types that fit a door, but for what the library cannot do.
    fn kinds(self) -> impl Iterator<Item = Kind> {
        // A ROUTER that connects must name its peer, and the `zmq` crate has no way to; Python and Node do it in libzmq.
        Kind::ALL.into_iter().filter(move |kind| (self, *kind) != (Self::Libzmq, Kind::Router))
    }

    /// Does a subscription of this type come as a command? libzmq's SUB alone does so; the others send a message.
    fn subscribes_by_command(self, kind: Kind) -> bool {
        kind == Kind::Sub && self != Self::ZeromqRs
    }
}

/// Does the same with each type of a library, all at once.
fn each_kind(library: Library, check: impl Fn(Kind) + Sync) {
    std::thread::scope(|scope| {
        for kind in library.kinds() {
            let check = &check;
            let name = format!("{library:?} {}", kind.name());
            let spawned = std::thread::Builder::new().name(name).spawn_scoped(scope, move || check(kind));
            spawned.expect("a thread");
        }
    });
}
