//! The tree is tidy: layers hold, every crate and module says what it is.

#[test]
fn tree_is_tidy() {
    let problems = xtask::tidy::check(&xtask::workspace_root()).unwrap();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
