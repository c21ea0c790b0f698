//! Lists that are filtered, sorted and cut by the server, so that a page of the web UI stays quick with
//! ten thousand rows. [`filter`] is the one filter language of all lists; [`page`] the form of answers.

pub(crate) mod filter;
pub(crate) mod page;
