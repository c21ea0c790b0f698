//! The service discoveries of ScrapeConfigs as tables: which field becomes which key, and what must
//! hold. A new discovery is a new entry here.

use yaml::{Mapping, Value};

use super::Generator;
use super::http::{Tls, text_map};
use crate::check::Checker;
use crate::check::discovery as rules;
use crate::problem::{Checked, Within};
use crate::tree::Tree;
use crate::version::Numbers;

/// One discovery.
pub(crate) struct Discovery {
    /// In the ScrapeConfig.
    pub(crate) field: &'static str,
    /// In the configuration.
    pub(crate) key: &'static str,
    /// Older versions refuse any ScrapeConfig, even one that does not use this discovery: the
    /// operator checks the version first.
    pub(crate) since: Option<Numbers>,
    pub(crate) steps: &'static [Step],
    /// What else must hold for one section.
    pub(crate) check: Option<fn(&Checker<'_>, Tree<'_>) -> Checked>,
}

/// How one part of a section is written.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    BasicAuth,
    Authorization,
    OAuth2,
    /// The proxy fields, which stand beside the others.
    Proxy,
    Tls,
    /// `filters`, sorted by name.
    Filters,
    /// As it is, if it is set.
    Plain(&'static str, &'static str),
    /// A list, unless it is empty.
    List(&'static str, &'static str),
    /// A text, even if it is absent.
    Text(&'static str, &'static str),
    /// A text in lower case, even if it is absent.
    Lower(&'static str, &'static str),
    /// A map of texts, unless it is empty.
    Map(&'static str, &'static str),
    /// The value of a key of a Secret.
    Secret(&'static str, &'static str),
    /// `accessKey` and `secretKey`, only if both are set.
    AwsKeys,
    Since(Numbers, &'static Step),
    Custom(fn(&Generator<'_>, &mut Mapping, &str, Tree<'_>)),
}

use Step::{
    Authorization, AwsKeys, BasicAuth, Custom, Filters, List, Lower, Map, OAuth2, Plain, Proxy,
    Secret, Since, Text, Tls as TlsStep,
};

const FOLLOW: Step = Plain("followRedirects", "follow_redirects");
const HTTP2: Step = Plain("enableHTTP2", "enable_http2");
const PORT: Step = Plain("port", "port");
const REFRESH: Step = Plain("refreshInterval", "refresh_interval");
const SEPARATOR: Step = Plain("tagSeparator", "tag_separator");

