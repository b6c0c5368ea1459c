//! What a full channel does with one more item. The policy alone; `state.rs` applies it.

/// What a send does when the channel is full.
///
/// # Examples
/// ```
/// use millstream::{Context, channel::{ChannelBuilder, Overflow}};
///
/// let ctx = Context::new();
/// let (tx, rx) = ChannelBuilder::new(2).overflow(Overflow::DropOldest).build();
/// for n in 1..=5 {
///     tx.send(&ctx, n).unwrap();
/// }
/// assert_eq!(rx.drain(), [4, 5]);
/// assert_eq!(rx.dropped(), 3);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The sender waits for a place.
    #[default]
    Block,
    /// The send fails at once and gives the item back.
    Reject,
    /// The oldest queued item is dropped and counted, and the send succeeds. If all places are
    /// reserved by permits there is no older item, so the sent one is dropped and counted.
    DropOldest,
    /// The item that is being sent is dropped and counted, and the send succeeds.
    DropNewest,
}
