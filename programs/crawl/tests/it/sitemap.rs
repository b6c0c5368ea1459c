//! Sitemaps of all forms, whole and broken.

use std::io::Write as _;

use crawl::sitemap::{Entries, Entry, Kind, Limits, Sitemap, SitemapError};
use proptest::prelude::*;

fn read(text: impl AsRef<[u8]>) -> Sitemap {
    Sitemap::read(text.as_ref(), &Limits::default())
}

fn locations(sitemap: &Sitemap) -> Vec<&str> {
    sitemap.entries.iter().map(|entry| entry.location.as_str()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn urlset(count: usize) -> String {
    let entries: String =
        (0..count).map(|number| format!("<url><loc>http://a.com/{number}</loc></url>\n")).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n{entries}</urlset>\n"
    )
}

#[test]
fn a_sitemap_lists_pages_and_when_they_were_changed() {
    let sitemap = read(
        "\u{feff}<?xml version='1.0'?><!-- made by hand --><urlset xmlns='x'>\
         <url><loc> http://a.com/?b=1&amp;c=%20&#x64; </loc><lastmod>2026-01-02T03:04:05+00:00</lastmod><priority>1</priority></url>\
         <url><lastmod>2026</lastmod><loc><![CDATA[http://a.com/<x>&y]]></loc></url><url><loc/></url><url/>\
         <other><loc>http://a.com/no</loc></other></urlset>",
    );
    let wanted = [
        Entry {
            location: "http://a.com/?b=1&c=%20d".into(),
            modified: Some("2026-01-02T03:04:05+00:00".into()),
        },
        Entry { location: "http://a.com/<x>&y".into(), modified: Some("2026".into()) },
    ];
    assert_eq!(
        (sitemap.kind, sitemap.entries.as_slice(), sitemap.error),
        (Kind::Pages, wanted.as_slice(), None)
    );
}

#[test]
fn an_index_lists_sitemaps() {
    let sitemap = read(
        "<sitemapindex><sitemap><loc>http://a.com/1.xml.gz</loc><lastmod>2026-01-01</lastmod></sitemap></sitemapindex>",
    );
    assert_eq!((sitemap.kind, locations(&sitemap)), (Kind::Index, vec!["http://a.com/1.xml.gz"]));
    assert_eq!(sitemap.error, None);
}

#[test]
fn prefixes_distinguish_pages_from_images() {
    let sitemap = read(
        "<sm:urlset><sm:url><sm:loc>http://a.com/1</sm:loc><image:image><image:loc>http://a.com/no.png</image:loc></image:image>\
         <video:loc>http://a.com/no</video:loc><loc>http://a.com/no</loc></sm:url></sm:urlset>",
    );
    assert_eq!((locations(&sitemap), &sitemap.error), (vec!["http://a.com/1"], &None));
    let sitemap = read(
        "<urlset><url><image:image><image:loc>no</image:loc></image:image><loc>http://a.com/1</loc></url></urlset>",
    );
    assert_eq!(locations(&sitemap), ["http://a.com/1"]);
}

#[test]
fn references_that_nobody_defined_stay_and_bombs_do_not_go_off() {
    let sitemap = read("<urlset><url><loc>http://a.com/?a=1&b=2&copy;&lol;</loc></url></urlset>");
    assert_eq!(
        (locations(&sitemap), &sitemap.error),
        (vec!["http://a.com/?a=1&b=2&copy;&lol;"], &None)
    );
    let bomb = "<!DOCTYPE x [<!ENTITY a 'http://a.com/'><!ENTITY b '&a;&a;'>]><urlset><url><loc>&b;</loc></url></urlset>";
    assert_eq!(locations(&read(bomb)), ["&b;"]);
}

#[test]
fn a_list_of_lines_is_a_sitemap() {
    let sitemap = read(
        "\u{feff}http://a.com/1\r\n\r\n# pages\nHTTPS://a.com/ü \nftp://a.com/\n  http://a.com/3",
    );
    assert_eq!(locations(&sitemap), ["http://a.com/1", "HTTPS://a.com/ü", "http://a.com/3"]);
    assert_eq!((sitemap.kind, sitemap.error), (Kind::Pages, None));
    let long = format!("http://a.com/1\nhttp://a.com/{}\nhttp://a.com/2\n", "x".repeat(1 << 20));
    assert_eq!(locations(&read(long)), ["http://a.com/1", "http://a.com/2"]);
}

#[test]
fn gzip_is_known_by_its_first_bytes() {
    let text = urlset(3);
    assert_eq!(read(gzip(text.as_bytes())), read(&text));
    let parts = text.split_at(100);
    assert_eq!(read([gzip(parts.0.as_bytes()), gzip(parts.1.as_bytes())].concat()), read(&text));
    assert_eq!(locations(&read(gzip(b"http://a.com/1\n"))), ["http://a.com/1"]);
}

#[test]
fn what_breaks_off_gives_what_it_had() {
    let text = urlset(3);
    let cut = read(&text[..text.len() - 30]);
    assert_eq!((cut.entries.len(), cut.error), (2, Some(SitemapError::Truncated)));
    assert_eq!(
        read("<urlset><url><loc>http://a.com/1</loc></url><!-- ").error,
        Some(SitemapError::Truncated)
    );
    assert_eq!(read("<urlset>").error, Some(SitemapError::Truncated));

    let big = gzip(urlset(2_000).as_bytes());
    let cut = read(&big[..big.len() / 2]);
    assert!(!cut.entries.is_empty() && cut.entries.len() < 2_000);
    assert_eq!(cut.error, Some(SitemapError::Truncated));
}

#[test]
fn what_is_broken_says_how_and_where() {
    let sitemap = read("<urlset><url><loc>http://a.com/1</loc></url><url></b></url></urlset>");
    assert_eq!((sitemap.entries.len(), &sitemap.error), (1, &Some(SitemapError::Syntax(49))));
    assert_eq!(sitemap.error.unwrap().to_string(), "the sitemap is not XML at byte 49");
    let latin = read(b"<urlset><url><loc>http://a.com/\xFC</loc></url></urlset>");
    assert!(matches!(latin.error, Some(SitemapError::Syntax(_))), "{:?}", latin.error);

    let mut damaged = gzip(urlset(2_000).as_bytes());
    let end = damaged.len();
    damaged[end - 8] ^= 0xFF;
    assert_eq!(read(&damaged).error, Some(SitemapError::Gzip));
    assert_eq!(read(b"\x1F\x8Bnot gzip").error, Some(SitemapError::Gzip));
}

#[test]
fn what_is_no_sitemap_is_called_so() {
    for text in [
        "",
        "  \n",
        "<html><body>not found",
        "<rss><channel/></rss>",
        "no url at all\nnone",
        "<?xml version='1.0'?>",
    ] {
        let sitemap = read(text);
        assert_eq!(
            (sitemap.entries.len(), sitemap.error),
            (0, Some(SitemapError::Other)),
            "{text}"
        );
    }
}

#[test]
fn limits_hold_after_decompression() {
    let exactly = urlset(3);
    let limits = |max_bytes, max_entries| Limits { max_bytes, max_entries };
    let with = |limits: &Limits, text: &[u8]| {
        let sitemap = Sitemap::read(text, limits);
        (sitemap.entries.len(), sitemap.error)
    };
    let length = exactly.len() as u64;
    assert_eq!(with(&limits(length, 3), exactly.as_bytes()), (3, None));
    assert_eq!(
        with(&limits(length - 11, 3), exactly.as_bytes()),
        (3, Some(SitemapError::TooLarge))
    );
    assert_eq!(
        with(&limits(length - 40, 3), &gzip(exactly.as_bytes())),
        (2, Some(SitemapError::TooLarge))
    );
    assert_eq!(with(&limits(length, 2), exactly.as_bytes()), (2, Some(SitemapError::TooMany)));
    assert_eq!(with(&limits(0, 2), exactly.as_bytes()), (0, Some(SitemapError::TooLarge)));
    assert_eq!(
        with(&limits(20, 9), b"http://a.com/1\nhttp://a.com/2\n"),
        (1, Some(SitemapError::TooLarge))
    );

    // A bomb of a thousandth of its size.
    let bomb = gzip(&[b"<urlset>".as_slice(), &vec![b' '; 60 << 20]].concat());
    assert!(bomb.len() < 1 << 20);
    assert_eq!(read(&bomb).error, Some(SitemapError::TooLarge));
    let many = read(urlset(50_001));
    assert_eq!((many.entries.len(), many.error), (50_000, Some(SitemapError::TooMany)));
    let deep = read(format!("<urlset>{}", "<url>".repeat(100_000)));
    assert_eq!(deep.error, Some(SitemapError::TooDeep));
}

#[test]
fn entries_come_one_by_one_and_nothing_comes_after_an_error() {
    let mut entries = Entries::new(
        b"<sitemapindex><sitemap><loc>http://a.com/1</loc></sitemap><x",
        &Limits::default(),
    );
    assert_eq!(entries.next().unwrap().unwrap().location, "http://a.com/1");
    assert_eq!(entries.kind(), Kind::Index);
    assert_eq!(entries.next(), Some(Err(SitemapError::Truncated)));
    assert_eq!((entries.next(), entries.next()), (None, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn a_sitemap_that_is_cut_anywhere_gives_a_beginning(cut in 0_usize..400, zipped: bool) {
        let text = urlset(5);
        let all = read(&text).entries;
        let bytes = if zipped { gzip(text.as_bytes()) } else { text.into_bytes() };
        let cut = cut.min(bytes.len());
        let part = read(&bytes[..cut]);
        prop_assert!(all.starts_with(&part.entries));
        prop_assert!(part.error.is_some() || part.entries == all);
    }

    #[test]
    fn no_bytes_whatever_break_it(
        bytes in prop::collection::vec(prop_oneof![
            Just(b"<urlset>".to_vec()), Just(b"<url>".to_vec()), Just(b"<loc>".to_vec()), Just(b"</loc>".to_vec()), Just(b"</url>".to_vec()),
            Just(b"http://a/\n".to_vec()), Just(b"&#".to_vec()), Just(b"<![CDATA[".to_vec()), Just(b"\x1F\x8B\x08".to_vec()),
            prop::collection::vec(any::<u8>(), 0..8),
        ], 0..24),
    ) {
        let sitemap = read(bytes.concat());
        prop_assert!(sitemap.entries.iter().all(|entry| !entry.location.is_empty()));
    }
}