/// In the order in which jobs list them.
pub(crate) const DISCOVERIES: [Discovery; 22] = [
    Discovery {
        field: "fileSDConfigs",
        key: "file_sd_configs",
        since: None,
        steps: &[List("files", "files"), REFRESH],
        check: None,
    },
    Discovery {
        field: "httpSDConfigs",
        key: "http_sd_configs",
        since: Some((2, 28, 0)),
        steps: &[
            BasicAuth,
            Authorization,
            TlsStep,
            Proxy,
            OAuth2,
            Text("url", "url"),
            REFRESH,
            FOLLOW,
            HTTP2,
        ],
        check: Some(rules::http),
    },
    Discovery {
        field: "kubernetesSDConfigs",
        key: "kubernetes_sd_configs",
        since: None,
        steps: &[
            Plain("apiServer", "api_server"),
            Custom(kubernetes_role),
            BasicAuth,
            Authorization,
            OAuth2,
            Proxy,
            FOLLOW,
            HTTP2,
            TlsStep,
            Custom(kubernetes_scope),
        ],
        check: Some(rules::kubernetes),
    },
    Discovery {
        field: "consulSDConfigs",
        key: "consul_sd_configs",
        since: None,
        steps: &[
            BasicAuth,
            Authorization,
            OAuth2,
            Proxy,
            TlsStep,
            Text("server", "server"),
            Plain("pathPrefix", "path_prefix"),
            Secret("tokenRef", "token"),
            Plain("datacenter", "datacenter"),
            Plain("namespace", "namespace"),
            Plain("partition", "partition"),
            Custom(scheme),
            List("services", "services"),
            List("tags", "tags"),
            SEPARATOR,
            Map("nodeMeta", "node_meta"),
            Plain("filter", "filter"),
            Plain("healthFilter", "health_filter"),
            Plain("allowStale", "allow_stale"),
            REFRESH,
            FOLLOW,
            HTTP2,
        ],
        check: Some(rules::consul),
    },
    Discovery {
        field: "dnsSDConfigs",
        key: "dns_sd_configs",
        since: None,
        steps: &[List("names", "names"), REFRESH, Custom(dns_type), PORT],
        check: Some(rules::dns),
    },
    Discovery {
        field: "ec2SDConfigs",
        key: "ec2_sd_configs",
        since: None,
        steps: &[
            Proxy,
            Plain("region", "region"),
            AwsKeys,
            Plain("roleARN", "role_arn"),
            REFRESH,
            PORT,
            Since((2, 3, 0), &Filters),
            Since((2, 41, 0), &FOLLOW),
            Since((2, 41, 0), &HTTP2),
            Since((2, 41, 0), &TlsStep),
        ],
        check: None,
    },
    Discovery {
        field: "azureSDConfigs",
        key: "azure_sd_configs",
        since: None,
        steps: &[
            Custom(azure_clients),
            Plain("environment", "environment"),
            Plain("authenticationMethod", "authentication_method"),
            Plain("subscriptionID", "subscription_id"),
            Plain("tenantID", "tenant_id"),
            Plain("clientID", "client_id"),
            Secret("clientSecret", "client_secret"),
            Plain("resourceGroup", "resource_group"),
            REFRESH,
            PORT,
        ],
        check: Some(rules::azure),
    },
    Discovery {
        field: "gceSDConfigs",
        key: "gce_sd_configs",
        since: None,
        steps: &[
            Text("project", "project"),
            Text("zone", "zone"),
            Plain("filter", "filter"),
            REFRESH,
            PORT,
            SEPARATOR,
        ],
        check: None,
    },
    Discovery {
        field: "openstackSDConfigs",
        key: "openstack_sd_configs",
        since: None,
        steps: &[
            Lower("role", "role"),
            Text("region", "region"),
            Plain("identityEndpoint", "identity_endpoint"),
            Plain("username", "username"),
            Plain("userid", "userid"),
            Secret("password", "password"),
            Plain("domainName", "domain_name"),
            Plain("domainID", "domain_id"),
            Plain("projectName", "project_name"),
            Plain("projectID", "project_id"),
            Plain("applicationCredentialName", "application_credential_name"),
            Plain("applicationCredentialId", "application_credential_id"),
            Secret(
                "applicationCredentialSecret",
                "application_credential_secret",
            ),
            Plain("allTenants", "all_tenants"),
            REFRESH,
            PORT,
            Plain("availability", "availability"),
            TlsStep,
        ],
        check: Some(rules::openstack),
    },
    Discovery {
        field: "digitalOceanSDConfigs",
        key: "digitalocean_sd_configs",
        since: Some((2, 20, 0)),
        steps: &[
            Authorization,
            OAuth2,
            Proxy,
            FOLLOW,
            HTTP2,
            TlsStep,
            PORT,
            REFRESH,
        ],
        check: None,
    },
    Discovery {
        field: "kumaSDConfigs",
        key: "kuma_sd_configs",
        since: None,
        steps: &[
            BasicAuth,
            Authorization,
            OAuth2,
            Proxy,
            Text("server", "server"),
            FOLLOW,
            HTTP2,
            TlsStep,
            REFRESH,
            Plain("fetchTimeout", "fetch_timeout"),
            Plain("clientID", "client_id"),
        ],
        check: Some(rules::kuma),
    },
    Discovery {
        field: "eurekaSDConfigs",
        key: "eureka_sd_configs",
        since: None,
        steps: &[
            BasicAuth,
            Authorization,
            OAuth2,
            Proxy,
            FOLLOW,
            HTTP2,
            TlsStep,
            REFRESH,
            Plain("server", "server"),
        ],
        check: None,
    },
    Discovery {
        field: "dockerSDConfigs",
        key: "docker_sd_configs",
        since: None,
        steps: &[
            Authorization,
            OAuth2,
            Proxy,
            BasicAuth,
            Filters,
            Text("host", "host"),
            TlsStep,
            PORT,
            Plain("hostNetworkingHost", "host_networking_host"),
            Since(
                (2, 54, 1),
                &Plain("matchFirstNetwork", "match_first_network"),
            ),
            REFRESH,
            FOLLOW,
            HTTP2,
        ],
        check: Some(rules::docker),
    },
    Discovery {
        field: "linodeSDConfigs",
        key: "linode_sd_configs",
        since: Some((2, 28, 0)),
        steps: &[
            Authorization,
            OAuth2,
            Proxy,
            TlsStep,
            PORT,
            Plain("region", "region"),
            HTTP2,
            SEPARATOR,
            REFRESH,
            FOLLOW,
        ],
        check: None,
    },
    Discovery {
        field: "hetznerSDConfigs",
        key: "hetzner_sd_configs",
        since: None,
        steps: &[
            BasicAuth,
            Authorization,
            OAuth2,
            Proxy,
            Lower("role", "role"),
            FOLLOW,
            HTTP2,
            TlsStep,
            PORT,
            REFRESH,
            Custom(hetzner_labels),
        ],
        check: Some(rules::hetzner),
    },
    Discovery {
        field: "nomadSDConfigs",
        key: "nomad_sd_configs",
        since: None,
        steps: &[
            BasicAuth,
            Authorization,
            OAuth2,
            Proxy,
            Text("server", "server"),
            Plain("allowStale", "allow_stale"),
            Plain("namespace", "namespace"),
            REFRESH,
            Plain("region", "region"),
            SEPARATOR,
            FOLLOW,
            HTTP2,
            TlsStep,
        ],
        check: Some(rules::nomad),
    },
    Discovery {
        field: "dockerSwarmSDConfigs",
        key: "dockerswarm_sd_configs",
        since: Some((2, 20, 0)),
        steps: &[
            BasicAuth,
            Authorization,
            OAuth2,
            Proxy,
            Filters,
            Text("host", "host"),
            TlsStep,
            Lower("role", "role"),
            PORT,
            REFRESH,
            FOLLOW,
            HTTP2,
        ],
        check: Some(rules::docker_swarm),
    },
    Discovery {
        field: "puppetDBSDConfigs",
        key: "puppetdb_sd_configs",
        since: Some((2, 31, 0)),
        steps: &[
            BasicAuth,
            Authorization,
            OAuth2,
            Proxy,
            Text("url", "url"),
            Text("query", "query"),
            Plain("includeParameters", "include_parameters"),
            PORT,
            REFRESH,
            FOLLOW,
            TlsStep,
            HTTP2,
        ],
        check: Some(rules::puppetdb),
    },
    Discovery {
        field: "lightSailSDConfigs",
        key: "lightsail_sd_configs",
        since: Some((2, 27, 0)),
        steps: &[
            BasicAuth,
            Authorization,
            Proxy,
            OAuth2,
            Plain("region", "region"),
            Plain("endpoint", "endpoint"),
            PORT,
            REFRESH,
            AwsKeys,
            Plain("roleARN", "role_arn"),
            TlsStep,
            FOLLOW,
            HTTP2,
        ],
        check: None,
    },
    Discovery {
        field: "ovhcloudSDConfigs",
        key: "ovhcloud_sd_configs",
        since: Some((2, 40, 0)),
        steps: &[
            Text("applicationKey", "application_key"),
            Secret("applicationSecret", "application_secret"),
            Secret("consumerKey", "consumer_key"),
            Custom(ovh_service),
            Plain("endpoint", "endpoint"),
            REFRESH,
        ],
        check: None,
    },
    Discovery {
        field: "scalewaySDConfigs",
        key: "scaleway_sd_configs",
        since: Some((2, 26, 0)),
        steps: &[
            Text("accessKey", "access_key"),
            Secret("secretKey", "secret_key"),
            Text("projectID", "project_id"),
            Lower("role", "role"),
            PORT,
            Plain("apiURL", "api_url"),
            Plain("zone", "zone"),
            Plain("nameFilter", "name_filter"),
            List("tagsFilter", "tags_filter"),
            REFRESH,
            Proxy,
            TlsStep,
            FOLLOW,
            HTTP2,
        ],
        check: None,
    },
    Discovery {
        field: "ionosSDConfigs",
        key: "ionos_sd_configs",
        since: Some((2, 36, 0)),
        steps: &[
            Custom(ionos_authorization),
            OAuth2,
            Proxy,
            TlsStep,
            Text("datacenterID", "datacenter_id"),
            FOLLOW,
            HTTP2,
            PORT,
            REFRESH,
        ],
        check: Some(rules::ionos),
    },
];

