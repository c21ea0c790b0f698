//! HTTP on both sides: the client that scrapes, discovers and notifies, and the server that answers.
//!
//! [`client`] sends one request and returns the whole answer within limits; [`oauth2`] fetches tokens; [`proxy`] goes
//! through proxies; [`resolve`] maps names to addresses as curl's `--resolve` does; [`tls`] makes client TLS configurations;
//! [`tls_stream`] is TLS on single connections; [`smtp`] hands over a mail; [`sigv4`] signs for AWS; [`server`] accepts
//! connections for an axum router, those that [`inherited`] was passed too; [`passwords`] knows who may ask; [`parts`] has
//! bodies that are made while they are sent, [`counted()`] tells how long one was; [`kafka`] hands records to brokers; [`traces`] sends spans to
//! a collector. Other crates name neither hyper nor rustls.
//!
//! Not here: what is requested and what answers mean (`scrape`, `discovery`, `notify`, `api`).

mod certificate_names;
pub mod client;
mod counted;
pub mod inherited;
pub mod kafka;
pub mod oauth2;
pub mod parts;
pub mod passwords;
pub mod proxy;
pub mod resolve;
pub mod server;
pub mod sigv4;
pub mod small_file;
pub mod smtp;
pub mod sts;
pub mod tls;
mod tls_authorities;
mod tls_clients;
pub mod tls_stream;
pub mod traces;
pub mod written_url;

pub use axum;
pub use bytes::Bytes;
pub use client::{Authorization, ClientOptions, HttpClient, Request, Response, SendError};
pub use counted::counted;
pub use resolve::Overrides;
