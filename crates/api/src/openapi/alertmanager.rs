//! The table of `/api/v2`.

use super::operation::{Form, Operation, many, may, schema};
use crate::alertmanager::alerts::{AlertTwin, PostedTwin, ReceiverTwin};
use crate::alertmanager::groups::GroupTwin;
use crate::alertmanager::status::StatusTwin;

const FILTERS: &[super::operation::Param] = &[
    many("filter", "a matcher that labels must satisfy"),
    may("receiver", "a pattern for the receiver's name"),
    may("active", "false hides alerts that may notify"),
    may("silenced", "false hides silenced alerts"),
    may("inhibited", "false hides inhibited alerts"),
    may("muted", "false hides alerts of muted groups"),
];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::get(
        "/status",
        "Configuration, cluster and version",
        &[],
        schema::<StatusTwin>,
    )
    .within(Form::Bare),
    Operation::get(
        "/receivers",
        "Names of the receivers",
        &[],
        schema::<Vec<ReceiverTwin>>,
    )
    .within(Form::Bare),
    Operation::get("/alerts", "Alerts", FILTERS, schema::<Vec<AlertTwin>>).within(Form::Bare),
    Operation::post(
        "/alerts",
        "Takes alerts",
        schema::<Vec<PostedTwin>>,
        schema::<()>,
    )
    .within(Form::Empty),
    Operation::get(
        "/alerts/groups",
        "Alerts as they are grouped for receivers",
        FILTERS,
        schema::<Vec<GroupTwin>>,
    )
    .within(Form::Bare),
    Operation::get("/openapi.yaml", "This document", &[], schema::<()>)
        .within(Form::Text("application/yaml")),
];
