//! A channel against a plain deque: any sequence of operations has the same results, and no item is
//! unaccounted for.

use std::collections::{BTreeSet, VecDeque};

use millstream::Context;
use millstream::channel::{
    ChannelBuilder, Overflow, Permit, Receiver, ReserveError, SendError, Sender, TryRecvError,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    TrySend,
    TrySendAll(usize),
    /// A send with a cancelled context, which must change nothing.
    SendCancelled,
    Reserve,
    SendReserved,
    DropReserved,
    TryRecv,
    TryRecvMany(usize),
    Drain,
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::TrySend),
        3 => (0..7_usize).prop_map(Step::TrySendAll),
        1 => Just(Step::SendCancelled),
        2 => Just(Step::Reserve),
        2 => Just(Step::SendReserved),
        1 => Just(Step::DropReserved),
        6 => Just(Step::TryRecv),
        3 => (0..7_usize).prop_map(Step::TryRecvMany),
        1 => Just(Step::Drain),
    ];
    let closing = prop_oneof![30 => step, 1 => Just(Step::Close)];
    prop::collection::vec(closing, 0..60)
}

fn policies() -> impl Strategy<Value = Overflow> {
    prop::sample::select(vec![
        Overflow::Block,
        Overflow::Reject,
        Overflow::DropOldest,
        Overflow::DropNewest,
    ])
}

/// What a channel is, in the plainest words.
struct Model {
    queue: VecDeque<u32>,
    capacity: usize,
    reserved: usize,
    overflow: Overflow,
    closed: bool,
    dropped: BTreeSet<u32>,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Sent,
    Full,
    Closed,
}

impl Model {
    fn send(&mut self, item: u32) -> Outcome {
        if self.closed {
            return Outcome::Closed;
        }
        if self.queue.len() + self.reserved < self.capacity {
            self.queue.push_back(item);
            return Outcome::Sent;
        }
        match self.overflow {
            Overflow::Block | Overflow::Reject => return Outcome::Full,
            Overflow::DropNewest => self.dropped.insert(item),
            Overflow::DropOldest => {
                self.queue.push_back(item);
                self.queue.pop_front().is_some_and(|oldest| self.dropped.insert(oldest))
            }
            other => panic!("the model knows nothing of {other:?}"),
        };
        Outcome::Sent
    }
}

/// A channel and its model in step, and an account of every item that was ever made.
struct Run<'c> {
    tx: &'c Sender<u32>,
    rx: &'c Receiver<u32>,
    permits: Vec<Permit<'c, u32>>,
    model: Model,
    made: u32,
    received: BTreeSet<u32>,
    given_back: BTreeSet<u32>,
}

