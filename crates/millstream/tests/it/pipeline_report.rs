//! The report: it can fail, it counts items and not batches, it is there while the run is on its
//! way, and people can read it.

use std::sync::Mutex;

use millstream::{Batch, Monitor, Pipeline, Report, Sink, Skip};

use crate::pipeline_support::{Keep, adds_up, clean, spin};

#[test]
fn every_stage_says_what_came_in_and_what_became_of_it() {
    let report = clean(|ctx| {
        Pipeline::from_iter(0..100_u64)
            .filter(|n| n % 2 == 0)
            .named("even")
            .parallel(2)
            .flat_map(|n| vec![n; (n % 3) as usize])
            .try_map(|n| if n % 5 == 0 { Err("five") } else { Ok(n) })
            .on_error(Skip)
            .named("no fives")
            .thread()
            .batch(Batch::of(7))
            .run(ctx, Keep::new())
            .unwrap()
    });
    adds_up(&report);
    let names: Vec<_> = report.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(
        names,
        ["source", "even", "parallel", "flat_map", "no fives", "merge", "thread", "batch", "sink"]
    );
    let even = (0..100).filter(|n| n % 2 == 0);
    let many = even.clone().flat_map(|n| vec![n; n % 3]);
    let fives = many.clone().filter(|n| n % 5 == 0).count() as u64;
    let stage = |at: usize| &report.stages[at];
    assert_eq!((stage(0).entered, stage(0).left), (100, 100));
    assert_eq!((stage(1).entered, stage(1).filtered, stage(1).left), (100, 50, 50));
    assert_eq!(stage(3).left, many.clone().count() as u64);
    assert_eq!(
        stage(3).filtered,
        even.filter(|n| n % 3 == 0).count() as u64,
        "an item that becomes none is filtered"
    );
    assert_eq!((stage(4).skipped, stage(4).left), (fives, many.count() as u64 - fives));
    assert_eq!(stage(7).entered, stage(7).left, "a batch counts as its items");
    assert_eq!(stage(8).entered, stage(4).left);
    assert_eq!(report.totals().left, stage(8).left);
}

#[test]
fn the_law_can_fail() {
    let mut report =
        clean(|ctx| Pipeline::from_iter(0..9).map(|n| n).for_each(ctx, |_| ()).unwrap());
    assert!(report.balances());
    report.stages[2].entered -= 1;
    assert!(!report.balances(), "an item is gone between two stages");
    report.stages[2].entered += 1;
    report.stages[1].filtered += 1;
    assert!(!report.balances(), "a stage has one item too many");
}

#[test]
fn the_lines_for_people_name_totals_stages_bottleneck_and_errors() {
    let report = clean(|ctx| {
        let slow = |n: u64| {
            spin(50_000);
            if n == 3 { Err("three") } else { Ok(n) }
        };
        Pipeline::from_iter(0..20_u64)
            .map(|n| n)
            .try_map(slow)
            .on_error(Skip)
            .for_each(ctx, |_| ())
            .unwrap()
    });
    assert_eq!(report.bottleneck().map(|stage| stage.name.as_str()), Some("try_map"));
    let text = report.to_string();
    for part in [
        "20 in, 19 out, 0 filtered, 1 skipped",
        "bottleneck: try_map",
        "1 x str in try_map: three",
        "source",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
}

/// A sink that looks at its own run.
struct Looks {
    monitor: Monitor,
    seen: std::sync::Arc<Mutex<Vec<Report>>>,
    written: u64,
}

impl Sink<u64> for Looks {
    type Error = String;

    fn write(&mut self, _: u64) -> Result<(), String> {
        self.written += 1;
        if self.written.is_multiple_of(10_000) {
            let now = self.monitor.report().ok_or("a run that writes is on its way")?;
            self.seen.lock().unwrap().push(now);
        }
        Ok(())
    }
}

#[test]
fn a_monitor_sees_the_source_move_on_while_workers_work_and_nothing_after_the_end() {
    let (seen, after) = clean(|ctx| {
        let monitor = Monitor::new();
        assert!(monitor.report().is_none());
        let seen = std::sync::Arc::default();
        let looks =
            Looks { monitor: monitor.clone(), seen: std::sync::Arc::clone(&seen), written: 0 };
        Pipeline::from_iter(0..200_000_u64)
            .parallel(2)
            .map(|n| n)
            .monitor(&monitor)
            .run(ctx, looks)
            .unwrap();
        let seen = seen.lock().unwrap().clone();
        (seen, monitor.report().is_some())
    });
    assert!(!after);
    assert_eq!(seen.len(), 20);
    for (at, report) in seen.iter().enumerate().skip(10) {
        let written = (at as u64 + 1) * 10_000;
        // A worker publishes after a few chunks of at most 4,096 items.
        let read = report.stages[0].entered;
        assert!(
            read + 40 * 4_096 >= written && read > 0,
            "{read} read, {written} written:\n{report}"
        );
    }
}

#[test]
fn a_fold_of_nothing_and_a_run_of_nothing_report_nothing() {
    clean(|ctx| {
        assert_eq!(Pipeline::from_iter(0..0).fold(ctx, 7, |a, b: i32| a + b).unwrap(), 7);
        let kept = Keep::<i32>::new();
        let report =
            Pipeline::from_iter(0..0).parallel(4).map(|n| n).run(ctx, kept.again()).unwrap();
        adds_up(&report);
        assert_eq!((report.totals().entered, kept.closed()), (0, 1));
    });
}

/// A sink that refuses one item.
struct Refuses(u64, u32);

impl Sink<u64> for Refuses {
    type Error = String;

    fn write(&mut self, item: u64) -> Result<(), String> {
        if item == self.0 { Err(format!("no room for {item}")) } else { Ok(()) }
    }

    fn close(&mut self) -> Result<(), String> {
        self.1 += 1;
        assert_eq!(self.1, 1, "a sink is closed once");
        Ok(())
    }
}

#[test]
fn an_item_that_the_sink_refuses_is_the_one_that_failed() {
    for workers in [1, 3] {
        let error = clean(move |ctx| {
            let source = Pipeline::from_iter(0..100_000_u64).parallel(workers).map(|n| n).thread();
            source.run(ctx, Refuses(777, 0)).unwrap_err()
        });
        assert_eq!(error.to_string(), "stage \"sink\" failed: no room for 777");
        adds_up(error.report());
        let totals = error.report().totals();
        assert_eq!((totals.failed, totals.left), (1, 777));
        assert_eq!(totals.cancelled, totals.entered - 778);
    }
}

/// A sink that cannot end well.
struct NoEnd;

impl Sink<u64> for NoEnd {
    type Error = std::io::Error;

    fn write(&mut self, _: u64) -> Result<(), std::io::Error> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), std::io::Error> {
        Err(std::io::ErrorKind::StorageFull.into())
    }
}

#[test]
fn a_sink_that_cannot_close_fails_the_run_though_every_item_was_written() {
    let error = clean(|ctx| Pipeline::from_iter(0..9).run(ctx, NoEnd).unwrap_err());
    assert_eq!(error.stage(), Some("sink"));
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    assert_eq!(kind, Some(std::io::ErrorKind::StorageFull));
    assert_eq!(error.report().totals().left, 9);
    adds_up(error.report());
}
