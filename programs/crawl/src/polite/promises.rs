//! What a schedule promises, shown on crawls that are simulated: some of them written out, the
//! others random.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::breaker::BreakerRules;
use super::simulation::{Simulation, Story, Url};
use super::{Answer, Limits, PaceRules, Schedule, Step};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn start() -> Instant {
    millstream::Clock::manual().now()
}

fn limits(per_host: u32, delay: Duration) -> Limits {
    let pace = PaceRules { delay, ..PaceRules::default() };
    Limits { per_host, pace, robots_every: None, ..Limits::default() }
}

/// `count` URLs of a host that all take this long and go well.
fn fine(host: u8, count: usize, takes: Duration) -> Vec<Url> {
    let url = Url { host, takes, answers: vec![Answer::Fine(takes)], leads_to: Vec::new() };
    vec![url; count]
}

fn crawl(limits: Limits, workers: usize, urls: Vec<Url>) -> Story {
    Simulation { limits, workers, urls, start: start(), crawl_delay: None, robots: ms(5) }.run()
}

#[test]
fn one_host_is_asked_once_a_delay_however_many_workers_there_are() {
    let story = crawl(limits(1, ms(1_000)), 20, fine(0, 5, ms(300)));
    let starts: Vec<_> = story.starts.iter().map(|(time, _)| time.as_millis()).collect();
    assert_eq!(starts, [0, 1_000, 2_000, 3_000, 4_000]);
}

#[test]
fn a_slow_host_does_not_delay_the_others() {
    let quick = || (0..4).flat_map(|host| fine(host, 50, ms(10)));
    let last_quick =
        |story: &Story, from| story.starts.iter().filter(|it| it.1 >= from).map(|it| it.0).max();
    let alone = crawl(limits(1, ms(100)), 8, quick().collect());
    let mut urls: Vec<Url> = (9..12).flat_map(|host| fine(host, 100, ms(30_000))).collect();
    urls.extend(quick());
    // Little memory, of which the slow hosts, which have most URLs, could take all.
    let tight = Limits { held: 16, held_per_host: 8, low: 2, ..limits(1, ms(100)) };
    let beside = crawl(tight, 8, urls);
    assert_eq!(last_quick(&alone, 0), last_quick(&beside, 300));
    assert_eq!(beside.ended.len(), 500);
}

#[test]
fn hosts_take_turns() {
    let urls: Vec<Url> =
        (0..3).flat_map(|host| fine(host, if host == 0 { 100 } else { 5 }, ms(10))).collect();
    let story = crawl(limits(4, ms(0)), 1, urls.clone());
    let order: Vec<u8> = story.starts.iter().map(|(_, url)| urls[*url].host).collect();
    let turns = [0, 1, 2].repeat(5);
    assert_eq!(order[..15], turns);
}

#[test]
fn a_host_is_greeted_once_before_anything_else_and_again_when_it_is_time() {
    let limits = Limits { robots_every: Some(ms(10_000)), ..limits(4, ms(1_000)) };
    let plan = Simulation {
        limits,
        workers: 8,
        urls: fine(3, 20, ms(10)),
        start: start(),
        crawl_delay: Some(ms(2_000)),
        robots: ms(2_500),
    };
    let story = plan.run();
    let times: Vec<_> = story.robots.iter().map(|(time, _)| time.as_millis()).collect();
    assert_eq!(times, [0, 12_500, 25_000, 37_500]);
    assert_eq!(story.starts[0].0, ms(2_500));
}

#[test]
fn what_needs_no_request_takes_no_time_of_the_host() {
    let mut urls = fine(0, 1_000, ms(0));
    urls.iter_mut().for_each(|url| url.answers = vec![Answer::Unknown]);
    urls.extend(fine(0, 2, ms(0)));
    for per_host in [1, 2] {
        let limits = Limits { held_per_host: 10_000, ..limits(per_host, ms(1_000)) };
        let story = crawl(limits, 1, urls.clone());
        assert_eq!(story.starts.last().map(|it| it.0), Some(ms(1_000)));
    }
}

