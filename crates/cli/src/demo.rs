//! `keepwatch demo`: the whole chain on one machine, and commands that break it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use demo::control::{self, FAILING_NAMESPACE};
use demo::script::{self, Script, Stage, Step};
use demo::{Notification, StandIn, WebhookReceiver, cluster};
use net::Overrides;
use server::{Options, Tempo, UiFile};

use crate::{logging, options, serve};

/// Our manifests, relative to the folder in which the program is started.
const MANIFESTS_DEFAULT: &str = "examples/kasten";

/// What the demo breaks by itself at its start, and how long it waits for each sign of it.
const FIRST_BROKEN: &str = "jobs-svc";
const FIRST_ALERT_WAIT_MAX: Duration = Duration::from_secs(20);

pub(crate) fn command() -> Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("demo")
        .about("Watches a stand-in for Kasten K10, with alerts routed to a webhook, all on this machine")
        .args_conflicts_with_subcommands(true)
        .arg(
            text("manifests", "FOLDER", "Kubernetes objects to read instead of our examples")
                .value_parser(value_parser!(PathBuf))
                .default_value(MANIFESTS_DEFAULT),
        )
        .arg(
            text("data-dir", "FOLDER", "Where the demo keeps its data (default: a fresh temporary folder)")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(text("port", "PORT", "Port to listen on; 0 takes any free one").value_parser(value_parser!(u16)).default_value("9090"))
        .arg(
            Arg::new("real-time")
                .long("real-time")
                .action(ArgAction::SetTrue)
                .help("Keep the intervals of the manifests instead of cutting them to seconds"),
        )
        .arg(text("script", "STEPS", "Run unattended: steps separated by `;` (break SERVICE, heal, fail-backup [NAMESPACE], wait firing, wait resolved, quit)"))
        .arg(text("log.level", "LEVEL", "debug, info, warn or error").default_value("error"))
        .subcommand(
            Command::new("break").about("Stops a service of the running demo").arg(Arg::new("service").required(true).value_name("SERVICE")),
        )
        .subcommand(Command::new("heal").about("Starts what was stopped"))
        .subcommand(
            Command::new("fail-backup")
                .about("Makes one more backup fail")
                .arg(Arg::new("namespace").value_name("NAMESPACE").default_value(FAILING_NAMESPACE)),
        )
}

pub(crate) fn run(matches: &ArgMatches, ui_files: &'static [UiFile]) -> anyhow::Result<()> {
    let argument = |matches: &ArgMatches, name: &str| {
        matches.get_one::<String>(name).cloned().unwrap_or_default()
    };
    let command = match matches.subcommand() {
        Some(("break", matches)) => Some(control::Command::Break(argument(matches, "service"))),
        Some(("heal", _)) => Some(control::Command::Heal),
        Some(("fail-backup", matches)) => Some(control::Command::FailBackup {
            namespace: argument(matches, "namespace"),
        }),
        _ => None,
    };
    if let Some(command) = command {
        let answer = serve::runtime()?.block_on(control::send(&address_file(), &command))?;
        println!("{answer}");
        return Ok(());
    }
    logging::start(&argument(matches, "log.level"), "logfmt")?;
    let script = match matches.get_one::<String>("script") {
        Some(text) => Some(
            text.parse::<Script>()
                .map_err(anyhow::Error::msg)
                .context("--script")?,
        ),
        None => None,
    };
    serve::runtime()?.block_on(Box::pin(play(matches, script, ui_files)))
}

fn address_file() -> PathBuf {
    let user = std::env::var("USER").unwrap_or_else(|_| "user".to_owned());
    control::address_file(&std::env::temp_dir(), &user)
}