impl Run<'_> {
    fn make(&mut self) -> u32 {
        self.made += 1;
        self.made
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::TrySend => self.try_send(),
            Step::TrySendAll(count) => self.try_send_all(count),
            Step::SendCancelled => self.send_cancelled(),
            Step::Reserve => self.reserve(),
            Step::SendReserved => self.send_reserved(),
            Step::DropReserved => self.model.reserved -= usize::from(self.permits.pop().is_some()),
            Step::TryRecv => self.try_recv(),
            Step::TryRecvMany(max) => self.try_recv_many(max),
            Step::Drain => {
                let drained = self.rx.drain();
                assert_eq!(drained, std::mem::take(&mut self.model.queue));
                self.received.extend(drained);
            }
            Step::Close => {
                assert_eq!(self.tx.close("closed"), !self.model.closed);
                self.model.closed = true;
            }
        }
    }

    fn try_send(&mut self) {
        let item = self.make();
        let outcome = match self.tx.try_send(item) {
            Ok(()) => Outcome::Sent,
            Err(error) => {
                let closed = error.cause().is_some();
                assert!(self.given_back.insert(error.into_item()));
                if closed { Outcome::Closed } else { Outcome::Full }
            }
        };
        assert_eq!(outcome, self.model.send(item));
    }

    fn try_send_all(&mut self, count: usize) {
        let items: Vec<_> = (0..count).map(|_| self.make()).collect();
        let mut chunk: VecDeque<_> = items.iter().copied().collect();
        let sent = self.tx.try_send_all(&mut chunk);
        let expected =
            items.iter().take_while(|item| self.model.send(**item) == Outcome::Sent).count();
        match sent {
            Err(error) => assert!(self.model.closed && error.cause().is_some()),
            Ok(sent) => assert_eq!(sent, expected),
        }
        assert!(chunk.iter().eq(items.iter().skip(expected)));
        self.given_back.extend(chunk);
    }

    fn send_cancelled(&mut self) {
        let stopped = Context::new();
        stopped.cancel("stopped");
        let error = self.tx.send(&stopped, self.made + 1).unwrap_err();
        assert!(matches!(error, SendError::Cancelled(..)));
        self.made += 1;
        self.given_back.insert(error.into_item());
    }

    fn reserve(&mut self) {
        let full = self.model.queue.len() + self.model.reserved == self.model.capacity;
        if full && !self.model.closed && self.model.overflow != Overflow::Reject {
            return; // It would wait.
        }
        match self.tx.reserve(&Context::new()) {
            Ok(permit) => {
                assert!(!full && !self.model.closed);
                self.permits.push(permit);
                self.model.reserved += 1;
            }
            Err(ReserveError::Full) => assert!(full && !self.model.closed),
            Err(error) => assert!(self.model.closed, "{error}"),
        }
    }

    fn send_reserved(&mut self) {
        let Some(permit) = self.permits.pop() else { return };
        let item = self.make();
        self.model.reserved -= 1;
        match permit.send(item) {
            Ok(()) => self.model.queue.push_back(item),
            Err(error) => assert!(self.given_back.insert(error.into_item())),
        }
        assert_eq!(self.given_back.contains(&item), self.model.closed);
    }

    fn try_recv(&mut self) {
        match (self.rx.try_recv(), self.model.queue.pop_front()) {
            (Ok(item), Some(expected)) => {
                assert_eq!(item, expected);
                self.received.insert(item);
            }
            (Err(TryRecvError::Empty), None) => assert!(!self.model.closed),
            (Err(TryRecvError::Closed(_)), None) => assert!(self.model.closed),
            other => panic!("{other:?}"),
        }
    }

    fn try_recv_many(&mut self, max: usize) {
        let mut buffer = VecDeque::new();
        let count = self.rx.try_recv_many(&mut buffer, max).unwrap_or(0);
        assert_eq!(count, buffer.len());
        let expected = self.model.queue.len().min(max);
        assert!(self.model.queue.drain(..expected).eq(buffer.iter().copied()));
        self.received.extend(buffer);
    }

    /// The conservation law: each item that was made is in exactly one place.
    fn balances(&self) {
        assert_eq!(self.tx.len(), self.model.queue.len());
        assert_eq!(self.tx.dropped(), self.model.dropped.len() as u64);
        let all = self
            .received
            .iter()
            .chain(&self.given_back)
            .chain(&self.model.queue)
            .chain(&self.model.dropped);
        let mut all: Vec<_> = all.copied().collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(1..=self.made), "an item is nowhere, or in two places");
    }
}

proptest! {
    #[test]
    fn any_sequence_of_operations_does_what_a_deque_does(
        steps in steps(),
        capacity in 1..6_usize,
        overflow in policies(),
    ) {
        let (tx, rx) = ChannelBuilder::new(capacity).overflow(overflow).build();
        let model = Model {
            queue: VecDeque::new(),
            capacity,
            reserved: 0,
            overflow,
            closed: false,
            dropped: BTreeSet::new(),
        };
        let mut run = Run {
            tx: &tx,
            rx: &rx,
            permits: Vec::new(),
            model,
            made: 0,
            received: BTreeSet::new(),
            given_back: BTreeSet::new(),
        };
        for step in &steps {
            run.step(step);
            run.balances();
        }
    }
}
