//! What the crawler promises.

mod address;
mod fetching;
mod fetching_bad;
mod links;
mod robots;
mod sitemap;
mod warcs;