impl Generator<'_> {
    /// One section of a discovery.
    pub(super) fn discovery(
        &self,
        discovery: &Discovery,
        namespace: &str,
        section: Tree<'_>,
    ) -> Checked<Mapping> {
        let mut out = Mapping::new();
        for step in discovery.steps {
            self.discovery_step(&mut out, *step, namespace, section)?;
        }
        Ok(out)
    }

    fn discovery_step(
        &self,
        out: &mut Mapping,
        step: Step,
        namespace: &str,
        section: Tree<'_>,
    ) -> Checked {
        match step {
            BasicAuth => self.put_basic_auth(out, namespace, section.at("basicAuth")),
            Authorization => self.put_authorization(out, namespace, section.at("authorization")),
            OAuth2 => self.put_oauth2(out, namespace, section.at("oauth2")),
            Proxy => self.put_proxy(out, namespace, section),
            TlsStep => self.put_tls(out, namespace, Tls::of(section.at("tlsConfig"))),
            Filters => put_filters(out, section.at("filters")),
            Plain(field, key) => {
                let field = section.at(field);
                if field.is_set() {
                    out.put(key, field.value());
                }
            }
            List(field, key) => {
                let texts = section.at(field).texts();
                if !texts.is_empty() {
                    out.put(key, texts);
                }
            }
            Text(field, key) => out.put(key, section.at(field).str()),
            Lower(field, key) => out.put(key, section.at(field).str().to_lowercase()),
            Map(field, key) => {
                if !section.at(field).entries().is_empty() {
                    out.put(key, text_map(section.at(field)));
                }
            }
            Secret(field, key) => {
                let selector = section.at(field);
                if selector.is_set() {
                    let value = self.assets.secret_key(namespace, selector);
                    out.put(key, value.within(field, selector)?);
                }
            }
            AwsKeys => {
                let (access, secret) = (section.at("accessKey"), section.at("secretKey"));
                if access.is_set() && secret.is_set() {
                    out.put("access_key", self.assets.secret_key(namespace, access)?);
                    out.put("secret_key", self.assets.secret_key(namespace, secret)?);
                }
            }
            Since(numbers, step) => {
                if self.supports(numbers) {
                    self.discovery_step(out, *step, namespace, section)?;
                }
            }
            Custom(write) => write(self, out, namespace, section),
        }
        Ok(())
    }
}

