//! stub
/// stub
#[derive(Debug)]
pub struct Head;
#[derive(Debug)]
/// stub
pub struct OpenOptions;
#[derive(Debug)]
/// stub
pub struct ReplayReport;
