//! Links in what was fetched.
