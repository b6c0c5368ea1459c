//! What a newcomer tries first: inputs, numbers of workers, functions that take and return
//! pipelines, names in reports.

use std::collections::VecDeque;

use millstream::pipeline::Stream;
use millstream::{Context, Pipeline, Skip, channel};

#[test]
fn vectors_deques_arrays_and_sources_all_go_into_from() {
    let ctx = Context::new();
    assert_eq!(Pipeline::from(vec!["a", "b"]).collect(&ctx).unwrap(), ["a", "b"]);
    assert_eq!(Pipeline::from(VecDeque::from([1, 2])).thread().collect(&ctx).unwrap(), [1, 2]);
    assert_eq!(
        Pipeline::from([1, 2, 3]).parallel(2).map(|n| n * n).collect(&ctx).unwrap(),
        [1, 4, 9]
    );
    assert!(Pipeline::from(Vec::<String>::new()).collect(&ctx).unwrap().is_empty());
    let (tx, rx) = channel(1);
    tx.try_send(1).unwrap();
    drop(tx);
    assert_eq!(Pipeline::from(rx).until(&ctx.child()).collect(&ctx).unwrap(), [1]);
}

#[test]
fn a_number_of_workers_may_be_given_by_its_maximum_alone() {
    let squares = |n: u64| n * n;
    for most in [0, 1, 4] {
        let all = Pipeline::from_iter(0..500)
            .parallel(..=most)
            .map(squares)
            .collect(&Context::new())
            .unwrap();
        assert_eq!(all, (0..500).map(squares).collect::<Vec<_>>());
    }
}

#[test]
fn a_function_takes_a_pipeline_and_returns_one_with_every_verb_behind_it() {
    fn numbers(below: u64) -> Pipeline<impl Stream<Item = u64>> {
        Pipeline::from_iter(0..below).filter(|n| n % 3 == 0)
    }
    fn halves(input: Pipeline<impl Stream<Item = u64>>) -> Pipeline<impl Stream<Item = u64>> {
        let half = |n: u64| if n.is_multiple_of(2) { Ok(n / 2) } else { Err("odd") };
        input.parallel(2).try_map(half).on_error(Skip).thread()
    }
    let ctx = Context::new();
    let run = || halves(halves(numbers(100)).map(|n| n * 2)).take(5);
    assert_eq!(run().collect(&ctx).unwrap(), [0, 3, 6, 9, 12]);
    let report =
        run().map_async(2, async |n| n).parallel(2).map(|n| n).for_each(&ctx, drop).unwrap();
    assert!(report.balances());
}

#[test]
fn stages_of_the_same_verb_are_numbered_where_they_have_no_name() {
    let even = |n: u32| if n.is_multiple_of(2) { Ok(n) } else { Err("odd") };
    let report = Pipeline::from_iter(0..8_u32)
        .try_map(even)
        .on_error(Skip)
        .map(|n| n / 2)
        .try_map(even)
        .named("parse")
        .on_error(Skip)
        .map(|n| n / 2)
        .try_map(even)
        .on_error(Skip)
        .for_each(&Context::new(), drop)
        .unwrap();
    let names: Vec<_> = report.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(names, ["source", "try_map", "map", "parse", "map 2", "try_map 2", "sink"]);
    let errors: Vec<_> =
        report.errors.iter().map(|error| (error.stage.as_str(), error.count)).collect();
    assert_eq!(errors, [("try_map", 4), ("parse", 2), ("try_map 2", 1)]);

    let same =
        Pipeline::from_iter(0..8_u32).try_map(even).on_error(Skip).map(|n| n / 2).try_map(even);
    let error = same.collect(&Context::new()).unwrap_err();
    assert_eq!(error.stage(), Some("try_map 2"));
}

/// Its destructor panics.
struct Sour(#[expect(dead_code, reason = "it is not the value that matters")] u32);

impl Drop for Sour {
    fn drop(&mut self) {
        panic!("sour");
    }
}

#[test]
fn a_destructors_panic_is_blamed_on_no_stage() {
    let error = Pipeline::from_iter([1])
        .map(Sour)
        .filter(|_| false)
        .collect(&Context::new())
        .err()
        .unwrap();
    assert_eq!(error.stage(), None);
    assert_eq!(error.panic().unwrap().message(), "sour");
    let text = error.to_string();
    assert!(
        text.starts_with("a destructor, of an item or of what a stage had captured, panicked at "),
        "{text}"
    );
    assert!(!text.contains("millstream\""), "{text}");
}

#[test]
fn many_futures_that_panic_when_they_are_dropped_end_the_run_and_not_the_process() {
    let (started, starts) = channel(64);
    let ctx = Context::new();
    let stop = ctx.child();
    let error = millstream::scope::<_, String, _>(&ctx, |s| {
        s.spawn("run", |_| {
            let forever = |n| {
                let (sour, started) = (Sour(n), started.clone());
                async move {
                    let _sour = sour;
                    started.try_send(()).unwrap();
                    std::future::pending::<u32>().await
                }
            };
            let error = Pipeline::from_iter(0..)
                .map_async_unordered(8, forever)
                .collect(&stop)
                .unwrap_err();
            Err(error.to_string())
        });
        for _ in 0..8 {
            starts.recv(&ctx).unwrap();
        }
        stop.cancel("enough");
        Ok(())
    });
    let text = error.unwrap_err().to_string();
    assert!(text.ends_with("sour"), "{text}");
}
