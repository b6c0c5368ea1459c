//! What the crawler promises.

mod address;
mod links;
mod robots;
mod sitemap;
