//! WARC 1.1: responses as they came, one gzip member a record.
