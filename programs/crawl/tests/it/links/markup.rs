//! Elements, attributes, headers, style sheets and feeds.

use crawl::address::Canonical;
use crawl::links::{Document, LinkKind, extract};

use super::{html, kinds, of, page, texts};

#[test]
fn every_element_that_links_is_found_with_its_kind() {
    let cases = [
        ("<a href=x>", LinkKind::Anchor),
        ("<map><area href='x'></map>", LinkKind::Anchor),
        ("<svg><a xlink:href=x></a></svg>", LinkKind::Anchor),
        ("<A HREF=\"x\">", LinkKind::Anchor),
        ("<a\nhref\n=\n'x'\n>", LinkKind::Anchor),
        ("<iframe src=x></iframe>", LinkKind::Frame),
        ("<frameset><frame src=x></frameset>", LinkKind::Frame),
        ("<form action=x>", LinkKind::Form),
        ("<form action=x method=GET>", LinkKind::Form),
        ("<form action=x method=nonsense>", LinkKind::Form),
        ("<meta http-equiv=refresh content='0;url=x'>", LinkKind::Refresh),
        ("<meta http-equiv=Refresh content=\"5; URL = 'x'\">", LinkKind::Refresh),
        ("<meta http-equiv=refresh content='.5, x'>", LinkKind::Refresh),
        ("<link rel=next href=x>", LinkKind::Relation),
        ("<link rel='alternate' hreflang=de href=x>", LinkKind::Relation),
        ("<link rel=stylesheet href=x>", LinkKind::Style),
        ("<link rel='alternate stylesheet' href=x>", LinkKind::Style),
        ("<link rel='shortcut icon' href=x>", LinkKind::Image),
        ("<link rel=preload as=script href=x>", LinkKind::Script),
        ("<link rel=preload as=font href=x>", LinkKind::Asset),
        ("<link rel=preload as=image imagesrcset='x 1x'>", LinkKind::Image),
        ("<link rel=manifest href=x>", LinkKind::Asset),
        ("<img src=x>", LinkKind::Image),
        ("<img srcset='x 2x'>", LinkKind::Image),
        ("<image><source srcset=x></image>", LinkKind::Image),
        ("<input type=image src=x>", LinkKind::Image),
        ("<svg><image href=x /></svg>", LinkKind::Image),
        ("<body background=x>", LinkKind::Image),
        ("<video poster=x></video>", LinkKind::Image),
        ("<video src=x></video>", LinkKind::Media),
        ("<audio><source src=x></audio>", LinkKind::Media),
        ("<video><track src=x></video>", LinkKind::Media),
        ("<embed src=x>", LinkKind::Media),
        ("<object data=x></object>", LinkKind::Media),
        ("<script src=x></script>", LinkKind::Script),
        ("<p style=\"background: url('x')\">", LinkKind::Asset),
        ("<style>a{b:url(x)}</style>", LinkKind::Asset),
        ("<style>@import 'x'", LinkKind::Style),
        ("<noscript><a href=x>y</a></noscript>", LinkKind::Anchor),
        ("<template><a href=x></a></template>", LinkKind::Anchor),
        ("<a href=x", LinkKind::Anchor),
    ];
    for (body, kind) in cases.iter().take(cases.len() - 1) {
        let found = html(format!("<html><p>{body}"));
        assert_eq!(texts(&found), ["/dir/x"], "{body}");
        assert_eq!(kinds(&found), [*kind], "{body}");
    }
    // A tag that never ends is none.
    assert!(html(cases[cases.len() - 1].0).links.is_empty());
}

#[test]
fn what_only_looks_like_a_link_is_none() {
    for body in [
        "<!-- <a href=x> -->",
        "<script>document.write('<a href=x>')</script>",
        "<textarea><a href=x></textarea>",
        "<title><a href=x></title>",
        "<a name=x>",
        "<img src=''>",
        "<img src='data:image/png;base64,AAAA'>",
        "<form method=post action=x>",
        "<meta http-equiv=refresh content=5>",
        "<meta name=refresh content='0;url=x'>",
        "<link rel=preconnect href=x>",
        "<link rel=pingback href=x>",
        "<link href=x>",
        "<input type=text src=x>",
        "<style>/* url(x) */</style>",
        "<p data-href=x src=x>",
    ] {
        assert!(html(body).links.is_empty(), "{body}: {:?}", html(body).links);
    }
}

