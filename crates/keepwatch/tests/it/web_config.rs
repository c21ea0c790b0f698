//! `--web.config.file` beside the real peers: the same file, the same connections and requests, the same answers. And
//! sockets that were opened by somebody else.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use net::Authorization;
use net::client::{ClientOptions, Http2, HttpClient, Request, Secret};
use net::tls::{Pem, TlsOptions, Versions};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use testkit::process::{Program, Signal, finish, get, is_installed, listening_on, until};
use tokio::runtime::Runtime;

use crate::support::{BOUND, keepwatch};

/// bcrypt of `secret` and of `other`, at the lowest cost.
const SECRET: &str = "$2b$04$GB4vAdL5ROYvvzfHfrcsNumjDMKy8bRfOKMfSnke7O2Sw.EqxdfRC";
const OTHER: &str = "$2y$04$GB4vAdL5ROYvvzfHfrcsNuH2c50.a4i51t4PzJ1pxJ2UGUWAQ19U2";

/// Certificates of one folder.
struct Identities {
    authority: Pem,
    /// Of a client that the authority knows, and of one that it does not.
    known: (Pem, Pem),
    stranger: (Pem, Pem),
}

struct Authority {
    cert: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "tests");
    let key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&key).unwrap().pem();
    Authority {
        cert,
        issuer: Issuer::new(params, key),
    }
}

impl Authority {
    /// Certificate and key.
    fn identity(&self, name: &str) -> (String, String) {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        (cert.pem(), key.serialize_pem())
    }

    /// What a server needs.
    fn write_server(&self, dir: &Path) {
        let (cert, key) = self.identity("localhost");
        fs::write(dir.join("server.crt"), cert).unwrap();
        fs::write(dir.join("server.key"), key).unwrap();
        fs::write(dir.join("ca.crt"), &self.cert).unwrap();
    }
}

fn identities(authority: &Authority) -> Identities {
    let text = |(cert, key)| (Pem::Text(cert), Pem::Text(key));
    Identities {
        authority: Pem::Text(authority.cert.clone()),
        known: text(authority.identity("client.example")),
        stranger: text(self::authority().identity("client.example")),
    }
}

/// A server with a web configuration in its folder.
struct Site {
    program: Program,
    address: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Prometheus,
    Alertmanager,
}

impl Kind {
    fn write_config(self, dir: &Path) {
        let (name, text) = match self {
            Self::Prometheus => ("prometheus.yml", "scrape_configs: []\n"),
            Self::Alertmanager => (
                "alertmanager.yml",
                "route: {receiver: a}\nreceivers: [{name: a}]\n",
            ),
        };
        fs::write(dir.join(name), text).unwrap();
    }

    fn flags(self) -> Vec<&'static str> {
        let mut flags = vec![
            "--web.config.file=web.yml",
            "--web.listen-address=127.0.0.1:0",
        ];
        match self {
            Self::Prometheus => flags.push("--config.file=prometheus.yml"),
            Self::Alertmanager => flags.extend([
                "--config.file=alertmanager.yml",
                "--storage.path=data",
                "--cluster.listen-address=",
            ]),
        }
        flags
    }

    fn peer(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Alertmanager => "prometheus-alertmanager",
        }
    }

    fn start_peer(self, dir: &Path) -> Site {
        self.write_config(dir);
        let mut command = Command::new(self.peer());
        command.current_dir(dir).args(self.flags());
        let mut program = Program::start(self.peer(), command);
        let address = listening_on(&mut program);
        Site { program, address }
    }

    fn start_ours(self, dir: &Path, scheme: &str) -> Site {
        self.write_config(dir);
        let mut command = keepwatch(dir);
        command
            .arg(match self {
                Self::Prometheus => "serve",
                Self::Alertmanager => "alertmanager",
            })
            .args(self.flags());
        let mut program = Program::start("keepwatch", command);
        let beginning = format!("listening on {scheme}://");
        let address = program.wait_for_line("its address", BOUND, |line| {
            line.strip_prefix(&beginning).map(str::to_owned)
        });
        Site { program, address }
    }
}

/// How it is asked.
#[derive(Clone, Default)]
struct Asking<'a> {
    credentials: Option<(&'a str, &'a str)>,
    tls: Option<TlsOptions>,
    has_http2: bool,
    path: &'a str,
}