fn put_filters(out: &mut Mapping, filters: Tree<'_>) {
    let mut filters: Vec<Tree<'_>> = filters.items().collect();
    if filters.is_empty() {
        return;
    }
    filters.sort_by_key(|filter| filter.at("name").str());
    let written = filters.into_iter().map(|filter| {
        let mut out = Mapping::new();
        out.put("name", filter.at("name").str());
        out.put("values", filter.at("values").texts());
        out
    });
    out.put("filters", written.collect::<Vec<_>>());
}

fn scheme(_: &Generator<'_>, out: &mut Mapping, _: &str, section: Tree<'_>) {
    if let Some(scheme) = section.at("scheme").text() {
        out.put("scheme", scheme.to_lowercase());
    }
}

fn kubernetes_role(generator: &Generator<'_>, out: &mut Mapping, _: &str, section: Tree<'_>) {
    let role = section.at("role").str().to_lowercase();
    let since = if role == "endpointslice" {
        (2, 21, 0)
    } else {
        (0, 0, 0)
    };
    generator.put_since(out, since, "role", role);
}

fn kubernetes_scope(generator: &Generator<'_>, out: &mut Mapping, _: &str, section: Tree<'_>) {
    let namespaces = section.at("namespaces");
    if namespaces.is_set() {
        let mut scope = Mapping::new();
        scope.put("names", namespaces.at("names").texts());
        if let Some(own) = namespaces.at("ownNamespace").flag() {
            scope.put("own_namespace", own);
        }
        out.put("namespaces", scope);
    }
    let selectors = section.at("selectors").items().map(|selector| {
        let mut out = Mapping::new();
        out.put("role", selector.at("role").str().to_lowercase());
        for key in ["label", "field"] {
            if let Some(text) = selector.at(key).text() {
                out.put(key, text);
            }
        }
        Value::from(out)
    });
    let selectors: Vec<Value> = selectors.collect();
    if !selectors.is_empty() {
        generator.put_since(out, (2, 17, 0), "selectors", selectors);
    }
    let attach = section.at("attachMetadata");
    if attach.is_set() {
        let mut metadata = Mapping::new();
        if let Some(node) = attach.at("node").flag() {
            metadata.put("node", node);
        }
        match section.at("role").str().to_lowercase().as_str() {
            "pod" => generator.put_since(out, (2, 35, 0), "attach_metadata", metadata),
            "endpoints" | "endpointslice" => {
                generator.put_since(out, (2, 37, 0), "attach_metadata", metadata);
            }
            // Other roles have no nodes to take metadata from.
            _ => {}
        }
    }
}

