//! `receivers`: who is told, and how. One file per integration, one line each in the tables below.

mod discord;
mod email;
mod incidentio;
mod jira;
mod mattermost;
mod msteams;
mod msteamsv2;
mod opsgenie;
mod pagerduty;
mod pushover;
mod rocketchat;
mod slack;
mod sns;
mod telegram;
mod victorops;
mod webex;
mod webhook;
mod wechat;

pub use discord::*;
pub use email::*;
pub use incidentio::*;
pub use jira::*;
pub use mattermost::*;
pub use msteams::*;
pub use msteamsv2::*;
pub use opsgenie::*;
pub use pagerduty::*;
pub use pushover::*;
pub use rocketchat::*;
pub use slack::*;
pub use sns::*;
pub use telegram::*;
pub use victorops::*;
pub use webex::*;
pub use webhook::*;
pub use wechat::*;

use std::collections::BTreeMap;

use yaml::MapReader;

use super::global::Global;
use crate::place::Place;
use crate::prometheus::Refusals;
use crate::quote::quote;

section! {
    /// A name with integrations, in the order in which they print.
    pub struct Receiver: "config.plain" as "config.Receiver", checked {
        [place] pub place: Place,
        ["name"] pub name: String,
        ["labels", omit] pub labels: BTreeMap<String, String>,
        ["discord_configs", omit] pub discord: Vec<Discord>,
        ["email_configs", omit] pub email: Vec<Email>,
        ["incidentio_configs", omit] pub incidentio: Vec<IncidentIo>,
        ["pagerduty_configs", omit] pub pagerduty: Vec<PagerDuty>,
        ["slack_configs", omit] pub slack: Vec<Slack>,
        ["webhook_configs", omit] pub webhook: Vec<Webhook>,
        ["opsgenie_configs", omit] pub opsgenie: Vec<OpsGenie>,
        ["wechat_configs", omit] pub wechat: Vec<WeChat>,
        ["pushover_configs", omit] pub pushover: Vec<Pushover>,
        ["victorops_configs", omit] pub victorops: Vec<VictorOps>,
        ["sns_configs", omit] pub sns: Vec<Sns>,
        ["telegram_configs", omit] pub telegram: Vec<Telegram>,
        ["webex_configs", omit] pub webex: Vec<Webex>,
        ["msteams_configs", omit] pub msteams: Vec<MsTeams>,
        ["msteamsv2_configs", omit] pub msteamsv2: Vec<MsTeamsV2>,
        ["jira_configs", omit] pub jira: Vec<Jira>,
        ["rocketchat_configs", omit] pub rocketchat: Vec<RocketChat>,
        ["mattermost_configs", omit] pub mattermost: Vec<Mattermost>,
    }
}

impl Receiver {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.name.is_empty() {
            refuse(
                map,
                "name",
                "missing name in receiver",
                "routes refer to it by name",
            );
        }
        match self.labels.get("name") {
            None => {
                self.labels.insert("name".to_owned(), self.name.clone());
            }
            Some(label) if *label != self.name => {
                let message = format!(
                    "receiver label \"name\" must match receiver name {}, got {}",
                    quote(&self.name),
                    quote(label)
                );
                refuse(map, "labels", &message, "remove the label");
            }
            Some(_) => {}
        }
    }

    /// Takes from `global` what the integrations leave open.
    pub(super) fn complete(&mut self, completion: &mut Completion<'_, '_>) {
        self.discord
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.email
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.incidentio
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.pagerduty
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.slack
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.webhook
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.opsgenie
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.wechat
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.pushover
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.victorops
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.sns.iter_mut().for_each(|one| one.complete(completion));
        self.telegram
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.webex
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.msteams
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.msteamsv2
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.jira
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.rocketchat
            .iter_mut()
            .for_each(|one| one.complete(completion));
        self.mattermost
            .iter_mut()
            .for_each(|one| one.complete(completion));
    }
}

/// What completing an integration needs.
pub(super) struct Completion<'a, 's> {
    pub(super) global: &'a Global,
    pub(super) template: &'a dyn Fn(&str) -> Option<String>,
    pub(super) refusals: &'a mut Refusals<'s>,
}

impl Completion<'_, '_> {
    fn refuse(&mut self, place: Place, message: &str, hint: &str) {
        self.refusals
            .refuse(place.0, "bad-integration", message, hint);
    }

    /// What is wrong with the syntax of a template.
    fn template_problem(&self, text: &str) -> Option<String> {
        (self.template)(text)
    }
}

fn refuse(map: &mut MapReader<'_, '_>, key: &str, message: &str, hint: &str) {
    map.refuse_with_hint(key, "bad-integration", message, hint);
}

/// Refuses a required text that is empty.
fn need(map: &mut MapReader<'_, '_>, key: &str, text: &str, message: &str) {
    if text.is_empty() {
        refuse(map, key, message, &format!("add `{key}`"));
    }
}

/// Refuses a value that is given both inline and in a file; the flags say what is empty.
fn both(map: &mut MapReader<'_, '_>, key: &str, are_empty: [bool; 2]) {
    if are_empty == [false, false] {
        let message = format!("at most one of {key} & {key}_file must be configured");
        refuse(map, key, &message, "keep one of them");
    }
}

/// Takes a value from `global` if there is none.
fn inherit_secret(own: &mut crate::Secret, global: &crate::Secret) {
    if own.is_empty() {
        own.clone_from(global);
    }
}

/// The same for the path of a file.
fn inherit_text(own: &mut String, global: &str) {
    if own.is_empty() {
        global.clone_into(own);
    }
}

/// Refuses a value that is given neither inline nor in a file; the flags say what is empty.
fn one_of(map: &mut MapReader<'_, '_>, key: &str, are_empty: [bool; 2]) {
    if are_empty == [true, true] {
        let message = format!("one of {key} or {key}_file must be configured");
        refuse(map, key, &message, &format!("add `{key}`"));
    }
}
