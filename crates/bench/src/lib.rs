//! Data for benchmarks: the series of a cluster's monitoring, and the expressions of its dashboards.
//!
//! [`cluster`] makes the series, [`corpus`] holds the expressions. The benchmarks are in `benches/`:
//! `cargo bench -p bench --bench queries -- ns-cpu` runs some of them.
//!
//! Not here: comparing with the peers, which needs whole programs (see `docs/performance.md`).

pub mod cluster;
pub mod corpus;
