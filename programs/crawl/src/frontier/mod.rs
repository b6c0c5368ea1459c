//! What is still to be fetched, and what has been seen: on disk, so that a kill loses nothing.