#[test]
fn a_dead_host_is_given_up_with_all_that_is_in_memory_and_on_disk() {
    let breaker = BreakerRules {
        failures: 3,
        silences: 3,
        openings: 3,
        first: ms(10_000),
        longest: ms(15_000),
    };
    let mut urls = fine(1, 1_000, ms(1_000));
    urls.iter_mut().for_each(|url| url.answers = vec![Answer::Unreached]);
    urls.extend(fine(2, 100, ms(10)));
    let limits = Limits { breaker, held: 64, held_per_host: 16, low: 4, ..limits(1, ms(1_000)) };
    let story = crawl(limits, 4, urls);
    // Three failures, a trial after ten seconds, another after fifteen more.
    let dead: Vec<_> =
        story.starts.iter().filter(|(_, url)| *url < 1_000).map(|it| it.0.as_secs()).collect();
    assert_eq!(dead, [0, 1, 2, 13, 29]);
    assert_eq!((story.ended.len(), story.down.len()), (105, 995));
    assert_eq!(story.down.iter().collect::<BTreeSet<_>>().len(), 995);
}

#[test]
fn a_host_that_may_be_back_is_tried_with_one_request() {
    let breaker = BreakerRules {
        failures: 3,
        silences: 3,
        openings: 3,
        first: ms(10_000),
        longest: ms(15_000),
    };
    let mut urls = fine(1, 50, ms(3_000));
    urls.iter_mut().for_each(|url| url.answers = vec![Answer::Unreached]);
    let story = crawl(Limits { breaker, ..limits(3, ms(1_000)) }, 8, urls);
    let starts: Vec<_> = story.starts.iter().map(|it| it.0.as_secs()).collect();
    assert_eq!(starts, [0, 1, 2, 3, 4, 15, 33]);
}

#[test]
fn a_thousand_urls_of_1800_ms_take_20_workers_90_seconds() {
    let urls: Vec<Url> = (0..250).flat_map(|host| fine(host, 4, ms(1_800))).collect();
    let story = crawl(limits(20, ms(0)), 20, urls);
    assert_eq!(story.starts.last().map(|it| it.0 + ms(1_800)), Some(ms(90_000)));
}

#[test]
fn an_idle_host_is_small() {
    type Host = super::host::Host<std::sync::Arc<str>, u64, std::sync::Arc<()>>;
    assert!(size_of::<Host>() <= 220, "{} bytes", size_of::<Host>());
}

#[test]
fn what_was_refused_while_the_disk_was_read_is_asked_for_again() {
    let limits = Limits { held: 4, held_per_host: 1, low: 0, ..limits(1, ms(0)) };
    let start = start();
    let mut schedule: Schedule<u8, u8, ()> = Schedule::new(start, limits);
    assert_eq!((schedule.push(&7, 1), schedule.push(&7, 2)), (Ok(()), Err(2)));
    let Step::Visit(1, None, first) = schedule.next(start) else { panic!("the first") };
    assert_eq!(schedule.want(), Some((7, 1)));
    assert_eq!(schedule.push(&7, 3), Err(3), "what is on disk comes first");
    schedule.refill(&7, [2], false);
    schedule.ended(start, first, Answer::Fine(ms(1)));
    let Step::Visit(2, None, second) = schedule.next(start) else { panic!("the second") };
    assert_eq!(schedule.want(), Some((7, 1)));
    schedule.ended(start, second, Answer::Fine(ms(1)));
    assert!(matches!(schedule.next(start), Step::Wait), "there is one on disk");
    schedule.refill(&7, [3], false);
    let Step::Visit(3, None, third) = schedule.next(start) else { panic!("the third") };
    schedule.ended(start, third, Answer::Fine(ms(1)));
    assert!(matches!(schedule.next(start), Step::Empty));
}

#[test]
fn a_greeting_that_came_to_nothing_is_repeated_at_the_pace_of_the_host() {
    let start = start();
    let limits = Limits { robots_every: Some(ms(60_000)), ..limits(1, ms(1_000)) };
    let mut schedule: Schedule<&str, u8, &str> = Schedule::new(start, limits);
    schedule.behind(&"a");
    assert_eq!(schedule.want(), Some(("a", 256)));
    schedule.refill(&"a", [1], false);
    for failed in 0..2 {
        let now = start + ms(1_000) * failed;
        let Step::FetchRobots("a", ticket) = schedule.next(now) else {
            panic!("a fetch of robots.txt comes first")
        };
        assert_eq!(ticket.robots_failed(), failed);
        assert!(!schedule.ended(now, ticket, Answer::Unreached));
    }
    let now = start + ms(2_000);
    let Step::FetchRobots("a", ticket) = schedule.next(now) else {
        panic!("a fetch of robots.txt comes first")
    };
    schedule.robots_fetched(now, ticket, Answer::Fine(ms(1)), "all is allowed", None);
    assert!(matches!(schedule.next(now), Step::Until(until) if until == start + ms(3_000)));
    let Step::Visit(1, Some("all is allowed"), ticket) = schedule.next(start + ms(3_000)) else {
        panic!("a visit")
    };
    schedule.ended(start + ms(3_000), ticket, Answer::Fine(ms(1)));
    assert_eq!(schedule.counts().hosts, 1);
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        6 => (0u64..3_000).prop_map(|latency| Answer::Fine(ms(latency))),
        1 => Just(Answer::Busy(None)),
        1 => Just(Answer::Overloaded(None)),
        1 => (0u64..20_000).prop_map(|wait| Answer::Busy(Some(ms(wait)))),
        1 => Just(Answer::Busy(Some(ms(7_200_000)))),
        1 => Just(Answer::Unreached),
        1 => Just(Answer::Poor),
        1 => any::<bool>().prop_map(|again| Answer::Silent { again }),
    ]
}

