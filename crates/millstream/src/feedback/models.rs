//! A model of the loop under every interleaving that loom finds: it ends when nothing is in flight,
//! never before.

use std::collections::VecDeque;

use loom::thread;

use super::{Feedback, InFlightItem};
use crate::Context;
use crate::source::{Filled, Source};
use crate::sync::{Arc, Mutex};

/// Takes one item from the shared source, as a worker of a team does; none at the end.
fn take(source: &Mutex<Feedback<u32>>) -> Option<InFlightItem<u32>> {
    let ctx = Context::new();
    let mut out = VecDeque::new();
    let Ok(filled) = source.lock().fill(&ctx, &mut out, 1);
    assert_eq!(filled == Filled::End, out.is_empty(), "it is ended or gives something");
    out.pop_front()
}

/// Each item above zero feeds the one below it.
fn work(source: &Mutex<Feedback<u32>>) -> u32 {
    let mut seen = 0;
    while let Some(item) = take(source) {
        seen += 1;
        if *item > 0 {
            item.feeder().feed(*item - 1).expect("there is no limit");
        }
    }
    seen
}

#[test]
fn workers_see_everything_that_was_fed_and_then_the_end() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let source = Arc::new(Mutex::new(Feedback::new([1])));
        let other = {
            let source = Arc::clone(&source);
            thread::spawn(move || work(&source))
        };
        let mine = work(&source);
        assert_eq!(mine + other.join().unwrap(), 2);
    });
}

#[test]
fn a_loop_whose_last_item_is_dropped_elsewhere_ends() {
    loom::model(|| {
        let source = Arc::new(Mutex::new(Feedback::new([0])));
        let item = take(&source).expect("there is one");
        let elsewhere = thread::spawn(move || drop(item));
        assert!(take(&source).is_none());
        elsewhere.join().unwrap();
    });
}
