//! What robots.txt allows: by a table of cases, against a matcher that is written for nothing but
//! being right, and for input of any kind.

mod cases;
mod reference;

use std::time::Duration;

use crawl::robots::{Access, Outcome, Robots};
use proptest::prelude::*;

fn allows(robots: &str, agent: &str, path: &str) -> bool {
    Robots::parse(robots.as_bytes()).agent(agent).allows(path)
}

#[test]
fn every_case_of_the_table_is_answered_as_documented() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for case in cases::CASES {
        for (agent, path, wanted) in case.asked {
            count += 1;
            if allows(case.robots, agent, path) != *wanted {
                wrong.push(format!(
                    "{}: {agent} {path} should be {wanted}\n{}",
                    case.promise, case.robots
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 142, "the table has shrunk to {count} questions");
}

#[test]
fn octets_that_are_encoded_forbid_in_both_forms_and_allow_in_their_own() {
    assert!(!allows("user-agent: *\ndisallow: /%62ar", "m", "/bar"));
    assert!(!allows("user-agent: *\ndisallow: /bar", "m", "/%62ar"));
    assert!(!allows("user-agent: *\ndisallow: /a%2fb", "m", "/a%2Fb"));
    assert!(allows("user-agent: *\ndisallow: /a/b", "m", "/a%2Fb"));
    assert!(!allows("user-agent: *\ndisallow: /\nallow: /%62ar", "m", "/bar"));
    assert!(!allows("user-agent: *\ndisallow: /a-%2A.html", "m", "/a-*.html"));
    assert!(!allows("user-agent: *\ndisallow: /a%24", "m", "/a$"));
    assert!(!allows("user-agent: *\ndisallow: /a$b", "m", "/a$b"));
}

#[test]
fn only_the_first_500_kib_are_read_and_no_half_line() {
    let head = "user-agent: *\ndisallow: /before\n";
    let filler = "#".repeat(Robots::MAX_BYTES - head.len() - 20);
    let text = format!("{head}{filler}\nallow: /before/open\ndisallow: /after\n");
    assert!(text.len() > Robots::MAX_BYTES);
    // The limit falls into the line that would allow: half of it, "allow: /before", would allow too
    // much.
    assert!(!allows(&text, "m", "/before"));
    assert!(!allows(&text, "m", "/before/open"));
    assert!(allows(&text, "m", "/after"));

    let one_line = format!("{head}disallow: /{}", "x".repeat(Robots::MAX_BYTES));
    assert!(!allows(&one_line, "m", "/before"));
    assert!(allows(&one_line, "m", "/x"));
    let fits = format!("user-agent: *\ndisallow: /{}", "x".repeat(100_000));
    assert!(!allows(&fits, "m", &format!("/{}", "x".repeat(100_000))));
    assert!(allows(&fits, "m", &format!("/{}", "x".repeat(99_999))));
}

#[test]
fn delays_belong_to_the_agents_above_them() {
    let text = "user-agent: a\ncrawl-delay: 1.5\nuser-agent: b\ncrawl-delay: 3\ndisallow: /x\n\
                user-agent: *\ncrawl-delay: 10\nuser-agent: c\ndisallow: /y\ncrawl-delay: no\ncrawl-delay: -1\ncrawl-delay: 1e99";
    let robots = Robots::parse(text.as_bytes());
    let delay = |agent| robots.agent(agent).crawl_delay();
    assert_eq!(delay("a"), Some(Duration::from_millis(1500)));
    assert_eq!(delay("b"), Some(Duration::from_secs(3)));
    assert_eq!(delay("c"), None);
    assert_eq!(delay("other"), Some(Duration::from_secs(10)));
    assert!(!robots.agent("a").allows("/x"));
}

#[test]
fn sitemaps_are_for_all_and_break_no_group() {
    let text = "Sitemap: http://a/1.xml\nuser-agent: a\nsite-map :http://a/2.xml#x\nuser-agent: b\ndisallow: /\nSITEMAP: http://a/3.xml";
    let robots = Robots::parse(text.as_bytes());
    assert_eq!(robots.sitemaps(), ["http://a/1.xml", "http://a/2.xml", "http://a/3.xml"]);
    assert_eq!(robots.agent("z").sitemaps().count(), 3);
    assert!(!robots.agent("a").allows("/"));
}

#[test]
fn access_follows_from_what_came_of_the_request() {
    let body = b"user-agent: *\ndisallow: /x\ncrawl-delay: 2".as_slice();
    let access = |status| Access::decide(Outcome::Response { status, body }, "m");
    for status in [200, 203, 299] {
        assert!(access(status).allows("/y") && !access(status).allows("/x"), "{status}");
        assert_eq!(access(status).crawl_delay(), Some(Duration::from_secs(2)));
    }
    for status in [301, 308, 400, 401, 403, 404, 410, 451, 499] {
        assert!(access(status).allows("/x"), "{status}");
    }
    for status in [0, 100, 199, 429, 500, 502, 503, 599, 600, 999] {
        assert!(!access(status).allows("/y") && access(status).allows("/robots.txt"), "{status}");
    }
    assert!(!Access::decide(Outcome::Unreachable, "m").allows("/"));
}

#[test]
fn a_page_that_is_no_robots_txt_allows_all() {
    let html = "<!DOCTYPE html>\n<html><head><title>Not found: user-agent</title></head>\n<body>Disallow: all</body></html>";
    assert!(allows(html, "m", "/all"));
}

#[test]
fn patterns_made_to_be_slow_are_answered_all_the_same() {
    // With backtracking each of these takes longer than anybody waits.
    let path = format!("/{}", "a".repeat(2_000));
    for pattern in [
        "a*".repeat(20_000) + "b",
        "*a".repeat(20_000),
        "*".repeat(100_000) + "b",
        "a*a*a*".repeat(5_000) + "b$",
    ] {
        let text = format!("user-agent: *\ndisallow: /{pattern}");
        assert!(allows(&text, "m", &path), "{}", &pattern[..8]);
    }
    let many = "disallow: /*a*b\n".repeat(30_000);
    assert!(allows(&format!("user-agent: *\n{many}"), "m", &path));
}

fn line() -> impl Strategy<Value = String> {
    let agent = prop_oneof![
        Just("user-agent: m"),
        Just("User-Agent: M/1.0"),
        Just("user-agent: *"),
        Just("useragent: other"),
        Just("user-agent: ")
    ];
    let rule = "(dis)?allow: ?(/[ab/]{0,3}[*ab$]{0,4}(/index\\.html?)?)?";
    let noise = prop_oneof![
        Just("sitemap: x"),
        Just(""),
        Just("# a"),
        Just("crawl-delay: 1"),
        Just("nonsense"),
        Just("disallow /a")
    ];
    prop_oneof![2 => agent.prop_map(String::from), 5 => rule, 1 => noise.prop_map(String::from)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]
    #[test]
    fn it_answers_as_a_matcher_that_tries_everything(
        lines in prop::collection::vec(line(), 0..14),
        end in prop_oneof![Just("\n"), Just("\r"), Just("\r\n")],
        path in "/[ab/]{0,4}[ab*$]{0,3}",
        agent in prop_oneof![Just("m"), Just("other"), Just("third")],
    ) {
        let text = lines.join(end);
        prop_assert_eq!(allows(&text, agent, &path), reference::allows(&text, agent, &path), "{}", text);
    }

    #[test]
    fn no_bytes_whatever_break_it(bytes: Vec<u8>, agent: String, path: String) {
        let robots = Robots::parse(&bytes);
        let rules = robots.agent(&agent);
        let _ = (rules.allows(&path), rules.crawl_delay());
    }

    #[test]
    fn nor_do_bytes_that_look_like_rules(
        bytes in prop::collection::vec(prop_oneof![
            Just(b"user-agent:*\n".to_vec()), Just(b"disallow:".to_vec()), Just(b"allow:/".to_vec()), Just(b"crawl-delay:".to_vec()),
            Just(b"\xEF\xBB\xBF".to_vec()), prop::collection::vec(any::<u8>(), 0..6),
        ], 0..30),
        path: String,
    ) {
        let _ = Robots::parse(&bytes.concat()).agent("m").allows(&path);
    }
}
