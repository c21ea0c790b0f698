//! What the peer accepts, refuses and prints, where no conformance case says it.

use diag::Source;

use super::matchers::MatcherMode;
use super::{LoadOptions, load};

/// The printed configuration, or the peer's error.
fn printed(text: &str) -> Result<String, String> {
    let options = LoadOptions {
        base_dir: "",
        matchers: MatcherMode::Fallback,
        template: &|_| None,
    };
    load(&Source::new("am.yml", text.to_owned()), &options)
        .map(|(config, _)| config.to_text())
        .map_err(|error| error.peer_text())
}

fn with_receiver(receiver: &str) -> Result<String, String> {
    printed(&format!(
        "route: {{receiver: r}}\nreceivers: [{{name: r, {receiver}}}]\n"
    ))
}

#[track_caller]
fn prints(text: Result<String, String>, part: &str) {
    let text = text.unwrap();
    assert!(text.contains(part), "{part:?} is not in\n{text}");
}

/// They stayed in the order of the texts that they came from.
#[test]
fn matchers_of_a_list_print_sorted() {
    let route = "matchers: ['b=~\"x.*\"', '{a!=\"2\", b=\"x\"}', 'a=1', 'b!~\"x.*\"']";
    prints(
        printed(&format!(
            "route: {{receiver: r, routes: [{{{route}}}]}}\nreceivers: [{{name: r}}]\n"
        )),
        "  - matchers:\n    - a=\"1\"\n    - a!=\"2\"\n    - b=\"x\"\n    - b=~\"x.*\"\n    - b!~\"x.*\"\n",
    );
    prints(
        printed(
            "route: {receiver: r}\nreceivers: [{name: r}]\ninhibit_rules: [{source_match_re: {a: ''}}]\n",
        ),
        "- source_match_re:\n    a: null\n",
    );
}

/// `summary: {enable_update: false}` lost the default template, so the issue had no summary.
#[test]
fn jira_texts_without_a_template_keep_the_default() {
    let jira = |rest: &str| {
        with_receiver(&format!(
            "jira_configs: [{{api_url: 'http://h/', project: p, issue_type: t, {rest}}}]"
        ))
    };
    prints(
        jira("summary: {enable_update: false}, description: {}"),
        "    summary:\n      template: '{{ template \"jira.default.summary\" . }}'\n      enable_update: false\n    \
         description:\n      template: '{{ template \"jira.default.description\" . }}'\n",
    );
    prints(
        jira("summary: {template: '', enable_update: true}"),
        "    summary:\n      enable_update: true\n",
    );
}

#[test]
fn rocketchat_actions_take_all_keys_of_the_peer() {
    prints(
        with_receiver(
            "rocketchat_configs: [{token: t, token_id: i, fields: [{title: f}], actions: [{type: button, \
             imageurl: 'http://i', webviewheightratio: full, msginchatwindow: true}]}]",
        ),
        "    fields:\n    - short: null\n      title: f\n      value: \"\"\n",
    );
    prints(
        with_receiver(
            "rocketchat_configs: [{token: t, token_id: i, actions: [{text: t, iswebview: true}]}]",
        ),
        "    - type: \"\"\n      text: t\n      url: \"\"\n      imageurl: \"\"\n      iswebview: true\n      \
         webviewheightratio: \"\"\n      msg: \"\"\n      msginchatwindow: false\n      msgprocessingtype: \"\"\n",
    );
}

#[test]
fn keys_and_their_files_are_inherited_each_for_itself() {
    prints(
        printed(
            "global: {opsgenie_api_key_file: f, victorops_api_key_file: g}\nroute: {receiver: r}\n\
             receivers: [{name: r, opsgenie_configs: [{api_key: k}], victorops_configs: [{api_key: k, \
             routing_key: x, state_message: null}]}]\n",
        ),
        "    api_key: <secret>\n    api_key_file: f\n",
    );
    prints(
        with_receiver("victorops_configs: [{api_key: k, routing_key: x, state_message: null}]"),
        "    state_message: \"\"\n",
    );
}