/// URLs of a few hosts; each is found on one before it, or is a start.
fn urls() -> impl Strategy<Value = Vec<Url>> {
    let url =
        (0u8..5, 0u64..3_000, prop::collection::vec(answer(), 1..4), any::<prop::sample::Index>());
    prop::collection::vec(url, 0..80).prop_map(|made| {
        let mut urls: Vec<Url> = Vec::new();
        for (number, (host, takes, answers, found)) in made.into_iter().enumerate() {
            let parent = found.index(number + 1);
            if let Some(parent) = urls.get_mut(parent) {
                parent.leads_to.push(number);
            }
            urls.push(Url { host, takes: ms(takes), answers, leads_to: Vec::new() });
        }
        urls
    })
}

proptest! {
    // The simulation checks the distance of starts and the requests at once; here it is checked
    // what comes out.
    #[test]
    fn each_url_comes_out_once_whatever_hosts_do_and_however_little_fits_into_memory(
        urls in urls(),
        (per_host, workers) in (1u32..4, 1usize..9),
        delay in prop_oneof![Just(0u64), Just(10), Just(1_000)],
        crawl_delay in prop::option::of(0u64..60_000),
        fetches in any::<bool>(),
        (held, held_per_host, low) in (2usize..40, 1usize..10, 0usize..5),
    ) {
        let limits = Limits {
            robots_every: fetches.then_some(ms(60_000)),
            held,
            held_per_host,
            low,
            ..limits(per_host, ms(delay))
        };
        let crawl_delay = crawl_delay.map(ms);
        let count = urls.len();
        let plan = Simulation { limits, workers, urls, start: start(), crawl_delay, robots: ms(5) };
        let story = plan.run();
        // What is tried again is in memory already, so as many more as are under way.
        prop_assert!(story.most_held <= held + workers + held_per_host);
        let out: BTreeSet<usize> = story.ended.iter().chain(&story.down).copied().collect();
        let unreached = unreached(&plan.urls, &story.down);
        prop_assert_eq!(out.len() + unreached, count);
        prop_assert_eq!(story.ended.len() + story.down.len(), out.len(), "once each");
    }
}

/// URLs to which only those lead that were not visited.
fn unreached(urls: &[Url], down: &[usize]) -> usize {
    let mut closed: Vec<usize> = down.to_vec();
    let mut count = 0;
    while let Some(url) = closed.pop() {
        closed.extend(&urls[url].leads_to);
        count += urls[url].leads_to.len();
    }
    count
}

#[test]
fn a_host_is_idle_when_nothing_of_it_waits_is_under_way_or_is_tried_again() {
    let (begin, later) = (start(), start() + ms(5_000));
    let mut schedule = Schedule::<u8, u32, ()>::new(begin, limits(1, ms(1_000)));
    schedule.behind(&1);
    assert_eq!(schedule.idle(begin, 9), [], "more of it is on disk");
    let (host, room) = schedule.want().unwrap();
    assert!(room > 0 && schedule.idle(begin, 9).is_empty(), "it waits for the answer");
    schedule.refill(&host, [7], false);
    assert_eq!(schedule.idle(begin, 9), [], "something waits");
    let Step::Visit(url, None, ticket) = schedule.next(begin) else { panic!("it is due") };
    assert_eq!(schedule.idle(begin, 9), [], "it is asked");
    schedule.retry(begin, ticket, Answer::Fine(ms(1)), url, ms(500));
    assert_eq!(schedule.idle(begin, 9), [], "it is tried again");
    let Step::Visit(7, None, ticket) = schedule.next(later) else { panic!("it is due again") };
    schedule.ended(later, ticket, Answer::Fine(ms(1)));
    assert_eq!(schedule.idle(later, 9), [(1, ms(1_000))], "and stays in cooldown for the delay");
}

