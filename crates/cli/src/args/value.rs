//! Values that name places: they need not be UTF-8.

use std::ffi::{OsStr, OsString};

use clap::builder::{OsStringValueParser, TypedValueParser};
use connect::Destination;

/// A value that may be, or contain, a path, so it need not be UTF-8.
pub(crate) fn of<T, E>(
    parse: impl Fn(&OsStr) -> Result<T, E> + Clone + Send + Sync + 'static,
) -> impl TypedValueParser<Value = T>
where
    T: Clone + Send + Sync + 'static,
    E: ToString,
{
    OsStringValueParser::new()
        .try_map(move |text: OsString| parse(&text).map_err(|error| error.to_string()))
}

/// What `--to` names.
pub(crate) fn destination() -> impl TypedValueParser<Value = Destination> {
    of(Destination::parse_os)
}