async fn play(
    matches: &ArgMatches,
    script: Option<Script>,
    ui_files: &'static [UiFile],
) -> anyhow::Result<()> {
    let started = Instant::now();
    let manifests = matches
        .get_one::<PathBuf>("manifests")
        .cloned()
        .unwrap_or_default();
    if !manifests.exists() {
        bail!(
            "there is no folder {}: start the demo in the project's folder, or name one with --manifests",
            manifests.display()
        );
    }
    let (data_dir, is_temporary) = data_dir(matches)?;
    let stage = Surroundings::start(&manifests, &data_dir).await?;
    let mut options = stage.server_options(matches, manifests.clone(), &data_dir)?;
    options.ui_files = ui_files;
    let mut running = serve::start(options).await?;
    running.ready().await?;
    let address = running
        .addresses()
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    let url = format!("http://{}", address.replace("0.0.0.0", "127.0.0.1"));
    stage.introduce(&url, &manifests, &data_dir, started.elapsed());
    let listener = tokio::spawn(print_notifications(stage.webhook.subscribe()));
    if script.is_none() && !matches.get_flag("real-time") {
        tokio::select! {
            () = stage.show_the_way(&url) => {}
            () = running.stopped() => {}
        }
    }
    let control_port = control::start(Arc::clone(&stage.stand_in)).await?;
    let file = address_file();
    if let Err(error) = control::announce(&file, control_port) {
        eprintln!(
            "a second terminal will not find this demo: {}: {error}",
            file.display()
        );
    }
    let outcome = match script {
        Some(script) => tokio::select! {
            outcome = stage.unattended(&script, &url) => outcome,
            () = running.stopped() => Err(anyhow::anyhow!("the server was stopped before the script came to its end")),
        },
        None => {
            println!("ready; press Ctrl-C to end\n");
            // The server itself ends at Ctrl-C and at SIGTERM.
            running.stopped().await;
            Ok(())
        }
    };
    running.stop().await;
    listener.abort();
    // Another demo may have announced itself since; then the file is its own.
    if std::fs::read_to_string(&file).is_ok_and(|text| text.ends_with(&format!(":{control_port}")))
    {
        let _ = std::fs::remove_file(&file);
    }
    if is_temporary {
        let _ = std::fs::remove_dir_all(&data_dir);
    }
    outcome
}