#[test]
fn what_is_tried_again_later_comes_out_as_soon_as_its_host_is_given_up() {
    let begin = start();
    let breaker = BreakerRules { failures: 1, openings: 1, ..BreakerRules::default() };
    let mut schedule = Schedule::<u8, u32, ()>::new(begin, Limits { breaker, ..limits(3, ms(0)) });
    for (host, url) in [(1, 10), (1, 11), (1, 12), (2, 20)] {
        assert_eq!(schedule.push(&host, url), Ok(()));
    }
    let mut under_way = Vec::new();
    while let Step::Visit(url, None, ticket) = schedule.next(begin) {
        under_way.push((url, ticket));
    }
    assert_eq!(under_way.len(), 4);
    for (url, ticket) in under_way {
        let answer = if url == 11 { Answer::Unreached } else { Answer::Fine(ms(1)) };
        assert_eq!(
            schedule.retry(begin, ticket, answer, url, ms(60_000)),
            url == 11,
            "it is given up"
        );
    }
    let down: Vec<u32> = std::iter::from_fn(|| {
        if let Step::Down(url) = schedule.next(begin) { Some(url) } else { None }
    })
    .collect();
    assert_eq!(BTreeSet::from_iter(down), BTreeSet::from([10, 11, 12]));
    assert!(
        matches!(schedule.next(begin), Step::Until(until) if until == begin + ms(60_000)),
        "the other host's"
    );
    let Step::Visit(20, None, ticket) = schedule.next(begin + ms(60_000)) else {
        panic!("it is due")
    };
    schedule.ended(begin + ms(60_000), ticket, Answer::Fine(ms(1)));
    assert!(matches!(schedule.next(begin + ms(60_000)), Step::Empty));
}

/// URLs of one host that end like this, three times each before they are given up.
fn bad(count: usize, answer: Answer) -> Vec<Url> {
    let again =
        if let Answer::Silent { .. } = answer { Answer::Silent { again: true } } else { answer };
    let url = Url {
        host: 0,
        takes: ms(1_000),
        answers: vec![answer, again, again],
        leads_to: Vec::new(),
    };
    vec![url; count]
}

#[test]
fn pages_that_fail_cost_those_pages_whatever_their_number_and_order_while_others_answer() {
    for answer in [Answer::Poor, Answer::Overloaded(None), Answer::Silent { again: false }] {
        for count in [5, 12, 70] {
            let limits = Limits { held: 4_096, held_per_host: 2_048, ..limits(1, ms(0)) };
            let mut urls = fine(0, 3, ms(10));
            urls.extend(bad(count, answer));
            urls.extend(fine(0, 50, ms(10)));
            let story = crawl(limits, 4, urls);
            assert_eq!(
                (story.ended.len(), story.down.len()),
                (53 + count, 0),
                "{count} of {answer:?}"
            );
        }
    }
}

#[test]
fn a_host_that_says_nothing_to_anybody_is_given_up() {
    let story = crawl(limits(1, ms(0)), 4, bad(300, Answer::Silent { again: false }));
    assert!(story.down.len() > 250, "{} were given up", story.down.len());
}

#[test]
fn a_host_is_tried_with_a_page_that_has_not_failed_yet() {
    let (begin, later) = (start(), start() + ms(3_600_000));
    let mut schedule = Schedule::<u8, u32, ()>::new(begin, limits(5, ms(0)));
    (0..9).for_each(|url| assert_eq!(schedule.push(&1, url), Ok(())));
    for _ in 0..5 {
        let Step::Visit(url, None, ticket) = schedule.next(begin) else { panic!("it is due") };
        schedule.retry(begin, ticket, Answer::Unreached, url, ms(1_000));
    }
    let Step::Visit(8, None, ticket) = schedule.next(later) else {
        panic!("not one of those that failed")
    };
    schedule.ended(later, ticket, Answer::Fine(ms(1)));
    let Step::Visit(url, None, _) = schedule.next(later) else { panic!("it is back") };
    assert!(url < 5, "what waits for another attempt comes first again");
}
