//! Documents that are made to cost: memory and time stay bounded, and what was found before is
//! kept.

use crawl::links::Extracted;
use proptest::prelude::*;

use super::{html, of, texts};

#[test]
fn a_page_that_is_nested_without_end_is_left_with_what_it_had() {
    let found = html(format!("<title>t</title><a href=x></a>{}", "<div>".repeat(1_000_000)));
    assert_eq!((texts(&found), found.title.as_deref()), (vec!["/dir/x"], Some("t")));
    assert!(!found.is_complete);
    // Text between the elements is no depth, and neither are elements that are closed.
    assert!(html("<div></div>x".repeat(200_000)).is_complete);
    assert!(html("<br>".repeat(200_000)).is_complete);
}

#[test]
fn an_attribute_of_ten_megabytes_is_no_link_and_hides_none() {
    let long = "x".repeat(10 << 20);
    let found = html(format!(
        "<a href={long}><a href='{long}'><img srcset='{long} 1x'><p style='{long}'><a href=ok>"
    ));
    assert_eq!((texts(&found), found.refused, found.is_complete), (vec!["/dir/ok"], 3, true));
    let found = html(format!("<title>{long}</title><{long}><a href=ok>"));
    assert_eq!(texts(&found), ["/dir/ok"]);
}

#[test]
fn a_tag_that_never_ends_costs_no_more_than_its_length() {
    let found = html(format!("<a href=x><a href='{}", "y".repeat(10 << 20)));
    assert_eq!(texts(&found), ["/dir/x"]);
    let found = html(format!("<a href=x><a {}", "b='c' ".repeat(1 << 20)));
    assert_eq!(texts(&found), ["/dir/x"]);
}

#[test]
fn more_links_than_anybody_needs_are_not_kept() {
    let body: String =
        (0..Extracted::MAX_LINKS + 10).map(|number| format!("<a href={number}>\n</a>")).collect();
    let found = html(body);
    assert_eq!((found.links.len(), found.is_complete), (Extracted::MAX_LINKS, false));
}

#[test]
fn feeds_and_style_sheets_that_never_end_do_end() {
    let found =
        of("application/rss+xml", format!("<rss><link>/x</link>{}", "<item>".repeat(1_000_000)));
    assert_eq!((texts(&found), found.is_complete), (vec!["/x"], false));
    let bomb =
        "<!DOCTYPE r [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><rss><title>&b;</title></rss>";
    assert_eq!(of("application/rss+xml", bomb).title.as_deref(), Some("&b;"));
    assert!(of("text/css", "url(".repeat(1_000_000)).links.len() <= 1);
    assert!(of("text/css", "/*".repeat(1_000_000)).links.is_empty());
    assert!(of("text/css", "@import".repeat(1_000_000)).links.is_empty());
    assert!(of("text/css", "'\\".repeat(1_000_000)).links.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn no_bytes_whatever_break_it(
        bytes in prop::collection::vec(prop_oneof![
            Just(b"<a href=".to_vec()), Just(b"<style>".to_vec()), Just(b"url(".to_vec()), Just(b"<title>".to_vec()), Just(b"&amp".to_vec()),
            Just(b"<meta charset=".to_vec()), Just(b"<!--".to_vec()), Just(b"srcset='".to_vec()), Just(b"<noscript>".to_vec()),
            Just(b"\xFF\xFE".to_vec()), Just(b"<base href=".to_vec()), Just(b"<svg>".to_vec()), Just(b"<![CDATA[".to_vec()),
            prop::collection::vec(any::<u8>(), 0..8),
        ], 0..24),
        kind in prop_oneof![Just("text/html"), Just("text/css"), Just("application/rss+xml"), Just("text/html; charset=shift_jis"), Just("")],
    ) {
        let found = of(kind, bytes.concat());
        for link in &found.links {
            let text = link.address.as_str();
            prop_assert!(text.starts_with("http://") || text.starts_with("https://"));
        }
    }
}
