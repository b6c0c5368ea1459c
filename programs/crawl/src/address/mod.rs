//! URLs as the crawler knows them: canonical, in scope or not, and no traps.