#[test]
fn each_address_comes_once_in_the_order_of_appearance() {
    let found = html("<img src=2><a href=1><a href=#a><a href='./1#b'><a href=3><a href=2>");
    assert_eq!(texts(&found), ["/dir/2", "/dir/1", "/dir/page.html", "/dir/3"]);
    // What is an image and a link is a link.
    assert!(kinds(&found).iter().all(|kind| *kind == LinkKind::Anchor));
    assert!(found.is_complete);
}

#[test]
fn nofollow_holds_if_all_links_to_an_address_say_so() {
    let found =
        html("<a rel='noopener NoFollow' href=1><a rel=nofollow href=2><a href=2><a href=3>");
    let flags: Vec<bool> = found.links.iter().map(|link| link.nofollow).collect();
    assert_eq!(flags, [true, false, false]);
}

#[test]
fn the_first_base_counts_for_all_links_wherever_it_stands() {
    let found =
        html("<a href=1><base target=x><base href='//other.org/deep/x'><base href=/no/><a href=2>");
    assert_eq!(texts(&found), ["http://other.org/deep/1", "http://other.org/deep/2"]);
    assert_eq!(texts(&html("<base href='data:,'><a href=1>")), ["/dir/1"]);
    assert_eq!(texts(&html("<base href='../up/'><a href=1>")), ["/up/1"]);
}

#[test]
fn references_are_decoded_before_a_link_is_one() {
    let found = html(
        "<a href='?a=1&amp;b=2'><a href='?a=1&b=3'><a href='?a=1&copy=2'><a href='&#x2f;x&#46;y'><img srcset='a&amp;b 1x'>",
    );
    let wanted = [
        "/dir/page.html?a=1&b=2",
        "/dir/page.html?a=1&b=3",
        "/dir/page.html?a=1&copy=2",
        "/x.y",
        "/dir/a&b",
    ];
    assert_eq!(texts(&found), wanted);
}

#[test]
fn what_is_no_http_url_is_counted() {
    let found = html(
        "<a href=mailto:a@b.c><a href='javascript:x()'><a href='http://[bad'><a href='tel:1'><a href=ok>",
    );
    assert_eq!((texts(&found), found.refused), (vec!["/dir/ok"], 4));
}

#[test]
fn the_first_title_of_the_page_counts() {
    let title = |body: &str| html(body).title;
    assert_eq!(
        title("<title> a\n  b &amp; c&eacute; </title><title>d</title>").as_deref(),
        Some("a b & cé")
    );
    assert_eq!(title("<svg><title>icon</title></svg><title>page</title>").as_deref(), Some("page"));
    assert_eq!(title("<title></title><title>second</title>").as_deref(), Some("second"));
    assert_eq!(title("<title>never ends").as_deref(), Some("never ends"));
    assert_eq!(title("<p>none").as_deref(), None);
    assert_eq!(
        title(&format!("<title>{}</title>", "ü".repeat(5_000))).map(|title| title.len()),
        Some(1024)
    );
}

#[test]
fn the_canonical_address_is_reported_and_is_a_link() {
    let found = html("<link rel=canonical href='/real?x#y'><link rel=canonical href=/other>");
    assert_eq!(found.canonical.unwrap().as_str(), "http://example.com/real?x");
}

