//! Secrets and ConfigMaps that other objects refer to, by namespace, name and key.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::object::{Kind, Object};
use crate::problem::{Checked, Problem, Within};
use crate::tree::Tree;

/// Which of the two a value comes from. The numbers are part of the file names of TLS assets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Origin {
    Secret = 0,
    ConfigMap = 1,
}

impl Origin {
    fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::ConfigMap => "configmap",
        }
    }
}

type Data = BTreeMap<String, Vec<u8>>;

/// All values that references can resolve to.
#[derive(Debug, Default)]
pub struct Assets {
    data: BTreeMap<(Origin, String, String), Data>,
    /// TLS files that generated configuration names, by file name.
    used_files: RefCell<BTreeSet<(Origin, String, String, String)>>,
}

/// A file that a generated configuration names and that must exist where the configuration is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetFile {
    /// Without its folder.
    pub name: String,
    pub content: Vec<u8>,
}

impl Assets {
    /// Collects the Secrets and ConfigMaps among `objects`.
    pub fn new<'a>(objects: impl IntoIterator<Item = &'a Object>) -> Self {
        let mut assets = Self::default();
        for object in objects {
            let origin = match object.kind {
                Kind::Secret => Origin::Secret,
                Kind::ConfigMap => Origin::ConfigMap,
                _ => continue,
            };
            let key = (
                origin,
                object.namespace().to_owned(),
                object.name().to_owned(),
            );
            assets
                .data
                .entry(key)
                .or_default()
                .extend(read_data(object, origin));
        }
        assets
    }

    /// All keys of one Secret, `None` if there is no such Secret.
    pub(crate) fn secret(&self, namespace: &str, name: &str) -> Option<&Data> {
        self.data
            .get(&(Origin::Secret, namespace.to_owned(), name.to_owned()))
    }

    pub(crate) fn bytes(
        &self,
        origin: Origin,
        namespace: &str,
        selector: Tree<'_>,
    ) -> Checked<&[u8]> {
        let (name, key) = (selector.at("name").str(), selector.at("key").str());
        let word = origin.word();
        if namespace.is_empty() {
            return Err(Problem::at(selector, "namespace cannot be empty"));
        }
        let Some(data) = self
            .data
            .get(&(origin, namespace.to_owned(), name.to_owned()))
        else {
            let message =
                format!("unable to get {word} {name:?}: not found in namespace {namespace:?}");
            return Err(Problem::at(selector, message));
        };
        let value = data.get(key).map(Vec::as_slice);
        value.ok_or_else(|| {
            Problem::at(
                selector,
                format!("key {key:?} in {word} {name:?} not found"),
            )
        })
    }

    /// The text under a `{name, key}` selector of a Secret in `namespace`.
    pub(crate) fn secret_key(&self, namespace: &str, selector: Tree<'_>) -> Checked<String> {
        let bytes = self.bytes(Origin::Secret, namespace, selector)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The text under `{secret: {name, key}}` or `{configMap: {name, key}}`; empty if neither is set.
    pub(crate) fn key(&self, namespace: &str, selector: Tree<'_>) -> Checked<String> {
        let Some((origin, selector)) = origin_of(selector) else {
            return Ok(String::new());
        };
        let bytes = self.bytes(origin, namespace, selector)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The file name under which a TLS value is mounted; remembers that it is needed.
    pub(crate) fn tls_file(&self, origin: Origin, namespace: &str, selector: Tree<'_>) -> String {
        let (name, key) = (selector.at("name").str(), selector.at("key").str());
        let entry = (
            origin,
            namespace.to_owned(),
            name.to_owned(),
            key.to_owned(),
        );
        self.used_files.borrow_mut().insert(entry);
        file_name(origin, namespace, name, key)
    }

    /// As [`Self::tls_file`], for `{secret: …}` or `{configMap: …}`.
    pub(crate) fn tls_file_of_either(&self, namespace: &str, selector: Tree<'_>) -> Option<String> {
        let (origin, selector) = origin_of(selector)?;
        Some(self.tls_file(origin, namespace, selector))
    }

    /// The files named since the last call.
    pub(crate) fn take_files(&self) -> Vec<AssetFile> {
        let used = self.used_files.take();
        let files = used
            .into_iter()
            .filter_map(|(origin, namespace, name, key)| {
                let file = file_name(origin, &namespace, &name, &key);
                let content = self
                    .data
                    .get(&(origin, namespace, name))?
                    .get(&key)?
                    .clone();
                Some(AssetFile {
                    name: file,
                    content,
                })
            });
        files.collect()
    }

    /// Checks that the certificates and the key of a TLS section exist and can be read.
    pub(crate) fn check_tls(&self, namespace: &str, tls: Tree<'_>) -> Checked {
        let ca = self
            .key(namespace, tls.at("ca"))
            .within("failed to get ca", tls)?;
        let cert = self
            .key(namespace, tls.at("cert"))
            .within("failed to get cert", tls)?;
        let key = match tls.at("keySecret") {
            selector if selector.is_set() => self
                .secret_key(namespace, selector)
                .within("failed to get key", tls)?,
            _ => String::new(),
        };
        if !ca.is_empty() {
            check_pem(&ca, &["CERTIFICATE"])
                .map_err(|why| Problem::at(tls.at("ca"), format!("ca: {why}")))?;
        }
        if !cert.is_empty() && !key.is_empty() {
            let refuse = |why: String| Problem::at(tls.at("cert"), format!("cert, key: {why}"));
            check_pem(&cert, &["CERTIFICATE"]).map_err(refuse)?;
            check_pem(&key, &["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"])
                .map_err(refuse)?;
        }
        Ok(())
    }
}

fn file_name(origin: Origin, namespace: &str, name: &str, key: &str) -> String {
    format!("{}_{namespace}_{name}_{key}", origin as u8)
}

/// Which of `{secret, configMap}` is set, and its `{name, key}`.
pub(crate) fn origin_of(selector: Tree<'_>) -> Option<(Origin, Tree<'_>)> {
    let secret = selector.at("secret");
    if secret.is_set() {
        return Some((Origin::Secret, secret));
    }
    let config_map = selector.at("configMap");
    config_map
        .is_set()
        .then_some((Origin::ConfigMap, config_map))
}

/// `stringData` wins over `data`, as in the API server. Values that are not base64 are left out.
fn read_data(object: &Object, origin: Origin) -> Data {
    let root = object.root();
    let mut data = Data::new();
    let is_encoded = |field: &str| match origin {
        Origin::Secret => field == "data",
        Origin::ConfigMap => field == "binaryData",
    };
    for field in ["binaryData", "data", "stringData"] {
        for (key, value) in root.at(field).entries() {
            let bytes = if is_encoded(field) {
                yaml::decode_base64(value.str())
            } else {
                Some(value.str().as_bytes().to_vec())
            };
            if let Some(bytes) = bytes {
                data.insert(key.to_owned(), bytes);
            }
        }
    }
    data
}

/// Looks for a PEM block with one of the labels whose content is a DER sequence. Whether a certificate
/// belongs to its key is seen only when both are loaded.
fn check_pem(text: &str, labels: &[&str]) -> Result<(), String> {
    for label in labels {
        let (begin, end) = (
            format!("-----BEGIN {label}-----"),
            format!("-----END {label}-----"),
        );
        let Some((_, rest)) = text.split_once(&begin) else {
            continue;
        };
        let Some((body, _)) = rest.split_once(&end) else {
            break;
        };
        // Go's reader of PEM skips blanks inside lines, too.
        return match yaml::decode_base64(&body.replace([' ', '\t'], "")) {
            Some(der) if der.first() == Some(&0x30) => Ok(()),
            Some(_) => Err(format!("failed to parse {}", label.to_lowercase())),
            None => break,
        };
    }
    Err("failed to decode PEM block".to_owned())
}
