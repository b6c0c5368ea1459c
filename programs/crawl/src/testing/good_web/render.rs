//! What a good web answers. Pages are made when they are asked for: it costs less than a
//! microsecond, and a web of millions of pages takes no memory.

use super::paths::{number, path};
use super::site::Site;

/// Fills pages up to their size.
const FILLER: &str = "A page of no importance, one of very many, that says nothing of use and says it at some length. ";

impl Site {
    /// The HTML of a page. Links are written in the ways in which people write them; each link
    /// once.
    pub(super) fn write_page(&self, page: u64, links: &mut Vec<u64>, out: &mut Vec<u8>) {
        let (host, own) = self.plan.graph.place(page);
        let started = out.len();
        out.extend_from_slice(
            b"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Page ",
        );
        number(own, out);
        out.extend_from_slice(b" of host ");
        number(host, out);
        out.extend_from_slice(b"</title></head>\n<body><h1>Page ");
        number(own, out);
        out.extend_from_slice(b"</h1>\n<ul>\n");
        self.plan.graph.links_into(page, links);
        for (place, link) in links.iter().enumerate() {
            out.extend_from_slice(b"<li><a href=\"");
            let (to_host, to) = self.plan.graph.place(*link);
            if to_host != host || place % 4 == 3 {
                self.write_origin(to_host, out);
            }
            if to_host == host && place % 4 == 1 && to > 0 {
                // Beside a page is `/p/`, beside the first is `/`.
                out.extend_from_slice(if own == 0 { b"p/" } else { b"" });
                number(to, out);
            } else {
                path(to, out);
            }
            out.extend_from_slice(if place % 4 == 2 { b"#top\">page " } else { b"\">page " });
            number(to, out);
            out.extend_from_slice(b"</a></li>\n");
        }
        out.extend_from_slice(b"</ul>\n<p>");
        let end = b"</p></body></html>\n";
        let mut missing = self.plan.bytes.saturating_sub(out.len() - started + end.len());
        while missing > 0 {
            let part = &FILLER.as_bytes()[..missing.min(FILLER.len())];
            out.extend_from_slice(part);
            missing -= part.len();
        }
        out.extend_from_slice(end);
    }

    pub(super) fn write_robots(&self, host: u64, robots: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(robots.as_bytes());
        out.extend_from_slice(b"\nSitemap: ");
        self.write_origin(host, out);
        out.extend_from_slice(b"/sitemap.xml\n");
    }

    /// The sitemap of a host; of more pages than a sitemap may have, an index of sitemaps.
    pub(super) fn write_sitemap(&self, host: u64, out: &mut Vec<u8>) {
        let pages = self.plan.graph.pages() / self.plan.graph.hosts();
        if pages <= SITEMAP {
            return self.write_part_of_sitemap(host, 0, out);
        }
        out.extend_from_slice(XML);
        out.extend_from_slice(
            b"<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
        );
        for part in 0..pages.div_ceil(SITEMAP) {
            out.extend_from_slice(b"<sitemap><loc>");
            self.write_origin(host, out);
            out.extend_from_slice(b"/sitemap/");
            number(part, out);
            out.extend_from_slice(b"</loc></sitemap>\n");
        }
        out.extend_from_slice(b"</sitemapindex>\n");
    }

    /// One of the sitemaps that the index names.
    pub(super) fn write_part_of_sitemap(&self, host: u64, part: u64, out: &mut Vec<u8>) {
        let pages = self.plan.graph.pages() / self.plan.graph.hosts();
        out.extend_from_slice(XML);
        out.extend_from_slice(b"<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
        for index in part * SITEMAP..pages.min((part + 1) * SITEMAP) {
            out.extend_from_slice(b"<url><loc>");
            self.write_origin(host, out);
            path(index, out);
            out.extend_from_slice(b"</loc></url>\n");
        }
        out.extend_from_slice(b"</urlset>\n");
    }
}

/// URLs in one sitemap at most; the protocol allows 50,000.
const SITEMAP: u64 = 10_000;
const XML: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

#[cfg(test)]
mod tests {
    use super::super::paths::index;
    use super::super::{GoodWeb, Plan};
    use super::*;

    #[test]
    fn a_path_names_one_page_and_a_page_has_one_path() {
        for number in [0, 1, 9, 10, 19_999, 123_456_789] {
            let mut written = Vec::new();
            path(number, &mut written);
            assert_eq!(index(&written), Some(number));
        }
        for wrong in [
            "",
            "/p/",
            "/p/0",
            "/p/01",
            "/p/1x",
            "/p/-1",
            "/q/1",
            "/p/1/",
            "/p/99999999999999999999",
        ] {
            assert_eq!(index(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_page_is_as_long_as_planned_and_has_its_links() {
        let (web, _listeners) = GoodWeb::bind(Plan::default()).unwrap();
        let (mut page, mut links) = (Vec::new(), Vec::new());
        web.site.write_page(1, &mut links, &mut page);
        let text = String::from_utf8(page).unwrap();
        assert_eq!(text.len(), 2_000);
        assert!(text.contains("<title>Page 1 of host 0</title>"), "{text}");
        assert_eq!(text.matches("<a href=").count(), web.graph().links(1).len());
    }
}
