//! For unit tests: one delivery through one integration, with answers from a list.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use alerting::dedup::NotifyReason;
use alerting::nflog::ReceiverData;
use alerting::{Alert, Delivery, DeliveryId, NotifiedAlert, Outcome, PostedAlert, Time};
use config::alertmanager::matchers::MatcherMode;
use config::alertmanager::{LoadOptions, Receiver, load};
use model::name::NameScheme;
use model::{Labels, Timestamp};

use crate::clients::SameClients;
use crate::http::{BoxFuture, HttpFailure, HttpRequest, HttpResponse, HttpSend};
use crate::integration::{Integration, build};
use crate::mail::{MailFailure, MailRequest, MailSend};
use crate::receivers::Receivers;
use crate::templates::Templates;

pub(crate) const NOW: Timestamp = Timestamp(1_709_290_800_000);

/// The receiver `team.x` with these lines of YAML.
pub(crate) fn receiver(lines: &str) -> Receiver {
    let text = format!("route: {{receiver: team.x}}\nreceivers:\n- name: team.x\n  {lines}\n");
    let options = LoadOptions {
        base_dir: "",
        matchers: MatcherMode::Fallback,
        template: &|_| None,
    };
    let source = diag::Source::new("test", text);
    let (config, _) = load(&source, &options).unwrap_or_else(|error| {
        panic!("{:?}", error.diagnostics);
    });
    config.receivers.into_iter().next().unwrap()
}

pub(crate) fn answer(status: u16, body: &str) -> Result<HttpResponse, HttpFailure> {
    let content_type = if body.starts_with('{') {
        "application/json"
    } else {
        "text/plain"
    };
    Ok(HttpResponse {
        status,
        headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
        body: body.as_bytes().to_vec(),
    })
}

/// Keeps the requests and answers them in order; when answers run out, the connection fails.
#[derive(Debug, Default)]
struct Scripted {
    answers: Mutex<VecDeque<Result<HttpResponse, HttpFailure>>>,
    sent: Mutex<Vec<HttpRequest>>,
    mails: Mutex<Vec<MailRequest>>,
}

impl HttpSend for Scripted {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpFailure>> {
        Box::pin(async move {
            self.sent.lock().unwrap().push(request);
            let answer = self.answers.lock().unwrap().pop_front();
            answer.unwrap_or_else(|| Err(HttpFailure("connection refused".to_owned())))
        })
    }
}

impl MailSend for Scripted {
    fn send(&self, request: MailRequest) -> BoxFuture<'_, Result<(), MailFailure>> {
        Box::pin(async move {
            self.mails.lock().unwrap().push(request);
            Ok(())
        })
    }
}

/// A receiver with one integration whose requests can be seen.
pub(crate) struct Line {
    receivers: Receivers,
    name: &'static str,
    scripted: Arc<Scripted>,
}

impl Line {
    pub(crate) fn new(lines: &str) -> Self {
        let scripted = Arc::<Scripted>::default();
        let built = build(&receiver(lines), &SameClients(scripted.clone()));
        let name = built[0].name;
        let integrations: Vec<Box<dyn Integration>> = built
            .into_iter()
            .map(|built| built.integration.unwrap())
            .collect();
        let receivers = Receivers::new(
            Templates::new("http://am:9093", []).unwrap(),
            "Alertmanager/1.0",
            HashMap::from([("team.x".into(), integrations)]),
        );
        Self {
            receivers,
            name,
            scripted,
        }
    }

    /// One attempt by mail.
    pub(crate) fn mail(&self, delivery: Delivery) -> (Vec<MailRequest>, Outcome) {
        let (_, outcome) = self.deliver(delivery, []);
        let mails = std::mem::take(&mut *self.scripted.mails.lock().unwrap());
        (mails, outcome)
    }

    /// One attempt. The requests that were sent, and the outcome.
    pub(crate) fn deliver(
        &self,
        delivery: Delivery,
        answers: impl IntoIterator<Item = Result<HttpResponse, HttpFailure>>,
    ) -> (Vec<HttpRequest>, Outcome) {
        *self.scripted.answers.lock().unwrap() = answers.into_iter().collect();
        let delivery = Delivery {
            integration_name: self.name.into(),
            ..delivery
        };
        let future = pin!(self.receivers.deliver(&delivery, NOW));
        let Poll::Ready(outcome) = { future }.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("nothing waits here");
        };
        (
            std::mem::take(&mut *self.scripted.sent.lock().unwrap()),
            outcome,
        )
    }
}

pub(crate) fn deliver(
    lines: &str,
    answers: impl IntoIterator<Item = Result<HttpResponse, HttpFailure>>,
) -> (Vec<HttpRequest>, Outcome) {
    Line::new(lines).deliver(delivery(), answers)
}

pub(crate) fn body(request: &HttpRequest) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

pub(crate) fn alert(name: &str, summary: &str, ends_at: &str) -> NotifiedAlert {
    let posted = PostedAlert {
        labels: Labels::from_pairs([("alertname", name), ("job", "node")]),
        annotations: [("summary", summary)].into_iter().collect(),
        starts_at: Some(Time::parse("2024-03-01T10:00:00.5+02:00").unwrap()),
        ends_at: Some(Time::parse(ends_at).unwrap()),
        generator_url: "http://p/g?a=1&b=2".to_owned(),
    };
    let now = Time::from(NOW);
    let alert = Alert::from_posted(&posted, now, model::Duration::ZERO, NameScheme::Utf8).unwrap();
    NotifiedAlert {
        is_resolved: alert.is_resolved_at(now),
        alert: Arc::new(alert),
    }
}

/// About one alert that fires and one that is resolved.
pub(crate) fn delivery() -> Delivery {
    about([
        alert("A", "<5%> & \"low\"", "2099-01-01T00:00:00Z"),
        alert("B", "fine", "2024-03-01T10:30:00Z"),
    ])
}

pub(crate) fn about<const N: usize>(alerts: [NotifiedAlert; N]) -> Delivery {
    let alerts: Arc<[NotifiedAlert]> = Arc::from(alerts);
    Delivery {
        id: DeliveryId(1),
        attempt: 1,
        receiver: "team.x".into(),
        integration: 0,
        integration_name: "".into(),
        group_key: r#"{}:{job="node"}"#.into(),
        group_labels: Labels::from_pairs([("job", "node")]),
        route_labels: Arc::new(BTreeMap::from([
            ("owner".to_owned(), "{{ .GroupLabels.job }}s".to_owned()),
            (
                "twice".to_owned(),
                "{{ routeLabels \"owner\" }}!".to_owned(),
            ),
        ])),
        group_alerts: alerts.clone(),
        alerts,
        reason: NotifyReason::FirstNotification,
        receiver_data: ReceiverData::default(),
        deadline: NOW + model::Duration::from_secs(30),
    }
}
