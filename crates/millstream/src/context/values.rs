//! The typed values of a context: a list that grows at its head and shares its tail with the
//! contexts above.

use std::any::{Any, TypeId};
use std::sync::Arc;

type Value = Arc<dyn Any + Send + Sync>;

/// The head of the list; `None` inside when no value was ever given.
#[derive(Clone, Default)]
pub(crate) struct Values(Option<Arc<Entry>>);

struct Entry {
    type_id: TypeId,
    value: Value,
    next: Values,
}

impl Values {
    pub(crate) fn with<T: Send + Sync + 'static>(&self, value: T) -> Self {
        let entry =
            Entry { type_id: TypeId::of::<T>(), value: Arc::new(value), next: self.clone() };
        Self(Some(Arc::new(entry)))
    }

    /// The value of type `T` that was given last.
    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let mut at = self;
        while let Some(entry) = &at.0 {
            if entry.type_id == TypeId::of::<T>() {
                return Arc::clone(&entry.value).downcast().ok();
            }
            at = &entry.next;
        }
        None
    }
}

/// Takes a list of any length apart without recursion.
impl Drop for Entry {
    fn drop(&mut self) {
        let mut next = self.next.0.take();
        while let Some(mut entry) = next.and_then(Arc::into_inner) {
            next = entry.next.0.take();
        }
    }
}
