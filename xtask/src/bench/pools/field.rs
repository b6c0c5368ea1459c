//! Who takes part in the comparison of pools, and in what.

use super::row::{Line, Workload};

const JOBS: u64 = 2_000_000;
const SPINS: u64 = 100_000;
const SLEEPS: u64 = 1_000_000;
const BURSTS: u64 = 20;

pub(super) const EMPTY: &str = "Empty jobs, one at a time";
pub(super) const DETACHED: &str = "Empty jobs whose handles are dropped";
pub(super) const MAPPED: &str = "Empty items through `map`";
pub(super) const SPIN: &str = "Jobs of about 13 microseconds";
pub(super) const BURST: &str = "Bursts with pauses";
pub(super) const REACTION: &str = "From the first job of a burst to the second worker";
pub(super) const IDLE: &str = "Workers of an elastic pool after its idle time";
pub(super) const SLEEP: &str = "Sleeps of 10 ms, 50,000 at a time";

pub(super) const WINDOW: &str = "millstream, 2 workers, a thousand handles open";
pub(super) const KEPT: &str = "millstream, 2 workers, all handles kept";
pub(super) const ELASTIC: &str = "millstream, 1 to 2 workers, all handles kept";
pub(super) const MILLION: &str = "millstream, 2 workers, 1,000,000 jobs";
pub(super) const TEN_MILLION: &str = "millstream, 2 workers, 10,000,000 jobs";
pub(super) const MAP: &str = "millstream, 2 workers";
pub(super) const MAP_ELASTIC: &str = "millstream, 1 to 2 workers";
pub(super) const FIXED_1: &str = "millstream, 1 worker";
pub(super) const TO_16: &str = "millstream, 1 to 16 workers";

pub(super) const RAYON: &str = "rayon, scope";
pub(super) const THREADPOOL: &str = "threadpool";
pub(super) const ANTS: &str = "ants";
pub(super) const POND: &str = "pond, a result a job";
pub(super) const CONC: &str = "conc";
pub(super) const ERRGROUP: &str = "errgroup";
pub(super) const BUFFERED: &str = "tokio, buffer_unordered in one task";
pub(super) const TASKS_JOINED: &str = "millstream, TaskPool, each result by its handle";
pub(super) const TASKS_COUNTED: &str = "millstream, TaskPool, results counted";

/// The sum of the numbers below this one, which empty jobs return.
fn numbers(jobs: u64) -> Option<u64> {
    Some(jobs * (jobs - 1) / 2)
}

/// Every one of the 64 jobs of a burst returns 1.
fn bursts(bursts: u64) -> Option<u64> {
    Some(64 * bursts)
}

/// What the first program finds is what all must find.
fn agreed(_: u64) -> Option<u64> {
    None
}