#[test]
fn wishes_of_pages_are_heard_if_they_are_meant_for_us() {
    let wishes = |body: &str| {
        let directives = html(body).directives;
        (directives.nofollow, directives.noindex)
    };
    assert_eq!(wishes("<meta name=robots content='noindex, NOFOLLOW'>"), (true, true));
    assert_eq!(wishes("<meta name=ROBOTS content='none'>"), (true, true));
    assert_eq!(wishes("<meta name=millstream content=nofollow>"), (true, false));
    assert_eq!(wishes("<meta name=otherbot content=nofollow>"), (false, false));
    assert_eq!(wishes("<meta name=robots content='index,follow'>"), (false, false));
    let found = html("<a href=x><meta name=robots content=nofollow>");
    assert!(found.links[0].nofollow);
}

#[test]
fn headers_link_and_wish_as_pages_do() {
    let address = page();
    let link = [
        "</n>; rel=\"next last\"; title=\"a, <b>; c\", <s.css>;rel=stylesheet",
        "<c>; rel=canonical, <no>, <p>; rel=preload; as=image, <dns>; rel=preconnect, <broken",
    ];
    let document = Document {
        link: &link,
        refresh: Some("3;url=/r"),
        robots: &[
            "otherbot: noindex",
            "max-snippet: 5, nofollow",
            "unavailable_after: 25 Jun 2030 15:00:00 PST",
        ],
        ..Document::new(&address, Some("image/png"), b"<a href=no>")
    };
    let found = extract(&document, &Canonical::default());
    assert_eq!(texts(&found), ["/n", "/dir/s.css", "/dir/c", "/dir/p", "/r"]);
    let wanted = [
        LinkKind::Relation,
        LinkKind::Style,
        LinkKind::Relation,
        LinkKind::Image,
        LinkKind::Refresh,
    ];
    assert_eq!(kinds(&found), wanted);
    assert_eq!((found.directives.nofollow, found.directives.noindex), (true, false));
    assert_eq!(found.canonical.unwrap().path(), "/dir/c");
}

#[test]
fn style_sheets_link_from_where_they_are() {
    let found = of(
        "text/css; charset=utf-8",
        "@charset \"utf-8\"; @import 'a.css'; b{c:url(../d.png)} e{f:url( \"g.woff?#iefix\" )}",
    );
    assert_eq!(texts(&found), ["/dir/a.css", "/d.png", "/dir/g.woff"]);
    assert_eq!(kinds(&found), [LinkKind::Style, LinkKind::Asset, LinkKind::Asset]);
}

#[test]
fn feeds_have_titles_and_entries() {
    let rss = "<?xml version='1.0'?><rss><channel><title>News &amp; <![CDATA[more]]></title><link>http://example.com/</link>\
               <item><title>a</title><link> /a?b=1&amp;c=2 </link><enclosure url='/a.mp3'/></item></channel></rss>";
    let found = of("application/rss+xml", rss);
    assert_eq!(found.title.as_deref(), Some("News & more"));
    assert_eq!(texts(&found), ["/", "/a?b=1&c=2", "/a.mp3"]);
    assert_eq!(kinds(&found), [LinkKind::Entry, LinkKind::Entry, LinkKind::Media]);

    let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><link rel='self' href='/me'/><entry><link href='/e'/></entry></feed>";
    assert_eq!(texts(&of("text/xml", atom)), ["/e"]);
    let broken = of("application/atom+xml", "<feed><link href='/e'/><entry><link hre");
    assert_eq!((texts(&broken), broken.is_complete), (vec!["/e"], false));
}

#[test]
fn a_document_without_a_type_is_recognized_by_how_it_begins() {
    let untyped = |body: &str| {
        extract(&Document::new(&page(), None, body.as_bytes()), &Canonical::default()).links.len()
    };
    assert_eq!(untyped("\n<!DOCTYPE html><a href=x>"), 1);
    assert_eq!(untyped("<html><a href=x>"), 1);
    assert_eq!(untyped("<rss><link>x</link></rss>"), 1);
    assert_eq!(untyped("just text about url(x)"), 0);
    assert!(of("application/pdf", "<a href=x>").links.is_empty());
    assert!(of("text/plain", "<a href=x>").links.is_empty());
    assert_eq!(of("Application/XHTML+XML;charset=utf-8", "<a href='x'/>").links.len(), 1);
}
