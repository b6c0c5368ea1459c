//! The frontier in SQLite: kills, full disks, files that are not its own, and who may open it.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

use std::path::{Path, PathBuf};

use connect::testing::or_skip;
use connect::{JsonLines, SqliteTable};
use crawl::frontier::{
    Begin, Done, Frontier, FrontierError, Output, Settings, SqliteFrontier, Visit,
};
use crawl::page::Page;
use rusqlite::Connection;

use crate::frontier_support::{Crawler, SmallDisk, Web, again, found, random, stored, target};

const WEB: Web = Web { size: 20_000 };

fn settings() -> Settings {
    Settings::new().with("URL", "http://h0.test/0").with("--depth", "3")
}

fn open(path: &Path, output: Output, begin: Begin) -> Result<SqliteFrontier, FrontierError> {
    SqliteFrontier::open(path, output, &settings(), begin, None)
}

fn resume(path: &Path) -> SqliteFrontier {
    open(path, Output::Table, Begin::Resume).unwrap()
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.db");
    (directory, path)
}

fn one<T: rusqlite::types::FromSql>(path: &Path, sql: &str) -> T {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// What is in the directory of a file.
fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn remove_lock(path: &Path) {
    std::fs::remove_file(path.with_extension("db-crawl")).unwrap();
}

fn urls_of_table(path: &Path) -> Vec<String> {
    let db = Connection::open(path).unwrap();
    let mut select = db.prepare("SELECT url FROM pages").unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn urls_of_lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let url = |line: &str| -> String {
        let page: serde_json::Value = serde_json::from_str(line).unwrap();
        page["url"].as_str().unwrap().to_owned()
    };
    text.lines().map(url).collect()
}

/// Takes what one host has.
fn take_all(frontier: &mut SqliteFrontier) -> Vec<Visit> {
    let hosts = frontier.claim(100, 0).unwrap().hosts;
    let wants: Vec<_> = hosts.iter().map(|host| (host.id, 1_000)).collect();
    frontier.take(&wants, 0).unwrap()
}

#[test]
fn a_crawler_killed_twenty_times_at_any_point_loses_no_url_and_stores_none_twice() {
    let (_directory, path) = directory();
    for _ in 0..20 {
        let mut crawler = Crawler::start("frontier_sqlite::table_child", path.to_str().unwrap());
        assert!(crawler.wait_for_commits(1 + random(40)), "it ended before it was killed");
        crawler.kill();
        assert_eq!(one::<String>(&path, "PRAGMA integrity_check"), "ok");
        let (pages, done): (i64, i64) = (
            one(&path, "SELECT count(*) FROM pages"),
            one(&path, "SELECT count(*) FROM crawl_done"),
        );
        assert_eq!(pages, done);
    }
    WEB.crawl(&mut resume(&path), |_| true);
    WEB.assert_whole(urls_of_table(&path));
}

#[test]
#[ignore = "a child process of other tests"]
fn table_child() {
    WEB.crawl(&mut resume(Path::new(&target())), |_| {
        println!("committed");
        true
    });
}

#[test]
fn json_lines_have_every_page_once_after_any_number_of_kills() {
    let (_directory, path) = directory();
    let lines = path.with_extension("jsonl");
    for _ in 0..20 {
        let mut crawler = Crawler::start("frontier_sqlite::lines_child", path.to_str().unwrap());
        assert!(crawler.wait_for_commits(1 + random(20)), "it ended before it was killed");
        crawler.kill();
    }
    let mut frontier = open(&path, Output::JsonLines(lines.clone()), Begin::Resume).unwrap();
    WEB.crawl(&mut frontier, |_| true);
    frontier.close(0).unwrap();
    WEB.assert_whole(urls_of_lines(&lines));
}

#[test]
#[ignore = "a child process of other tests"]
fn lines_child() {
    let path = PathBuf::from(target());
    let lines = Output::JsonLines(path.with_extension("jsonl"));
    WEB.crawl(&mut open(&path, lines, Begin::Resume).unwrap(), |_| {
        println!("committed");
        true
    });
}

#[test]
fn a_living_process_has_the_file_for_itself_and_a_killed_one_no_longer() {
    let (_directory, path) = directory();
    let mut crawler = Crawler::start("frontier_sqlite::table_child", path.to_str().unwrap());
    assert!(crawler.wait_for_commits(1));
    let error = open(&path, Output::Table, Begin::Resume).unwrap_err();
    assert!(error.is_taken(), "{error}");
    for part in ["out.db", "is being run by process", "--frontier postgres"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(one::<i64>(&path, "SELECT count(*) FROM pages") > 0, "others may read");
    crawler.kill();
    assert!(resume(&path).counts().unwrap().done > 0);
}

#[test]
fn a_crawl_goes_on_only_as_what_it_was_started_as() {
    let (_directory, path) = directory();
    drop(open(&path, Output::Table, Begin::New).unwrap());
    let error = open(&path, Output::Table, Begin::New).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("--resume goes on with it"), "{error}");
    let other = Settings::new().with("URL", "http://h0.test/0").with("--depth", "4");
    let error =
        SqliteFrontier::open(&path, Output::Table, &other, Begin::Resume, None).unwrap_err();
    assert!(error.is_usage(), "{error}");
    for part in
        ["out.db", "started with --depth 3 where there is --depth 4 now", "begin another crawl"]
    {
        assert!(error.to_string().contains(part), "{error}");
    }
    let more = settings().with("URL", "http://h1.test/1");
    let error = SqliteFrontier::open(&path, Output::Table, &more, Begin::Resume, None).unwrap_err();
    assert!(
        error.to_string().contains("with nothing more where there is URL http://h1.test/1 now"),
        "{error}"
    );
    let lines = Output::JsonLines(path.with_extension("jsonl"));
    let error = open(&path, lines, Begin::Resume).unwrap_err();
    assert!(
        error.is_usage() && error.to_string().contains("its own table as its output"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_not_the_frontiers_is_named_and_left_alone() {
    let (_directory, path) = directory();
    std::fs::write(&path, "this is a log, not a database\n".repeat(1_000)).unwrap();
    let error = open(&path, Output::Table, Begin::Resume).unwrap_err();
    assert!(!error.is_usage(), "the file is wrong, not the command: {error}");
    for part in ["out.db", "not an SQLite database", "choose another file"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(names(&path), ["out.db"], "nothing is left beside it");
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE crawl_urls (what TEXT)").unwrap();
    let error = open(&path, Output::Table, Begin::Resume).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("choose another file"), "{error}");
    std::fs::remove_file(&path).unwrap();
    remove_lock(&path);
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE pages (what TEXT NOT NULL)")
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    for begin in [Begin::New, Begin::Resume] {
        let error = open(&path, Output::Table, begin).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("'pages'"), "{error}");
        assert!(std::fs::read(&path).unwrap() == before, "not a byte of it is changed");
        assert_eq!(names(&path), ["out.db"]);
    }
}

#[test]
fn a_file_of_lines_that_belongs_to_no_crawl_is_never_cut() {
    let (_directory, path) = directory();
    let lines = path.with_extension("jsonl");
    std::fs::write(&lines, "{\"mine\":1}\n").unwrap();
    // An empty database, too, is no crawl.
    for make in [false, true] {
        if make {
            Connection::open(&path)
                .unwrap()
                .execute_batch("CREATE TABLE other (what TEXT)")
                .unwrap();
        }
        for begin in [Begin::Resume, Begin::New, Begin::Resume, Begin::Resume] {
            let error = open(&path, Output::JsonLines(lines.clone()), begin).unwrap_err();
            assert!(error.is_usage(), "{error}");
            for part in ["out.jsonl is not empty", "move it away, or name another file"] {
                assert!(error.to_string().contains(part), "{error}");
            }
            assert_eq!(std::fs::read_to_string(&lines).unwrap(), "{\"mine\":1}\n");
            assert_eq!(
                path.exists(),
                make,
                "no frontier is made that a second run would go on with"
            );
        }
    }
    assert_eq!(one::<i64>(&path, "SELECT count(*) FROM sqlite_schema"), 1);
    std::fs::write(&lines, "").unwrap();
    open(&path, Output::JsonLines(lines), Begin::New).unwrap();
}

#[test]
fn a_crawl_whose_output_cannot_be_made_is_not_started() {
    let (_directory, path) = directory();
    let lines = path.with_file_name("missing").join("out.jsonl");
    for _ in 0..2 {
        let error = open(&path, Output::JsonLines(lines.clone()), Begin::New).unwrap_err();
        assert!(
            !error.is_usage() && error.to_string().contains("its directory must exist"),
            "{error}"
        );
    }
}

#[test]
fn a_crawl_of_another_version_asks_for_that_version() {
    let (_directory, path) = directory();
    drop(open(&path, Output::Table, Begin::New).unwrap());
    Connection::open(&path).unwrap().execute_batch("UPDATE crawl_job SET format = 7").unwrap();
    let error = open(&path, Output::Table, Begin::Resume).unwrap_err();
    assert!(error.is_usage(), "{error}");
    for part in ["out.db", "has format 7", "the version that began it", "in another file"] {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_damaged_crawl_is_reported_and_not_resumed() {
    let damages = [
        ("DELETE FROM crawl_urls WHERE id = 2", "its URL 3 is out of order"),
        (
            "UPDATE crawl_urls SET key = (SELECT key FROM crawl_urls WHERE id = 1) WHERE id = 3",
            "its URL 3",
        ),
        ("INSERT INTO crawl_done VALUES (99)", "done or tried a URL that it does not know"),
        ("DELETE FROM crawl_hosts WHERE id = 1", "its host 2"),
    ];
    for (damage, part) in damages {
        let (_directory, path) = directory();
        let mut frontier = open(&path, Output::Table, Begin::New).unwrap();
        frontier.add(&[found(1), found(2), found(3)]).unwrap();
        drop(frontier);
        Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        let error = open(&path, Output::Table, Begin::Resume).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("is damaged"), "{damage}: {error}");
    }
    let (_directory, path) = directory();
    let mut frontier = open(&path, Output::Table, Begin::New).unwrap();
    frontier.add(&(0..2_000).map(found).collect::<Vec<_>>()).unwrap();
    drop(frontier);
    // The database is several pages of 8 KiB; what makes one of them a page is gone.
    let mut bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() > 10 * 8_192);
    for byte in &mut bytes[3 * 8_192..] {
        *byte = 0xa5;
    }
    std::fs::write(&path, bytes).unwrap();
    let error = open(&path, Output::Table, Begin::Resume).unwrap_err().to_string();
    assert!(
        error.contains("out.db") && error.contains("damaged") && error.contains(".recover"),
        "{error}"
    );
}

#[test]
fn lines_that_were_taken_away_since_are_an_error_and_not_lost_silently() {
    let (_directory, path) = directory();
    let lines = path.with_extension("jsonl");
    let output = || Output::JsonLines(lines.clone());
    let mut frontier = open(&path, output(), Begin::New).unwrap();
    frontier.add(&[found(1)]).unwrap();
    let visits = take_all(&mut frontier);
    frontier.commit(&[stored(&visits[0], [])], &[], 0).unwrap();
    drop(frontier);
    std::fs::write(&lines, "").unwrap();
    let error = open(&path, output(), Begin::Resume).unwrap_err();
    assert!(!error.is_usage() && error.to_string().contains("out.jsonl has 0 bytes"), "{error}");
    std::fs::remove_file(&lines).unwrap();
    let error = open(&path, output(), Begin::Resume).unwrap_err().to_string();
    assert!(error.contains("out.jsonl is gone") && error.contains("bring it back"), "{error}");
    // And the other way round: no crawl, but lines of one.
    std::fs::write(&lines, "{}\n").unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = open(&path, output(), Begin::Resume).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("no crawl that could go on"), "{error}");
    assert_eq!(std::fs::read_to_string(&lines).unwrap(), "{}\n");
}

/// Commits pages until the disk is full; the commit that failed works once there is room again.
fn fill(
    frontier: &mut SqliteFrontier,
    path: &str,
    make_room: impl FnOnce(&mut SqliteFrontier),
) -> u64 {
    frontier.add(&[found(0)]).unwrap();
    let (mut next, mut pages, mut make_room) = (1, 0, Some(make_room));
    loop {
        let visits = take_all(frontier);
        let done: Vec<Done> = visits.iter().map(|visit| stored(visit, next..next + 40)).collect();
        match frontier.commit(&done, &[], 0) {
            Ok(kept) => pages += kept.stored,
            Err(error) => {
                assert!(error.is_full() && error.to_string().contains(path), "{error}");
                assert_eq!(frontier.counts().unwrap().done, pages, "nothing of it was kept");
                make_room.take().expect("there is room")(frontier);
                let kept = frontier.commit(&done, &[], 0).unwrap();
                assert_eq!((kept.stored, kept.new_urls()), (done.len() as u64, 40));
                return pages + kept.stored;
            }
        }
        next += 40;
        // A host whose URLs are all taken is claimed still; giving all back lets the next round
        // claim again.
        let hosts: Vec<_> = visits.iter().map(|visit| (visit.host, Default::default())).collect();
        frontier.release(&hosts, 0).unwrap();
    }
}

#[test]
fn a_full_disk_is_a_clear_error_and_the_same_commit_works_when_there_is_room() {
    let name = "a_full_disk_is_a_clear_error_and_the_same_commit_works_when_there_is_room";
    let Some(disk) = or_skip(name, SmallDisk::mount(400)) else { return };
    let path = disk.path("out.db");
    let mut frontier = open(&path, Output::Table, Begin::New).unwrap();
    let pages = fill(&mut frontier, path.to_str().unwrap(), |_| disk.resize(4_000));
    drop(frontier);
    assert_eq!(urls_of_table(&path).len() as u64, pages);
    let counts = resume(&path).counts().unwrap();
    assert_eq!(counts.done, pages);
    drop(disk);
}

#[test]
fn json_lines_on_a_full_disk_end_with_a_whole_line_and_go_on_when_there_is_room() {
    let name = "json_lines_on_a_full_disk_end_with_a_whole_line_and_go_on_when_there_is_room";
    let Some(disk) = or_skip(name, SmallDisk::mount(64)) else { return };
    let (_directory, path) = directory();
    let lines = disk.path("out.jsonl");
    let mut frontier = open(&path, Output::JsonLines(lines.clone()), Begin::New).unwrap();
    let pages = fill(&mut frontier, lines.to_str().unwrap(), |_| {
        assert!(std::fs::read_to_string(disk.path("out.jsonl")).unwrap().ends_with("}\n"));
        disk.resize(4_000);
    });
    frontier.close(0).unwrap();
    let mut urls = urls_of_lines(&lines);
    assert_eq!(urls.len() as u64, pages);
    urls.sort();
    urls.dedup();
    assert_eq!(urls.len() as u64, pages);
}

#[test]
fn a_stream_gets_every_page_and_its_end_is_reported() {
    let (_directory, path) = directory();
    let sink: JsonLines<Page> =
        JsonLines::create(path.with_extension("out"), Page::layout("pages").unwrap()).unwrap();
    let mut frontier = open(&path, Output::Sink(Box::new(sink)), Begin::New).unwrap();
    let web = Web { size: 300 };
    web.crawl(&mut frontier, |_| true);
    frontier.close(0).unwrap();
    web.assert_whole(urls_of_lines(&path.with_extension("out")));
}

#[test]
fn the_budget_counts_pages_of_all_runs_and_is_never_passed() {
    let (_directory, path) = directory();
    let open = || {
        SqliteFrontier::open(&path, Output::Table, &settings(), Begin::Resume, Some(10)).unwrap()
    };
    let mut frontier = open();
    frontier
        .add(&(0..100).map(|n| found(n * crate::frontier_support::HOSTS)).collect::<Vec<_>>())
        .unwrap();
    let visits = take_all(&mut frontier);
    assert_eq!(visits.len(), 10, "what is in flight counts");
    let done: Vec<Done> =
        visits[..4].iter().map(|visit| stored(visit, [])).chain([again(&visits[4], 0)]).collect();
    frontier.commit(&done, &[], 0).unwrap();
    assert_eq!(
        frontier.take(&[(visits[0].host, 9)], 0).unwrap().len(),
        1,
        "what is to be repeated gave its place back"
    );
    drop(frontier);
    let mut frontier = open();
    let visits = take_all(&mut frontier);
    assert_eq!(visits.len(), 6);
    let done: Vec<Done> = visits.iter().map(|visit| stored(visit, [])).collect();
    frontier.commit(&done, &[], 0).unwrap();
    let counts = frontier.counts().unwrap();
    assert!(counts.is_finished() && counts.done == 10 && counts.pending() == 90);
    assert!(take_all(&mut frontier).is_empty());
}

#[test]
fn pages_are_rows_that_sql_can_ask_about_while_the_crawl_runs() {
    let (_directory, path) = directory();
    let mut frontier = open(&path, Output::Table, Begin::New).unwrap();
    frontier.add(&[found(3)]).unwrap();
    let visit = take_all(&mut frontier).remove(0);
    let mut done = stored(&visit, [8]);
    if let crawl::frontier::End::Stored { page, .. } = &mut done.end {
        page.error = Some(crawl::page::ErrorKind::Timeout);
        page.title = Some("nul\0here".to_owned());
    }
    frontier.commit(&[done], &[], 0).unwrap();
    let row: String = one(
        &path,
        "SELECT concat_ws('|', url, status, redirect, redirects, content_type, bytes, elapsed_ms, title, links, error,
             message, depth, attempts, fetched_at) FROM pages",
    );
    assert_eq!(
        row,
        "http://h3.test/3|200|0|text/html|2000|1.5|nul\u{2400}here|3|timeout|1|1|2025-10-09 08:53:20"
    );
    let found_on: String = one(
        &path,
        "SELECT page.url FROM crawl_urls AS url JOIN crawl_urls AS page ON page.id = url.via WHERE url.url LIKE '%/8'",
    );
    assert_eq!(found_on, "http://h3.test/3");
    drop(SqliteTable::connect(&path).unwrap());
}
