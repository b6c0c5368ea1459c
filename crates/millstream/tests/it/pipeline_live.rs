//! A live input: what came is handed on although nothing follows it, also while threads join the
//! run.

use std::time::Duration;

use millstream::{Batch, Context, Pipeline, channel, scope};

/// Sends a few items only once those before were written, so that an item that waits for its
/// successor waits forever.
fn items_reach_the_sink_without_successors(times: u64, timed: bool) {
    let limit = Context::new().with_timeout(Duration::from_secs(30));
    let (items, input) = channel::<u64>(64);
    let (written, seen) = channel::<u64>(64);
    let ended = scope::<_, String, _>(&limit, |threads| {
        threads.spawn("source", move |ctx| {
            for round in 0..times {
                let count = 1 + round * 7 % 40;
                for item in 0..count {
                    items.send(ctx, item).map_err(|error| format!("{item}: {error}"))?;
                }
                for item in 0..count {
                    let back = seen.recv(ctx);
                    assert_eq!(
                        back.map_err(|error| format!("{item} did not come: {error}"))?,
                        item
                    );
                }
            }
            Ok(())
        });
        let ctx = threads.context();
        // Work that is worth a thread, so that the run hires while the input is live.
        let worked = Pipeline::from(input).parallel(1..=4).map(|item| {
            let mut sum = item;
            for step in 0..20_000_u64 {
                sum = std::hint::black_box(sum ^ step);
            }
            std::hint::black_box(sum);
            item
        });
        let note = |item| drop(written.send(ctx, item));
        let run = if timed {
            let batch = Batch::of(100).within(Duration::from_millis(1));
            worked.batch(batch).for_each(ctx, |batch| batch.into_iter().for_each(note)).map(drop)
        } else {
            worked.for_each(ctx, note).map(drop)
        };
        run.map_err(|error| error.to_string())
    });
    ended.unwrap();
}

#[test]
fn an_item_reaches_the_sink_without_a_successor_while_workers_are_spawned() {
    for _ in 0..20 {
        items_reach_the_sink_without_successors(60, false);
    }
}

#[test]
fn an_item_reaches_a_timed_batch_without_a_successor_while_workers_are_spawned() {
    for _ in 0..20 {
        items_reach_the_sink_without_successors(60, true);
    }
}