pub(super) const WORKLOADS: &[Workload] = &[
    Workload {
        title: EMPTY,
        about: "2,000,000 jobs by one thread, for two workers. millstream and pond hand each job's result back by a handle, and \
                its error or panic; the others hand nothing back, so their jobs write to a vector: in their favour. \
                rayon's `scope` itself is one of its two workers, and its queue, as threadpool's and goroutines', has no bound.",
        unit: "ns a job",
        answer: numbers,
        lines: &[
            Line(WINDOW, "millstream", &["empty-window"], JOBS),
            Line(KEPT, "millstream", &["empty"], JOBS),
            Line(ELASTIC, "millstream", &["empty-elastic"], JOBS),
            Line(RAYON, "rayon", &["empty"], JOBS),
            Line("rayon, in_place_scope", "rayon", &["empty-in-place"], JOBS),
            Line(THREADPOOL, "threadpool", &["empty"], JOBS),
            Line("crossbeam, channel of 100 boxed closures", "crossbeam", &["empty"], JOBS),
            Line(ANTS, "go", &["empty", "ants"], JOBS),
            Line(POND, "go", &["empty", "pond"], JOBS),
            Line("pond, `Go` with a queue of 1,000", "go", &["empty", "pond-go"], JOBS),
            Line(CONC, "go", &["empty", "conc"], JOBS),
            Line(ERRGROUP, "go", &["empty", "errgroup"], JOBS),
            Line("Go, a goroutine a job", "go", &["empty", "goroutines"], JOBS),
            Line("Go, channel of 100 closures", "go", &["empty", "channel"], JOBS),
            Line("Go, the guide's pool", "go", &["empty", "guide"], JOBS),
        ],
    },
    Workload {
        title: DETACHED,
        about: "Nobody keeps a handle: each job's end is in the pool's numbers only, and ten times the jobs take no more memory.",
        unit: "ns a job",
        answer: numbers,
        lines: &[
            Line(MILLION, "millstream", &["detached"], 1_000_000),
            Line(TEN_MILLION, "millstream", &["detached"], 10_000_000),
        ],
    },
    Workload {
        title: MAPPED,
        about: "The same 2,000,000, their results in order. threadpool stands here for one submission a job.",
        unit: "ns a job",
        answer: numbers,
        lines: &[
            Line(MAP, "millstream", &["mapped"], JOBS),
            Line(MAP_ELASTIC, "millstream", &["mapped-elastic"], JOBS),
            Line(THREADPOOL, "threadpool", &["empty"], JOBS),
        ],
    },
    Workload {
        title: SPIN,
        about: "100,000 jobs of arithmetic for two workers; on two cores half of the plain loop's time is the best that there is.",
        unit: "ns a job",
        answer: agreed,
        lines: &[
            Line("plain loop, one thread", "iterator", &["spin"], SPINS),
            Line(MAP, "millstream", &["spin"], SPINS),
            Line(RAYON, "rayon", &["spin"], SPINS),
            Line(THREADPOOL, "threadpool", &["spin"], SPINS),
            Line("crossbeam, channel of 100 boxed closures", "crossbeam", &["spin"], SPINS),
            Line(ANTS, "go", &["spin", "ants"], SPINS),
            Line(POND, "go", &["spin", "pond"], SPINS),
            Line(CONC, "go", &["spin", "conc"], SPINS),
            Line(ERRGROUP, "go", &["spin", "errgroup"], SPINS),
            Line("Go, channel of 100 closures", "go", &["spin", "channel"], SPINS),
            Line("Go, the guide's pool", "go", &["spin", "guide"], SPINS),
        ],
    },
    Workload {
        title: BURST,
        about: "20 bursts of 64 jobs that each sleep 5 ms, 20 ms of nothing before each; the pauses are not counted. The guide's \
                elastic pool looks every two seconds.",
        unit: "ms a burst",
        answer: bursts,
        lines: &[
            Line(TO_16, "millstream", &["burst-elastic"], BURSTS),
            Line(FIXED_1, "millstream", &["burst-fixed-1"], BURSTS),
            Line("millstream, 16 workers", "millstream", &["burst-fixed-16"], BURSTS),
            Line("Go, the guide's elastic pool, 1 to 16", "go", &["burst", "guide"], BURSTS),
        ],
    },
    Workload {
        title: REACTION,
        about: "The median of some bursts to a pool that has one worker, until a second job runs beside the first. To the guide's \
                pool jobs are sent until that is so, at different times since its last look.",
        unit: "ms",
        answer: bursts,
        lines: &[
            Line(TO_16, "millstream", &["reaction"], BURSTS),
            Line("Go, the guide's elastic pool, 1 to 16", "go", &["reaction", "guide"], 5),
        ],
    },
    Workload {
        title: IDLE,
        about: "The most that any of 20 bursts left behind, a second after it at the latest; the pool's idle time is 2 ms, its least 1.",
        unit: "workers",
        answer: bursts,
        lines: &[Line(TO_16, "millstream", &["idle-workers"], BURSTS)],
    },
    Workload {
        title: SLEEP,
        about: "1,000,000 jobs; 200 ns a job are the ideal. Each on the runtime that suits it best: a pool of tasks on one thread, the \
                others on two. `buffer_unordered` polls all in one task, and a panic of one ends all; the others report each job's \
                result, or write it down.",
        unit: "ns a job",
        answer: numbers,
        lines: &[
            Line(BUFFERED, "tokio", &["sleeps-buffered"], SLEEPS),
            Line(TASKS_JOINED, "millstream", &["sleeps-joined"], SLEEPS),
            Line(
                "millstream, TaskPool, on two threads",
                "millstream",
                &["sleeps-joined-by-two"],
                SLEEPS,
            ),
            Line(TASKS_COUNTED, "millstream", &["sleeps-counted"], SLEEPS),
            Line("tokio, semaphore and JoinSet", "tokio", &["sleeps-joined"], SLEEPS),
            Line(ANTS, "go", &["sleeps", "ants"], SLEEPS),
        ],
    },
];
