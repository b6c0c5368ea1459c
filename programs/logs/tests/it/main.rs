//! The promises of the log program's formats, filters and scanner, one module a subject.

mod detection;
mod fixtures;
mod levels;
mod outputs;
mod scanning;
mod support;
mod times;
mod wheres;
