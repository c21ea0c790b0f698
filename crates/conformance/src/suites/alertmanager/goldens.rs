//! `alertmanager/notify/goldens.jsonl`: the requests that each integration sends at each step.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Waker};

use ::config::alertmanager::Receiver;
use alerting::{
    Action, Config, Delivery, Input, Integration, Machine, NoIntervals, Outcome, PostedAlert,
    ReceiverSpec, Settings, Time,
};
use anyhow::Context;
use model::{Duration, Pairs, Timestamp};
use notify::{
    BoxFuture, HttpFailure, HttpRequest, HttpResponse, HttpSend, MailFailure, MailRequest,
    MailSend, Notification, SameClients, Templates,
};
use serde_json::Value;

use super::alerts::{labels, pairs, same};
use super::{config, mail};
use crate::suite::{Case, json_lines};

const NOW: Timestamp = Timestamp(1_760_000_000_000);

const WECHAT_TOKEN: &str = r#"{"access_token":"wechat-token"}"#;

/// Receiver, integration, index, step.
type Key = (String, String, u64, String);

pub(super) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let lines = json_lines(&dir.join("goldens.jsonl"))?;
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let read =
        |name: &str| fs::read_to_string(dir.join(name)).with_context(|| format!("reading {name}"));
    let steps: Value = serde_json::from_str(&read("steps.json")?).context("steps.json")?;
    let text = read("config.yml")?;
    // Mail servers are written with their port.
    let loaded = config::load(&text.replace("'CAPTURE_SMTP'", "'CAPTURE_SMTP:25'"))
        .map_err(anyhow::Error::msg)?;
    let config = Arc::new(Config {
        route: config::route(loaded.route()),
        receivers: receivers(&loaded.receivers),
        inhibit_rules: Vec::new(),
        intervals: Arc::new(NoIntervals),
        resolve_timeout: loaded.global.resolve_timeout,
    });
    let shared = Arc::new(Shared {
        deliveries: deliveries(&config, &steps).map_err(anyhow::Error::msg)?,
        templates: Templates::new("http://am.example.org:9093", [])?,
        receivers: loaded.receivers,
    });
    Ok(lines
        .into_iter()
        .map(|(_, case)| {
            let shared = shared.clone();
            let id = case["id"].as_str().unwrap_or("?").to_owned();
            Case::new(format!("goldens/{id}"), move || run(&case, &shared))
        })
        .collect())
}

/// What all cases look at.
struct Shared {
    receivers: Vec<Receiver>,
    deliveries: BTreeMap<Key, Delivery>,
    templates: Templates,
}

/// What the machine wants delivered at each step.
fn deliveries(config: &Arc<Config>, steps: &Value) -> Result<BTreeMap<Key, Delivery>, String> {
    let mut machine = Machine::new(Settings::default(), config.clone(), NOW);
    let mut found = BTreeMap::new();
    let mut now = NOW;
    for step in steps.as_array().into_iter().flatten() {
        let name = step["step"].as_str().unwrap_or_default();
        let alerts = step["post"].as_array().into_iter().flatten();
        let posted = Input::Posted(alerts.map(posted).collect::<Result<_, _>>()?);
        let mut actions = machine.step(now, posted);
        // The next flush is at most a group interval away.
        now += Duration::from_secs(3);
        actions.extend(machine.step(now, Input::Tick));
        for action in actions {
            let Action::Deliver(delivery) = action else {
                continue;
            };
            let integration = config
                .receivers
                .iter()
                .find(|receiver| receiver.name == delivery.receiver)
                .and_then(|receiver| receiver.integrations.get(delivery.integration))
                .ok_or("no such integration")?;
            let key = (
                delivery.receiver.to_string(),
                integration.name.to_string(),
                u64::from(integration.index),
                name.to_owned(),
            );
            let answer = Input::Delivered {
                delivery: delivery.id,
                outcome: Outcome::delivered(),
            };
            found.insert(key, *delivery);
            machine.step(now, answer);
        }
    }
    Ok(found)
}

