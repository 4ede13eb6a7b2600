//! What texts in addresses look like, for the description: a program that reads it asks nothing that is refused.

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A kind of text, by its pattern.
macro_rules! word {
    ($(#[$about:meta])* $name:ident, $pattern:expr, $example:expr) => {
        $(#[$about])*
        pub(super) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some($pattern));
                text.examples([$example]).build().into()
            }
        }

        impl ToSchema for $name {}
    };
}

word!(
    /// A thing's name.
    Ns, r"^[a-z][a-z0-9_-]{0,63}(\.[a-z][a-z0-9_-]{0,63}){0,14}$", "shop.lamp"
);
word!(
    /// A thing's name, or nothing for all of them.
    Under, r"^([a-z][a-z0-9_-]{0,63}(\.[a-z][a-z0-9_-]{0,63}){0,14})?$", "shop"
);
word!(
    /// A snapshot's name.
    SnapshotName, r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", "before-the-move"
);
word!(
    /// A moment: seconds since 1970 UTC, or how long ago.
    Moment, r"^([0-9]{1,10}(\.[0-9]{1,6})?|[1-9][0-9]{0,5}(s|m|h|days))$", "1h"
);
word!(
    /// A stretch of time.
    Stretch, r"^([1-9][0-9]{0,5}(s|m|h|days)|[1-9][0-9]{0,9}(\.[0-9]{1,6})?|0\.[0-9]{0,5}[1-9])$", "1m"
);
word!(
    /// A place in a value (RFC 6901).
    Pointer, r"^(/([^/~]|~[01])*)*$", "/rpm"
);
word!(
    /// A tag of a thing's last update, or `*`.
    Tag, r#"^(\*|"[0-9a-f]+-[0-9a-f]+\.[0-9]{1,18}")$"#, "*"
);
word!(
    /// What is there is none of.
    Star, r"^\*$", "*"
);
word!(
    /// Where a stream was cut off.
    EventId, r"^[0-9a-f]+-[0-9a-f]+\.[0-9]{1,18}$", "660cfb8a3111a-71a.3"
);
word!(
    /// Words for how fresh things are.
    Freshnesses, r"^(fresh|late|silent)(,(fresh|late|silent)){0,2}$", "late,silent"
);
