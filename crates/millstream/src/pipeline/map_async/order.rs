//! What begins next and in what order results leave: the one thing in which the three async verbs
//! differ.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::rc::Rc;

use slab::Slab;

/// An order of results, chosen by the verb.
pub trait Order<T, R>: Send {
    /// What keeps it while the stage runs.
    type Plan: Plan<T, R>;
    /// The name of its line in the report.
    const NAME: &'static str;

    /// Makes the plan, on the thread that will use it.
    fn plan(self) -> Self::Plan;
}

/// Items that may not begin yet, and results that may not leave yet.
pub trait Plan<T, R> {
    /// What comes back with the result of an item.
    type Tag;

    /// Takes an item of the input.
    fn admit(&mut self, item: T);

    /// The next item that may begin.
    fn next(&mut self) -> Option<(Self::Tag, T)>;

    /// Takes a result, and lets out what may leave.
    fn done(&mut self, tag: Self::Tag, result: R, out: &mut Vec<R>);

    /// Items admitted that have not started.
    fn items(&self) -> usize;

    /// Results that wait for earlier ones.
    fn results(&self) -> usize;
}

/// Results leave in the order of the input.
#[derive(Clone, Copy, Debug)]
pub struct InOrder;

impl<T, R> Order<T, R> for InOrder {
    type Plan = InOrderPlan<T, R>;
    const NAME: &'static str = "map_async";

    fn plan(self) -> InOrderPlan<T, R> {
        InOrderPlan { item: None, started: 0, left: 0, results: VecDeque::new(), waiting: 0 }
    }
}

/// See [`InOrder`].
#[derive(Debug)]
pub struct InOrderPlan<T, R> {
    item: Option<T>,
    started: u64,
    left: u64,
    /// Place `i` is for the result with number `left + i`.
    results: VecDeque<Option<R>>,
    waiting: usize,
}

impl<T, R> Plan<T, R> for InOrderPlan<T, R> {
    type Tag = u64;

    fn admit(&mut self, item: T) {
        self.item = Some(item);
    }

    fn next(&mut self) -> Option<(u64, T)> {
        let item = self.item.take()?;
        self.started += 1;
        self.results.push_back(None);
        Some((self.started - 1, item))
    }

    fn done(&mut self, number: u64, result: R, out: &mut Vec<R>) {
        let place = usize::try_from(number - self.left).unwrap_or(usize::MAX);
        self.results[place] = Some(result);
        self.waiting += 1;
        while let Some(result) = self.results.front_mut().and_then(Option::take) {
            self.results.pop_front();
            self.left += 1;
            self.waiting -= 1;
            out.push(result);
        }
    }

    fn items(&self) -> usize {
        usize::from(self.item.is_some())
    }

    fn results(&self) -> usize {
        self.waiting
    }
}

/// Results leave as they come.
#[derive(Clone, Copy, Debug)]
pub struct Unordered;

impl<T, R> Order<T, R> for Unordered {
    type Plan = UnorderedPlan<T>;
    const NAME: &'static str = "map_async_unordered";

    fn plan(self) -> UnorderedPlan<T> {
        UnorderedPlan { item: None }
    }
}

/// See [`Unordered`].
#[derive(Debug)]
pub struct UnorderedPlan<T> {
    item: Option<T>,
}

impl<T, R> Plan<T, R> for UnorderedPlan<T> {
    type Tag = ();

    fn admit(&mut self, item: T) {
        self.item = Some(item);
    }

    fn next(&mut self) -> Option<((), T)> {
        self.item.take().map(|item| ((), item))
    }

    fn done(&mut self, (): (), result: R, out: &mut Vec<R>) {
        out.push(result);
    }

    fn items(&self) -> usize {
        usize::from(self.item.is_some())
    }

    fn results(&self) -> usize {
        0
    }
}

/// One item of a key after the other; results leave as they come.
#[derive(Clone, Copy)]
pub struct ByKey<K>(pub(crate) K);

impl<K> fmt::Debug for ByKey<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByKey")
    }
}

impl<T, R, K: Hash + Eq, G: FnMut(&T) -> K + Send> Order<T, R> for ByKey<G> {
    type Plan = ByKeyPlan<T, K, G>;
    const NAME: &'static str = "map_async_by_key";

    fn plan(self) -> ByKeyPlan<T, K, G> {
        ByKeyPlan {
            key: self.0,
            queues: Slab::new(),
            by_key: HashMap::new(),
            ready: VecDeque::new(),
            waiting: 0,
        }
    }
}

/// See [`ByKey`].
pub struct ByKeyPlan<T, K, G> {
    key: G,
    /// A queue for each key that has an item in flight or waiting; never more than those.
    queues: Slab<KeyQueue<T, K>>,
    by_key: HashMap<Rc<K>, usize>,
    /// Queues whose first item may begin, the one that is ready for longest first.
    ready: VecDeque<usize>,
    waiting: usize,
}

/// A queue with one item, the usual case, allocates no queue.
struct KeyQueue<T, K> {
    key: Rc<K>,
    first: Option<T>,
    behind: VecDeque<T>,
}

impl<T, K, G> fmt::Debug for ByKeyPlan<T, K, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByKeyPlan").field("keys", &self.queues.len()).finish_non_exhaustive()
    }
}

impl<T, R, K: Hash + Eq, G: FnMut(&T) -> K> Plan<T, R> for ByKeyPlan<T, K, G> {
    type Tag = usize;

    fn admit(&mut self, item: T) {
        // The key's own code comes first: if it panics, nothing here has changed yet.
        let key = (self.key)(&item);
        if let Some(&queue) = self.by_key.get(&key) {
            self.queues[queue].behind.push_back(item);
        } else {
            let key = Rc::new(key);
            self.by_key.insert(Rc::clone(&key), self.queues.vacant_key());
            let queue =
                self.queues.insert(KeyQueue { key, first: Some(item), behind: VecDeque::new() });
            self.ready.push_back(queue);
        }
        self.waiting += 1;
    }

    fn next(&mut self) -> Option<(usize, T)> {
        let queue = self.ready.pop_front()?;
        let item = self.queues[queue].first.take()?;
        self.waiting -= 1;
        Some((queue, item))
    }

    fn done(&mut self, queue: usize, result: R, out: &mut Vec<R>) {
        out.push(result);
        let KeyQueue { first, behind, .. } = &mut self.queues[queue];
        *first = behind.pop_front();
        if first.is_some() {
            self.ready.push_back(queue);
        } else {
            let KeyQueue { key, .. } = self.queues.remove(queue);
            self.by_key.remove(&key);
        }
    }

    fn items(&self) -> usize {
        self.waiting
    }

    fn results(&self) -> usize {
        0
    }
}