fn posted(alert: &Value) -> Result<PostedAlert, String> {
    let time = |key: &str| {
        let text = alert[key].as_str();
        text.map(Time::parse)
            .transpose()
            .map_err(|error| error.to_string())
    };
    let annotations: BTreeMap<_, _> = pairs(&alert["annotations"])
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Ok(PostedAlert {
        labels: labels(&alert["labels"]),
        annotations: Pairs::from(&annotations),
        starts_at: time("startsAt")?,
        ends_at: time("endsAt")?,
        generator_url: alert["generatorURL"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    })
}

/// The receivers as the machine knows them.
fn receivers(receivers: &[Receiver]) -> Vec<ReceiverSpec> {
    let nobody = SameClients(Arc::new(Scripted::new(&[])));
    let specs = receivers.iter().map(|receiver| {
        let built = notify::integration::build(receiver, &nobody);
        let integrations = built.into_iter().map(|built| Integration {
            name: built.name.into(),
            index: built.index,
            sends_resolved: built.sends_resolved,
            settings: built.settings,
        });
        ReceiverSpec {
            name: receiver.name.as_str().into(),
            integrations: integrations.collect(),
            ..ReceiverSpec::default()
        }
    });
    specs.collect()
}

fn run(case: &Value, shared: &Shared) -> Result<(), String> {
    let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
    let key = (
        text("receiver"),
        text("integration"),
        case["index"].as_u64().unwrap_or_default(),
        text("step"),
    );
    let expected = case["requests"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(delivery) = shared.deliveries.get(&key) else {
        return same("number of requests", &0, &expected.len());
    };
    let script = Arc::new(Scripted::new(expected));
    let integration = shared
        .receivers
        .iter()
        .filter(|receiver| receiver.name == key.0)
        .flat_map(|receiver| notify::integration::build(receiver, &SameClients(script.clone())))
        .find(|built| built.name == key.1 && u64::from(built.index) == key.2)
        .ok_or("no such integration")?
        .integration?;
    let notification = Notification {
        delivery,
        templates: &shared.templates,
        now: NOW,
        user_agent: "Alertmanager/<version>",
    };
    if key.1 == "wechat"
        && expected
            .first()
            .is_some_and(|first| first["method"] == "POST")
    {
        // The token comes from an earlier step.
        script.answer_first(&[WECHAT_TOKEN, "{}"])?;
        now_or_never(integration.notify(notification))?.map_err(|failure| failure.message)?;
        script.forget()?;
    }
    let outcome = now_or_never(integration.notify(notification))?;
    outcome.map_err(|failure| failure.message)?;
    if let Some(expected) = expected.first().filter(|first| first["protocol"] == "smtp") {
        let mails = script.mails.lock().map_err(|_| "poisoned")?;
        same("number of mails", &mails.len(), &1)?;
        return mails
            .iter()
            .try_for_each(|mail| mail::compare(mail, expected));
    }
    let sent = script.sent.lock().map_err(|_| "poisoned")?;
    same("number of requests", &sent.len(), &expected.len())?;
    for (sent, expected) in sent.iter().zip(expected) {
        compare(sent, expected)?;
    }
    Ok(())
}

fn compare(sent: &HttpRequest, expected: &Value) -> Result<(), String> {
    let text = |key: &str| expected[key].as_str().unwrap_or_default();
    same("method", &sent.method, &text("method"))?;
    let origin = match text("connect_to").strip_suffix(":443") {
        Some(host) => format!("https://{host}"),
        None => "http://CAPTURE_HTTP".to_owned(),
    };
    let target = sent.url.strip_prefix(&origin);
    same("target", &target.unwrap_or(&sent.url), &text("target"))?;
    for header in expected["headers"].as_array().into_iter().flatten() {
        let name = header[0].as_str().unwrap_or_default();
        // The others come from the client's options.
        let value = header[1].as_str().unwrap_or_default();
        if matches!(name, "Content-Type" | "User-Agent") && !value.contains("<volatile>") {
            let own = sent.headers.iter().find(|(own, _)| *own == name);
            let own = own.map(|(_, value)| value.as_str());
            same(name, &own, &header[1].as_str())?;
        }
    }
    let body = String::from_utf8_lossy(&sent.body);
    if body == text("body") {
        return Ok(());
    }
    Err(format!("body: expected {}, got {body}", text("body")))
}

/// Answers requests with the responses that the case has for them, and takes every mail.
#[derive(Debug)]
struct Scripted {
    sent: Mutex<Vec<HttpRequest>>,
    mails: Mutex<Vec<MailRequest>>,
    answers: Mutex<VecDeque<HttpResponse>>,
}

impl Scripted {
    fn new(requests: &[Value]) -> Self {
        let answers = requests.iter().map(|request| {
            let response = &request["scripted_response"];
            let text = |key: &str| response[key].as_str().unwrap_or_default().to_owned();
            let status = response["status"].as_u64().unwrap_or(200);
            HttpResponse {
                status: u16::try_from(status).unwrap_or(200),
                headers: vec![("Content-Type".to_owned(), text("content_type"))],
                body: text("body").into_bytes(),
            }
        });
        Self {
            sent: Mutex::default(),
            mails: Mutex::default(),
            answers: Mutex::new(answers.collect()),
        }
    }

    fn answer_first(&self, bodies: &[&str]) -> Result<(), String> {
        let mut answers = self.answers.lock().map_err(|_| "poisoned")?;
        for body in bodies.iter().rev() {
            answers.push_front(HttpResponse {
                status: 200,
                headers: Vec::new(),
                body: body.as_bytes().to_vec(),
            });
        }
        Ok(())
    }

    /// What was sent up to now.
    fn forget(&self) -> Result<(), String> {
        self.sent.lock().map_err(|_| "poisoned")?.clear();
        Ok(())
    }
}

impl HttpSend for Scripted {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpFailure>> {
        Box::pin(async move {
            let poisoned = |_| HttpFailure("poisoned".to_owned());
            self.sent.lock().map_err(|_| poisoned(()))?.push(request);
            let answer = self.answers.lock().map_err(|_| poisoned(()))?.pop_front();
            answer.ok_or_else(|| HttpFailure("one request too many".to_owned()))
        })
    }
}

impl MailSend for Scripted {
    fn send(&self, request: MailRequest) -> BoxFuture<'_, Result<(), MailFailure>> {
        Box::pin(async move {
            let mut mails = self
                .mails
                .lock()
                .map_err(|_| MailFailure("poisoned".to_owned()))?;
            mails.push(request);
            Ok(())
        })
    }
}

/// Nothing here waits, so one look is enough.
fn now_or_never<T>(future: impl Future<Output = T>) -> Result<T, String> {
    match pin!(future).poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => Err("still pending".to_owned()),
    }
}