/// The folder to work in, and whether it is ours to remove.
fn data_dir(matches: &ArgMatches) -> anyhow::Result<(PathBuf, bool)> {
    if let Some(dir) = matches.get_one::<PathBuf>("data-dir") {
        std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        return Ok((dir.clone(), false));
    }
    let dir = std::env::temp_dir().join(format!("keepwatch-demo-{}", std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    Ok((dir, true))
}

/// Everything around the server.
struct Surroundings {
    stand_in: Arc<StandIn>,
    webhook: WebhookReceiver,
    added: PathBuf,
}

impl Surroundings {
    async fn start(manifests: &Path, data_dir: &Path) -> anyhow::Result<Self> {
        let pods = server::executor_pods(manifests)?;
        let mut added = cluster::webhook_manifests(&["kasten-io", FAILING_NAMESPACE]);
        let executors = if pods.is_empty() {
            added.push_str(&cluster::executor_manifests());
            let pod = |(name, address): &(&str, &str)| {
                (
                    (*name).to_owned(),
                    format!("{address}:{}", cluster::EXECUTOR_PORT),
                )
            };
            cluster::EXECUTORS.iter().map(pod).collect()
        } else {
            pods
        };
        let folder = data_dir.join("added-manifests");
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let file = folder.join("demo.yaml");
        std::fs::write(&file, added).with_context(|| format!("writing {}", file.display()))?;
        let stand_in = Arc::new(StandIn::start(&executors).await?);
        Ok(Self {
            stand_in,
            webhook: WebhookReceiver::start().await?,
            added: folder,
        })
    }

    fn server_options(
        &self,
        matches: &ArgMatches,
        manifests: PathBuf,
        data_dir: &Path,
    ) -> anyhow::Result<Options> {
        // All other settings are those that `serve` has by default.
        let defaults = serve::command().get_matches_from(["serve"]);
        let mut options = options::from_flags(&defaults, &[])?;
        let port = matches.get_one::<u16>("port").copied().unwrap_or_default();
        options.listen = vec![format!("127.0.0.1:{port}")];
        options.manifests = vec![manifests, self.added.clone()];
        // The author of the scenario applies the files without a namespace with `-n failed-ns`.
        FAILING_NAMESPACE.clone_into(&mut options.default_namespace);
        options.data_dir = data_dir.join("data");
        options.tempo = if matches.get_flag("real-time") {
            Tempo::Real
        } else {
            Tempo::Shortened
        };
        options.lifecycle = server::Switch::On;
        let mut overrides = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(self.stand_in.overrides())
        });
        overrides.push(format!(
            "{}=127.0.0.1:{}",
            cluster::WEBHOOK_ADDRESS,
            self.webhook.port()
        ));
        options.overrides = Overrides::parse(overrides.iter().map(String::as_str))?;
        Ok(options)
    }

    fn introduce(&self, url: &str, manifests: &Path, data_dir: &Path, took: Duration) {
        println!(
            "Keepwatch watches a stand-in for Kasten K10 (started in {:.1} s)",
            took.as_secs_f64()
        );
        println!(
            "  manifests      {} and {}",
            manifests.display(),
            self.added.display()
        );
        println!("  data           {}", data_dir.display());
        println!("  web UI         {url}/");
        println!("  targets        {url}/api/v1/targets?state=active");
        println!("  rules          {url}/api/v1/rules");
        println!("  alerts         {url}/api/v1/alerts");
        println!("  groups         {url}/api/v2/alerts/groups");
        println!("  routing tree   {url}/api/v2/status");
        println!("  a query        {url}/api/v1/query?query=up");
        println!("  reasons        {url}/api/keepwatch/v1/reasons");
        println!();
        println!("In a second terminal:");
        println!(
            "  keepwatch demo break metering-svc   stops a service that also answers target discovery"
        );
        println!("  keepwatch demo heal                 starts it again");
        println!(
            "  keepwatch demo fail-backup          makes a backup of namespace {FAILING_NAMESPACE} fail"
        );
        println!();
    }

    /// One alert from rule to webhook and back, before anybody has to type anything.
    async fn show_the_way(&self, url: &str) {
        println!("To show the way of an alert, {FIRST_BROKEN} is stopped for a moment.");
        let stage = Stage {
            stand_in: &self.stand_in,
            webhook: &self.webhook,
            server_url: url.to_owned(),
            wait_max: Some(FIRST_ALERT_WAIT_MAX),
        };
        let command = control::Command::Break(FIRST_BROKEN.to_owned());
        let steps = vec![
            Step::Do(command),
            Step::WaitFiring,
            Step::Do(control::Command::Heal),
            Step::WaitResolved,
        ];
        if let Err(error) = script::run(&Script(steps), &stage, |line| println!("{line}")).await {
            println!("no alert came of it ({error}); these manifests may have other rules");
            // It may have failed between the two.
            if let Err(error) = self.stand_in.heal().await {
                println!("{error}");
            }
        }
        println!();
    }

    async fn unattended(&self, script: &Script, url: &str) -> anyhow::Result<()> {
        println!("running the script");
        let stage = Stage {
            stand_in: &self.stand_in,
            webhook: &self.webhook,
            server_url: url.to_owned(),
            wait_max: None,
        };
        script::run(script, &stage, |line| println!("{line}"))
            .await
            .context("the script did not come to its end")?;
        println!("all of the script happened");
        Ok(())
    }
}

async fn print_notifications(mut news: tokio::sync::broadcast::Receiver<Notification>) {
    loop {
        match news.recv().await {
            Ok(notification) => {
                println!(
                    "webhook got: {} from {}",
                    notification.status, notification.receiver
                );
                for alert in &notification.alerts {
                    let description = alert
                        .annotations
                        .get("description")
                        .map_or("", String::as_str);
                    println!("  {} {} {}", alert.status, alert.name(), description);
                }
            }
            // Notifications that were missed are in the webhook's list all the same.
            Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
        }
    }
}