fn dns_type(generator: &Generator<'_>, out: &mut Mapping, _: &str, section: Tree<'_>) {
    let Some(kind) = section.at("type").text() else {
        return;
    };
    let since = match kind {
        "NS" => (2, 49, 0),
        "MX" => (2, 38, 0),
        _ => (0, 0, 0),
    };
    generator.put_since(out, since, "type", kind);
}

/// The operator loses the client options if an environment is set.
fn azure_clients(generator: &Generator<'_>, out: &mut Mapping, namespace: &str, section: Tree<'_>) {
    if section.at("environment").is_set() {
        return;
    }
    generator.put_basic_auth(out, namespace, section.at("basicAuth"));
    generator.put_authorization(out, namespace, section.at("authorization"));
    generator.put_oauth2(out, namespace, section.at("oauth2"));
    generator.put_proxy(out, namespace, section);
}

/// IONOS needs an authorization; without OAuth 2 one is written even if it is empty.
fn ionos_authorization(
    generator: &Generator<'_>,
    out: &mut Mapping,
    namespace: &str,
    section: Tree<'_>,
) {
    if section.at("oauth2").is_set() {
        return;
    }
    let authorization = section.at("authorization");
    if authorization.is_set() {
        generator.put_authorization(out, namespace, authorization);
    } else {
        let mut bearer = Mapping::new();
        bearer.put("type", "Bearer");
        out.put("authorization", bearer);
    }
}

fn hetzner_labels(generator: &Generator<'_>, out: &mut Mapping, _: &str, section: Tree<'_>) {
    if let Some(selector) = section.at("labelSelector").filled() {
        generator.put_since(out, (3, 5, 0), "label_selector", selector);
    }
}

fn ovh_service(_: &Generator<'_>, out: &mut Mapping, _: &str, section: Tree<'_>) {
    match section.at("service").str() {
        "VPS" => out.put("service", "vps"),
        "DedicatedServer" => out.put("service", "dedicated_server"),
        _ => {}
    }
}
