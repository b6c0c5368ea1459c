//! Sitemaps: lists of URLs that a site gives.