/// The status with what a web configuration says of answers, or that there is none.
fn ask(runtime: &Runtime, site: &Site, asking: &Asking<'_>) -> String {
    let text = |text: &str| Secret::Text(text.to_owned());
    let (_, port) = site.address.rsplit_once(':').unwrap();
    let scheme = if asking.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let client = HttpClient::new(ClientOptions {
        authorization: asking
            .credentials
            .map(|(user, password)| Authorization::Basic {
                username: text(user),
                password: text(password),
            }),
        tls: asking.tls.clone().unwrap_or_default(),
        http2: if asking.has_http2 {
            Http2::Negotiated
        } else {
            Http2::Off
        },
        ..ClientOptions::default()
    })
    .unwrap();
    let url = format!("{scheme}://localhost:{port}{}", asking.path);
    let answer = match runtime.block_on(client.send(Request::get(url))) {
        Ok(answer) => answer,
        Err(_) => return "no answer".to_owned(),
    };
    let header = |name: &str| {
        let value = answer.headers.get(name);
        value
            .map_or("-", |value| value.to_str().unwrap())
            .to_owned()
    };
    let of_configuration = [
        "www-authenticate",
        "x-frame-options",
        "x-xss-protection",
        "strict-transport-security",
    ];
    let headers: Vec<String> = of_configuration.iter().map(|name| header(name)).collect();
    // What is behind the gate says it in its own words.
    let body = if answer.status == 401 {
        let kind = header("content-type");
        let sniffing = header("x-content-type-options");
        format!(
            "{kind} {sniffing} {:?}",
            String::from_utf8_lossy(&answer.body)
        )
    } else {
        String::new()
    };
    format!("{} {headers:?} {body}", answer.status.as_u16())
}

