//! `remote_write` and `remote_read`.

use yaml::{Mapping, Value};

use super::Generator;
use super::http::{Tls, text_map};
use super::relabel;
use crate::tree::Tree;

impl Generator<'_> {
    pub(super) fn put_remote_write(&self, out: &mut Mapping) {
        let sections = self.spec.at("remoteWrite");
        if sections.items().len() > 0 {
            let written: Vec<Mapping> = sections
                .items()
                .map(|spec| self.remote_write(spec))
                .collect();
            out.put("remote_write", written);
        }
    }

    pub(super) fn put_remote_read(&self, out: &mut Mapping) {
        let sections = self.spec.at("remoteRead");
        if sections.items().len() > 0 {
            let written: Vec<Mapping> = sections
                .items()
                .map(|spec| self.remote_read(spec))
                .collect();
            out.put("remote_read", written);
        }
    }

    fn remote_write(&self, spec: Tree<'_>) -> Mapping {
        let namespace = self.workload.namespace();
        let mut out = Mapping::new();
        out.put("url", spec.at("url").str());
        if let Some(timeout) = spec.at("remoteTimeout").text() {
            out.put("remote_timeout", timeout);
        }
        if !spec.at("headers").entries().is_empty() {
            self.put_since(
                &mut out,
                (2, 15, 0),
                "headers",
                text_map(spec.at("headers")),
            );
        }
        if let Some(name) = spec.at("name").filled() {
            self.put_since(&mut out, (2, 15, 0), "name", name);
        }
        if spec.at("messageVersion").is_set() {
            let message = match spec.at("messageVersion").str() {
                "V2.0" => "io.prometheus.write.v2.Request",
                _ => "prometheus.WriteRequest",
            };
            self.put_since(&mut out, (2, 54, 0), "protobuf_message", message);
        }
        self.copy_since(
            &mut out,
            (2, 27, 0),
            "send_exemplars",
            spec.at("sendExemplars"),
        );
        let histograms = spec.at("sendNativeHistograms");
        self.copy_since(&mut out, (2, 40, 0), "send_native_histograms", histograms);
        let rules: Vec<Mapping> = relabel::rules(spec.at("writeRelabelConfigs")).collect();
        if !rules.is_empty() {
            out.put("write_relabel_configs", rules);
        }
        self.put_remote_client(&mut out, spec);
        if self.supports((2, 26, 0)) {
            self.put_sigv4(&mut out, namespace, spec.at("sigv4"));
        }
        self.put_azure(&mut out, spec.at("azureAd"));
        self.copy_since(
            &mut out,
            (2, 26, 0),
            "follow_redirects",
            spec.at("followRedirects"),
        );
        self.copy_since(&mut out, (2, 35, 0), "enable_http2", spec.at("enableHTTP2"));
        if spec.at("queueConfig").is_set() {
            out.put("queue_config", self.queue(spec.at("queueConfig")));
        }
        if spec.at("metadataConfig").is_set() {
            let metadata = self.metadata(spec);
            self.put_since(&mut out, (2, 23, 0), "metadata_config", metadata);
        }
        self.copy_since(
            &mut out,
            (3, 1, 0),
            "round_robin_dns",
            spec.at("roundRobinDNS"),
        );
        out
    }

    /// Credentials, TLS and proxy, the same for both directions.
    fn put_remote_client(&self, out: &mut Mapping, spec: Tree<'_>) {
        let namespace = self.workload.namespace();
        self.put_basic_auth(out, namespace, spec.at("basicAuth"));
        out.put_unless_empty("bearer_token", spec.at("bearerToken").str());
        out.put_unless_empty("bearer_token_file", spec.at("bearerTokenFile").str());
        self.put_oauth2(out, namespace, spec.at("oauth2"));
        self.put_tls(out, namespace, Tls::of(spec.at("tlsConfig")));
        self.put_authorization_with_file(out, namespace, spec.at("authorization"));
        self.put_proxy(out, namespace, spec);
    }

    fn put_azure(&self, out: &mut Mapping, azure: Tree<'_>) {
        if !azure.is_set() {
            return;
        }
        let section = |fields: &[(&str, &str)], from: Tree<'_>| {
            let mut out = Mapping::new();
            for (field, key) in fields {
                out.put(key, from.at(field).str());
            }
            out
        };
        let mut written = Mapping::new();
        let identity = azure.at("managedIdentity");
        if identity.is_set() {
            let mut out = Mapping::new();
            out.put_unless_empty("client_id", identity.at("clientId").str());
            written.put("managed_identity", out);
        }
        let oauth = azure.at("oauth");
        if oauth.is_set()
            && let Ok(secret) = self
                .assets
                .secret_key(self.workload.namespace(), oauth.at("clientSecret"))
        {
            let mut out = section(&[("clientId", "client_id")], oauth);
            out.put("client_secret", secret);
            out.put("tenant_id", oauth.at("tenantId").str());
            self.put_since(&mut written, (2, 48, 0), "oauth", out);
        }
        let sdk = azure.at("sdk");
        if sdk.is_set() {
            let out = section(&[("tenantId", "tenant_id")], sdk);
            self.put_since(&mut written, (2, 52, 0), "sdk", out);
        }
        let workload = azure.at("workloadIdentity");
        if workload.is_set() {
            let fields = [("clientId", "client_id"), ("tenantId", "tenant_id")];
            self.put_since(
                &mut written,
                (3, 7, 0),
                "workload_identity",
                section(&fields, workload),
            );
        }
        if let Some(cloud) = azure.at("cloud").text() {
            written.put("cloud", cloud);
        }
        if let Some(scope) = azure.at("scope").filled() {
            self.put_since(&mut written, (3, 9, 0), "scope", scope);
        }
        self.put_since(out, (2, 45, 0), "azuread", written);
    }

    fn queue(&self, queue: Tree<'_>) -> Mapping {
        let mut out = Mapping::new();
        let numbers = [
            ("capacity", "capacity"),
            ("minShards", "min_shards"),
            ("maxShards", "max_shards"),
            ("maxSamplesPerSend", "max_samples_per_send"),
        ];
        for (field, key) in numbers {
            out.put_unless_empty(key, queue.at(field).int().unwrap_or(0));
        }
        // Retries became endless in 2.11.
        if !self.supports((2, 11, 0)) {
            out.put_unless_empty("max_retries", queue.at("maxRetries").int().unwrap_or(0));
        }
        let texts = [
            ("batchSendDeadline", "batch_send_deadline"),
            ("minBackoff", "min_backoff"),
            ("maxBackoff", "max_backoff"),
        ];
        for (field, key) in texts {
            if let Some(text) = queue.at(field).text() {
                out.put(key, text);
            }
        }
        if queue.at("retryOnRateLimit").flag() == Some(true) {
            self.put_since(&mut out, (2, 26, 0), "retry_on_http_429", true);
        }
        self.copy_since(
            &mut out,
            (2, 50, 0),
            "sample_age_limit",
            queue.at("sampleAgeLimit"),
        );
        out
    }

    fn metadata(&self, spec: Tree<'_>) -> Mapping {
        let metadata = spec.at("metadataConfig");
        let mut out = Mapping::new();
        // The second version of the protocol carries metadata in its samples.
        let is_version_2 = spec.at("messageVersion").str() == "V2.0";
        out.put(
            "send",
            metadata.at("send").flag() == Some(true) && !is_version_2,
        );
        out.put_unless_empty("send_interval", metadata.at("sendInterval").str());
        let samples = metadata.at("maxSamplesPerSend");
        self.copy_since(&mut out, (2, 29, 0), "max_samples_per_send", samples);
        out
    }

    fn remote_read(&self, spec: Tree<'_>) -> Mapping {
        let mut out = Mapping::new();
        out.put("url", spec.at("url").str());
        if let Some(timeout) = spec.at("remoteTimeout").text() {
            out.put("remote_timeout", timeout);
        }
        if !spec.at("headers").entries().is_empty() {
            self.put_since(
                &mut out,
                (2, 26, 0),
                "headers",
                text_map(spec.at("headers")),
            );
        }
        if let Some(name) = spec.at("name").filled() {
            self.put_since(&mut out, (2, 15, 0), "name", name);
        }
        if !spec.at("requiredMatchers").entries().is_empty() {
            out.put("required_matchers", text_map(spec.at("requiredMatchers")));
        }
        if spec.at("readRecent").flag() == Some(true) {
            out.put("read_recent", Value::Bool(true));
        }
        self.put_remote_client(&mut out, spec);
        self.copy_since(
            &mut out,
            (2, 26, 0),
            "follow_redirects",
            spec.at("followRedirects"),
        );
        let filter = spec.at("filterExternalLabels");
        self.copy_since(&mut out, (2, 34, 0), "filter_external_labels", filter);
        out
    }
}
