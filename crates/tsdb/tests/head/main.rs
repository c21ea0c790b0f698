//! The head from outside: what is committed can be read, after any kind of end, and nothing else.

mod basics;
mod crash;
mod disk_trouble;
mod isolation;
mod matching;
mod support;
mod truncation;