fn wait_until_ready(runtime: &Runtime, site: &Site, asking: &Asking<'_>) {
    until("readiness", BOUND, || match ask(runtime, site, asking) {
        answer if answer.starts_with("200 ") => Ok(()),
        answer => Err(answer),
    });
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

const READY: &str = "/-/ready";
const HEADERS: &str = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    X-XSS-Protection: '1; mode=block'\n    Strict-Transport-Security: max-age=1\n";

/// Both peers that are installed.
fn kinds() -> Vec<Kind> {
    let mut kinds = vec![Kind::Prometheus, Kind::Alertmanager];
    kinds.retain(|kind| is_installed(kind.peer()));
    kinds
}

#[test]
fn users_and_headers_are_as_with_the_peers() {
    let runtime = runtime();
    for kind in kinds() {
        let root = tempfile::tempdir().unwrap();
        let dirs = [root.path().join("peer"), root.path().join("ours")];
        let write = |text: &str| {
            for dir in &dirs {
                fs::create_dir_all(dir).unwrap();
                fs::write(dir.join("web.yml"), text).unwrap();
            }
        };
        let users = format!("basic_auth_users:\n  me: {SECRET}\n  you: {OTHER}\n");
        write(&users);
        let peer = kind.start_peer(&dirs[0]);
        let ours = kind.start_ours(&dirs[1], "http");
        let right = Asking {
            credentials: Some(("me", "secret")),
            path: READY,
            ..Asking::default()
        };
        for site in [&peer, &ours] {
            wait_until_ready(&runtime, site, &right);
        }
        for text in [
            users.clone(),
            format!("{users}{HEADERS}"),
            HEADERS.to_owned(),
        ] {
            write(&text);
            for credentials in [
                None,
                Some(("me", "secret")),
                Some(("you", "other")),
                Some(("me", "other")),
                Some(("me", "")),
                Some(("nobody", "secret")),
                Some(("", "")),
            ] {
                for path in [READY, "/-/healthy", "/metrics", "/nothing/here"] {
                    let asking = Asking {
                        credentials,
                        path,
                        ..Asking::default()
                    };
                    let [wanted, found] = [&peer, &ours].map(|site| ask(&runtime, site, &asking));
                    if path == READY && credentials == right.credentials {
                        assert!(found.starts_with("200 "), "{found}");
                    }
                    assert_eq!(found, wanted, "{kind:?} {credentials:?} {path}\n{text}");
                }
            }
        }
    }
}

#[test]
fn tls_is_as_with_the_peers() {
    let runtime = runtime();
    let authority = authority();
    let identities = identities(&authority);
    for kind in kinds() {
        let root = tempfile::tempdir().unwrap();
        let dirs = [root.path().join("peer"), root.path().join("ours")];
        let write = |more: &str| {
            for dir in &dirs {
                let text = format!(
                    "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n{more}"
                );
                fs::write(dir.join("web.yml"), text).unwrap();
            }
        };
        for dir in &dirs {
            fs::create_dir_all(dir).unwrap();
            authority.write_server(dir);
        }
        write("");
        let peer = kind.start_peer(&dirs[0]);
        let ours = kind.start_ours(&dirs[1], "https");
        let trusting = TlsOptions {
            ca: Some(identities.authority.clone()),
            ..TlsOptions::default()
        };
        let simple = Asking {
            tls: Some(trusting.clone()),
            path: READY,
            ..Asking::default()
        };
        for site in [&peer, &ours] {
            wait_until_ready(&runtime, site, &simple);
        }
        let clients = ["NoClientCert", "RequestClientCert", "RequireAnyClientCert"];
        let checked = ["VerifyClientCertIfGiven", "RequireAndVerifyClientCert"];
        let clients = clients.map(|kind| format!("  client_auth_type: {kind}\n"));
        let checked =
            checked.map(|kind| format!("  client_auth_type: {kind}\n  client_ca_file: ca.crt\n"));
        let versions = [
            "  min_version: TLS13\n",
            "  max_version: TLS12\n",
            "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_RSA_WITH_AES_128_CBC_SHA]\n",
            "  curve_preferences: [CurveP384]\n",
            HEADERS,
        ];
        let mut answered = 0;
        let texts = clients.into_iter().chain(checked);
        for text in texts.chain(versions.map(str::to_owned)) {
            write(&text);
            for shown in [None, Some(&identities.stranger), Some(&identities.known)] {
                for versions in [Versions::All, Versions::Only12, Versions::Only13] {
                    let asking = Asking {
                        tls: Some(TlsOptions {
                            cert: shown.map(|(cert, _)| cert.clone()),
                            key: shown.map(|(_, key)| key.clone()),
                            versions,
                            ..trusting.clone()
                        }),
                        has_http2: versions == Versions::All,
                        path: READY,
                        ..Asking::default()
                    };
                    let [wanted, found] = [&peer, &ours].map(|site| ask(&runtime, site, &asking));
                    answered += usize::from(found.starts_with("200 "));
                    let is_shown = shown.is_some();
                    assert_eq!(found, wanted, "{kind:?} {text} {is_shown} {versions:?}");
                }
            }
        }
        // Some were let in, some were not.
        assert!((20..85).contains(&answered), "{answered}");
        let [wanted, found] = [&peer, &ours].map(|site| {
            let mut stream = TcpStream::connect(&site.address).unwrap();
            stream
                .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                .unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        assert!(found.contains("HTTP request to an HTTPS server"), "{found}");
        assert_eq!(found, wanted);
        // Renewed without a restart; a broken one is not taken.
        let other = self::authority();
        for dir in &dirs {
            other.write_server(dir);
        }
        for site in [&peer, &ours] {
            assert_eq!(ask(&runtime, site, &simple), "no answer");
            let asking = Asking {
                tls: Some(TlsOptions {
                    ca: Some(Pem::Text(other.cert.clone())),
                    ..TlsOptions::default()
                }),
                ..simple.clone()
            };
            let answer = ask(&runtime, site, &asking);
            assert!(answer.starts_with("200 "), "{answer}");
        }
        ours.program.signal(Signal::Terminate);
        let finished = ours.program.wait(BOUND);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    }
}

#[test]
fn a_start_with_a_broken_file_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    for kind in [Kind::Prometheus, Kind::Alertmanager] {
        kind.write_config(dir);
        for (text, expected) in [
            ("users: []\n", "web.yml:1:1"),
            (
                "tls_server_config:\n  cert_file: no.crt\n  key_file: no.key\n",
                "web.yml:2:14",
            ),
        ] {
            fs::write(dir.join("web.yml"), text).unwrap();
            let mut command = keepwatch(dir);
            command
                .arg(match kind {
                    Kind::Prometheus => "serve",
                    Kind::Alertmanager => "alertmanager",
                })
                .args(kind.flags());
            let finished = finish("keepwatch", command, BOUND);
            assert_eq!(finished.code, Some(1));
            assert!(finished.stderr.contains(expected), "{}", finished.stderr);
        }
    }
    assert!(!dir.join("data").exists());
}

/// The program under the name of Alertmanager, started as systemd starts it: with a socket as descriptor 3.
fn with_socket(dir: &Path, socket: Option<OwnedFd>) -> Program {
    let name = dir.join("alertmanager");
    if !name.exists() {
        symlink(env!("CARGO_BIN_EXE_keepwatch"), &name).unwrap();
    }
    Kind::Alertmanager.write_config(dir);
    fs::write(dir.join("web.yml"), HEADERS).unwrap();
    let mut command = Command::new("sh");
    let script = r#"LISTEN_PID=$$ LISTEN_FDS=$SOCKETS exec "$0" "$@" 3<&0 0</dev/null"#;
    command.current_dir(dir).arg("-c").arg(script);
    command
        .arg(name)
        .args(Kind::Alertmanager.flags())
        .arg("--web.systemd-socket");
    command.env("SOCKETS", if socket.is_some() { "1" } else { "0" });
    let socket = socket.map_or(Stdio::null(), Stdio::from);
    Program::start_with("alertmanager", command, socket)
}

#[test]
fn sockets_of_systemd_are_listened_on() {
    let root = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut program = with_socket(root.path(), Some(listener.into()));
    let told = program.wait_for_line("its address", BOUND, |line| {
        line.strip_prefix("listening on http://").map(str::to_owned)
    });
    assert_eq!(told, address);
    assert_eq!(get(&address, READY).status, 200);
    program.signal(Signal::Terminate);
    let finished = program.wait(BOUND);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let finished = with_socket(root.path(), None).wait(BOUND);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let expected = "listening on systemd's sockets: no sockets were passed";
    assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    // A file is no socket.
    let file = fs::File::open(root.path().join("web.yml")).unwrap();
    let finished = with_socket(root.path(), Some(file.into())).wait(BOUND);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("is not a socket"),
        "{}",
        finished.stderr
    );
}
