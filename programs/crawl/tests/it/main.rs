//! What the crawler promises.

mod address;
mod fetching;
mod fetching_bad;
mod good_web;
mod links;
mod robots;
mod sitemap;
mod warcs;
