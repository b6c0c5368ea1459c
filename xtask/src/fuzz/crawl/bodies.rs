//! robots.txt, sitemaps and pages that are hard to read, and never lead to another machine.
//!
//! How they are sent is decided in `answers.rs`.

use crate::fuzz::pack;
use crate::fuzz::random::Random;

/// Rules, and what is taken for them.
pub(super) fn robots(random: &mut Random) -> Vec<u8> {
    let lines = [
        "User-agent: *",
        "Disallow:",
        "Disallow: /3",
        "Allow: /",
        "Crawl-delay: 0.01",
        "Crawl-delay: -1",
        "Crawl-delay: 1e400",
        "Crawl-delay: nan",
        "Crawl-delay: 99999999999999999999",
        "Sitemap: /sitemap.xml",
        "Sitemap: http://",
        "Sitemap:",
        ":",
        "Disallow: *$*$*",
        "Disallow: /*a*a*a*a*a*a*a*a*a*a*b$",
        "User-agent: \u{1b}[31m",
        "\u{feff}User-agent: millstream",
        "Disallow: /%",
        "Noindex: /",
        "\0",
        "<html>",
    ];
    let mut text = Vec::new();
    for _ in 0..random.length(60) {
        text.extend(random.pick(&lines).as_bytes());
        text.extend(random.pick(&[&b"\n"[..], b"\r\n", b"\r", b" # x\n"]));
    }
    match random.below(8) {
        0 => random.bytes(3_000),
        1 => text.repeat(1 + 600_000 / text.len().max(1_000)),
        _ => text,
    }
}

/// URLs, all of the same host, and what XML has to offer.
pub(super) fn sitemap(random: &mut Random) -> Vec<u8> {
    let places = [
        "/1",
        "/2",
        "http://",
        "",
        "&amp;",
        "&bogus;",
        "/\u{1b}",
        "]]>",
        "<![CDATA[/4]]>",
        "/sitemap.xml",
        "/a.xml",
        "\0",
        "&#0;",
        "&#x110000;",
    ];
    let entry = random.pick(&["url", "sitemap"]);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"{}\"?><{entry}set>",
        random.pick(&["utf-8", "utf-16", "x"])
    );
    if random.one_in(6) {
        text += "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c SYSTEM \"file:///etc/passwd\">]>&b;&c;";
    }
    for _ in 0..random.length(50) {
        text +=
            &format!("<{entry}><loc>{}</loc><lastmod>x</lastmod></{entry}>", random.pick(&places));
    }
    if random.one_in(6) {
        text += &"<a>".repeat(random.length(20_000));
    }
    let mut bytes = text.into_bytes();
    match random.below(6) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => bytes = pack::gzip(&bytes),
        2 => bytes = pack::gzip_bomb(b' ', 3_000_000),
        3 => bytes = random.bytes(500),
        _ => {}
    }
    bytes
}

/// Tags and what looks like them.
pub(super) fn html(random: &mut Random) -> Vec<u8> {
    let parts = [
        "<a href=/1>",
        "<a href='/2",
        "<a href=\"/3\" href=/4>",
        "<a href=>",
        "<a href=/5#x>",
        "<A HREF=/6>",
        "<base href='http://'>",
        "<base href=/b/>",
        "<img srcset='/a 1x, /b 2x,, ,'>",
        "<meta http-equiv=refresh content='0;url=/7'>",
        "<meta charset=utf-7>",
        "<meta name=robots content=nofollow>",
        "<script>",
        "</script>",
        "<!--",
        "-->",
        "<style>@import '/8'",
        "<title>",
        "</title>",
        "<title>\u{1b}[31m\u{202e}",
        "<svg><a xlink:href=/9>",
        "<![CDATA[",
        "<plaintext>",
        "<template>",
        "<table><tr>",
        "</",
        "<",
        ">",
        "&",
        "&#x1b;",
        "&#0;",
        "\0",
        "é",
        "<a href='/\u{1b}[2J'>",
        "<a href='/%00'>",
        "<a href='javascript:'>",
        "<a href='//[::1'>",
        "<a href='/a/a/a/a/a/a/a'>",
        "<a href='?x=1&amp;y=2'>",
        "<form action=/10 method=get>",
        "<iframe src=/11>",
        "<a\u{c}href=/12>",
        "<frame src=x>",
    ];
    let mut text = String::new();
    for _ in 0..random.length(200) {
        text += random.pick(&parts);
    }
    match random.below(10) {
        0 => text += &"<div>".repeat(random.length(20_000)),
        1 => text += &format!("<a href='/{}'>", "x".repeat(random.length(90_000))),
        2 => text += &"<a x ".repeat(random.length(10_000)),
        3 => text += &format!("<title>{}", "t".repeat(random.length(90_000))),
        4 => return random.bytes(random.clone().length(5_000)),
        _ => {}
    }
    text.into_bytes()
}
