//! The table of `/api/v2`.

use super::operation::{Form, Operation, in_path, many, may, schema};
use crate::alertmanager::alerts::{AlertTwin, PostedTwin};
use crate::alertmanager::groups::GroupTwin;
use crate::alertmanager::silences::{IdTwin, PostedTwin as PostedSilence, SilenceTwin};
use crate::alertmanager::status::{LabelledTwin, StatusTwin};

const FILTERS: &[super::operation::Param] = &[
    many("filter", "a matcher that labels must satisfy"),
    may("receiver", "a pattern for the receiver's name"),
    many(
        "receiver_matchers",
        "a matcher that the receiver's labels must satisfy",
    ),
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
        "The receivers with their labels",
        &[many(
            "receiver_matchers",
            "a matcher that the receiver's labels must satisfy",
        )],
        schema::<Vec<LabelledTwin>>,
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
    Operation::get(
        "/silences",
        "Silences",
        &[
            many(
                "filter",
                "a matcher that must be among those of the silence",
            ),
            may("active", "false hides active silences"),
            may("pending", "false hides silences that begin later"),
            may("expired", "false hides silences that have ended"),
        ],
        schema::<Vec<SilenceTwin>>,
    )
    .within(Form::Bare),
    Operation::post(
        "/silences",
        "Makes a silence, or changes the one of the id",
        schema::<PostedSilence>,
        schema::<IdTwin>,
    )
    .within(Form::Bare),
    Operation::get(
        "/silence/{id}",
        "A silence",
        &[in_path("id", "its id, a UUID")],
        schema::<SilenceTwin>,
    )
    .within(Form::Bare),
    Operation::delete(
        "/silence/{id}",
        "Ends a silence",
        &[in_path("id", "its id, a UUID")],
        schema::<()>,
    )
    .within(Form::Empty),
    Operation::get("/openapi.yaml", "This document", &[], schema::<()>)
        .within(Form::Text("application/yaml")),
];
