//! One request, one response, within bounds of time and memory, to addresses that are allowed.
