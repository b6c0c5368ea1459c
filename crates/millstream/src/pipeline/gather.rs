//! Appending to a vector in the middle of a hot loop, with the vector in registers.
//!
//! [`Vec::push`] hands the address of the vector to the function that grows it. A vector whose
//! address is known elsewhere lives in memory, and each push then waits for the length that the one
//! before stored: three times the work of a cheap stage. So here the vector is given away by value
//! when it has to grow, and its address never escapes.

/// Appends one item.
#[inline(always)]
pub(crate) fn push<T>(items: &mut Vec<T>, item: T) {
    if items.len() == items.capacity() {
        *items = grow(std::mem::take(items), item);
    } else {
        items.push(item);
    }
}

/// What is in the vector is lost if this panics. It does not: memory ends, which aborts, before a
/// capacity overflows.
#[cold]
#[inline(never)]
fn grow<T>(mut items: Vec<T>, item: T) -> Vec<T> {
    items.push(item);
    items
}

#[cfg(all(test, not(loom)))]
mod tests {
    #[test]
    fn what_is_pushed_is_there_in_its_order_whatever_the_vector_had_room_for() {
        for room in 0..5 {
            let mut items = Vec::with_capacity(room);
            (0..100).for_each(|n| super::push(&mut items, n));
            assert!(items.into_iter().eq(0..100));
        }
        let mut nothing = Vec::new();
        (0..3).for_each(|_| super::push(&mut nothing, ()));
        assert_eq!(nothing.len(), 3);
    }
}
