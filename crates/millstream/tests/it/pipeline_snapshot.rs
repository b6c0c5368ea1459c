//! What a snapshot shows of a run that is on its way.

use std::sync::{Arc, Barrier, Mutex};

use millstream::snapshot::Snapshot;
use millstream::{Context, FanOut, Monitor, Pipeline, channel, scope};

use crate::pipeline_support::clean;

/// Looks until it sees what it looks for.
fn look(monitor: &Monitor, mut until: impl FnMut(&Snapshot) -> bool) -> Snapshot {
    loop {
        if let Some(now) = monitor.snapshot().filter(&mut until) {
            return now;
        }
        std::thread::yield_now();
    }
}

fn names(now: &Snapshot) -> Vec<&str> {
    now.stages.iter().map(|stage| stage.account.name.as_str()).collect()
}

#[test]
fn a_wait_counts_while_it_goes_on_and_a_waiting_thread_is_shown() {
    clean(|ctx| {
        let monitor = Monitor::new();
        let (sender, receiver) = channel::<u64>(4);
        let scoped = scope::<_, millstream::Error, _>(ctx, |s| {
            let looks = monitor.clone();
            s.spawn("run", move |ctx| {
                Pipeline::from(receiver).thread().monitor(&looks).for_each(ctx, |_| ()).map(drop)
            });
            let first = look(&monitor, |now| now.stages[1].waiting_in == 1);
            let later = look(&monitor, |now| {
                now.stages[1].account.wait_in > first.stages[1].account.wait_in
            });
            assert_eq!(later.stages[1].account.left, 0, "nothing has come yet");
            sender.send(ctx, 7).unwrap();
            look(&monitor, |now| now.stages[2].account.left == 1 && now.stages[1].waiting_in == 1);
            drop(sender);
            Ok(())
        });
        scoped.unwrap();
    });
}

#[test]
fn workers_and_queues_are_those_of_the_moment() {
    clean(|ctx| {
        let (monitor, seen, meet) = (Monitor::new(), Mutex::new(None), Arc::new(Barrier::new(3)));
        let looks = monitor.clone();
        let work = |item: u64| {
            if meet.wait().is_leader() {
                *seen.lock().unwrap() = looks.snapshot();
            }
            meet.wait();
            item
        };
        let items = Pipeline::from_iter(0..3_u64).parallel(3).buffer(12).map(work);
        items.monitor(&monitor).for_each(ctx, |_| ()).unwrap();
        let now = seen.into_inner().unwrap().unwrap();
        assert_eq!(names(&now), ["source", "parallel", "map", "merge", "sink"]);
        assert_eq!((now.stages[2].workers, now.stages[2].account.workers), (3, 3));
        let queue = now.edges[2].queue.unwrap();
        assert_eq!((queue.length, queue.bound), (3, Some(12)), "three are at work");
        assert!(now.edges[1].queue.is_none(), "nothing can wait between two stages of one loop");
    });
}

#[test]
fn the_branches_of_a_fan_are_stages_between_what_is_dealt_and_what_is_merged() {
    clean(|ctx: &Context| {
        let (monitor, mut seen) = (Monitor::new(), None);
        let looks = monitor.clone();
        let fan =
            Pipeline::from_iter(0..4).fan_out(FanOut::broadcast(2), |branch| branch.map(|n| n));
        fan.monitor(&monitor).for_each(ctx, |_| seen = looks.snapshot()).unwrap();
        let now = seen.unwrap();
        assert_eq!(&names(&now)[..3], ["source", "fan_out", "sink"]);
        let edges: Vec<_> = now.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        let branches: Vec<_> = now
            .stages
            .iter()
            .filter_map(|stage| stage.branch.as_ref())
            .map(|of| (of.stage, of.number))
            .collect();
        assert!(branches.iter().all(|(stage, _)| *stage == 1));
        assert_eq!(branches.iter().filter(|(_, number)| *number == 1).count(), branches.len() / 2);
        let first = 3 + branches.len() / 2;
        assert!(edges.contains(&(0, 3)) && edges.contains(&(0, first)), "dealt to both: {edges:?}");
        assert!(edges.contains(&(first - 1, 1)), "and merged: {edges:?}");
    });
}

#[test]
fn a_snapshot_survives_json() {
    clean(|ctx| {
        let (monitor, mut seen) = (Monitor::new(), None);
        let looks = monitor.clone();
        Pipeline::from_iter(0..9)
            .thread()
            .monitor(&monitor)
            .for_each(ctx, |_| seen = looks.snapshot())
            .unwrap();
        let now = seen.unwrap();
        let text = serde_json::to_string(&now).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), now);
    });
}

#[test]
fn threads_and_jobs_have_spans_below_the_one_in_which_they_were_asked_for() {
    use tracing_subscriber::prelude::*;
    use tracing_subscriber::registry::LookupSpan;

    /// Notes each new span with the names of those above it.
    #[derive(Clone, Default)]
    struct Paths(Arc<Mutex<Vec<String>>>);
    impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> tracing_subscriber::Layer<S> for Paths {
        fn on_new_span(
            &self,
            _: &tracing::span::Attributes<'_>,
            id: &tracing::span::Id,
            ctx: tracing_subscriber::layer::Context<'_, S>,
        ) {
            let path: Vec<_> =
                ctx.span_scope(id).unwrap().from_root().map(|span| span.name()).collect();
            self.0.lock().unwrap().push(path.join("/"));
        }
    }

    let paths = Paths::default();
    let subscriber = tracing_subscriber::registry().with(paths.clone());
    tracing::subscriber::with_default(subscriber, || {
        let _mine = tracing::info_span!("mine").entered();
        let ctx = Context::new();
        Pipeline::from_iter(0..9).parallel(2).map(|n| n).collect(&ctx).unwrap();
    });
    let paths = paths.0.lock().unwrap();
    assert!(paths.iter().any(|path| path == "mine/scope"), "{paths:?}");
}