#[test]
fn what_the_peer_refuses() {
    for (receiver, problem) in [
        (
            "sns_configs: [{topic_arn: t, sigv4: {region: r, external_id: e}}]",
            "external_id can only be used with role_arn",
        ),
        (
            "slack_configs: [{api_url: 'http://h/', nope: x}]",
            "yaml: unmarshal errors:\n  line 2: field nope not found in type config.plain",
        ),
        (
            "webhook_configs: [{url: '/x'}]",
            "invalid URL: unsupported scheme \"\" for URL",
        ),
        (
            "webhook_configs: [{url: 'http:///x'}]",
            "invalid URL: missing host for URL",
        ),
        (
            "pushover_configs: [{user_key: u, token: t, retry: 60}]",
            "time: missing unit in duration \"60\"",
        ),
        (
            "webhook_configs: [{url: 'http://h/', http_config: {tls_config: {min_version: TLS9}}}]",
            "unknown TLS version: TLS9",
        ),
        (
            "webhook_configs: [{url: 'http://h/', http_config: {oauth2: {client_id: i, token_url: u, \
             client_secret: s, client_secret_file: f}}}]",
            "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured \
             using grant-type=client_credentials",
        ),
    ] {
        assert_eq!(with_receiver(receiver), Err(problem.to_owned()));
    }
    // A template is checked when it is rendered; both secrets of a mail are allowed, the file wins.
    for receiver in [
        "webhook_configs: [{url: '{{ .X }}'}]",
        "webhook_configs: [{url: <secret>}]",
        "email_configs: [{to: t, from: f, smarthost: 'h:25', auth_secret: s, auth_secret_file: f}]",
    ] {
        assert!(with_receiver(receiver).is_ok(), "{receiver}");
    }
}

#[test]
fn time_intervals_are_refused_in_the_words_of_the_peer() {
    for (interval, problem) in [
        (
            "months: ['5:february']",
            "end month february is before start month may",
        ),
        ("location: europe/berlin", "unknown time zone europe/berlin"),
        ("location: US/Eastern", ""),
    ] {
        let result = printed(&format!(
            "route: {{receiver: r}}\nreceivers: [{{name: r}}]\ntime_intervals: [{{name: t, \
             time_intervals: [{{{interval}}}]}}]\n"
        ));
        assert_eq!(result.err().unwrap_or_default(), problem);
    }
}

#[test]
fn outputs_of_the_event_recorder_are_checked() {
    let recorder = |outputs: &str| {
        printed(&format!(
            "route: {{receiver: r}}\nreceivers: [{{name: r}}]\nevent_recorder: {{{outputs}}}\n"
        ))
    };
    for (outputs, problem) in [
        (
            "file_outputs: [{}]",
            "event_recorder file output requires a path",
        ),
        (
            "webhook_outputs: [{}]",
            "event_recorder webhook output requires a url",
        ),
        (
            "webhook_outputs: [{url: 'http://h/', batch_max_events: 5}]",
            "event_recorder webhook batch settings require batch: true",
        ),
        (
            "kafka_outputs: [{topic: t}]",
            "event_recorder kafka: at least one broker is required",
        ),
        (
            "kafka_outputs: [{brokers: ['b:1']}]",
            "event_recorder kafka output requires a topic",
        ),
        (
            "kafka_outputs: [{brokers: ['b:1'], topic: t, acks: x}]",
            "event_recorder kafka: unknown acks \"x\", must be \"none\", \"leader\", or \"all\"",
        ),
        (
            "kafka_outputs: [{brokers: ['b:1'], topic: t, compression: zip}]",
            "event_recorder kafka: unknown compression \"zip\"",
        ),
    ] {
        assert_eq!(recorder(outputs), Err(problem.to_owned()));
    }
    prints(
        recorder("webhook_outputs: [{url: 'http://h/', batch: true, batch_flush_interval: 1s}]"),
        "event_recorder:\n  webhook_outputs:\n  - url: <secret>\n    batch: true\n    batch_flush_interval: 1s\n",
    );
    prints(
        recorder("kafka_outputs: [{brokers: ['b:1'], topic: t}]"),
        "  kafka_outputs:\n  - brokers:\n    - b:1\n    topic: t\n    format: json\n",
    );
}
