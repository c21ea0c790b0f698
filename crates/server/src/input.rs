//! All files that the server is started with, read.

use std::path::Path;

use diag::Source;
use manifest::ManifestText;
use yaml::{Kind, Node, Resolved};

use crate::StartError;
use crate::address::{OwnAddress, Scheme};
use crate::files::{folder_of, manifest_files, read_text};
use crate::options::Options;

/// What the server watches if it is told nothing: itself. Who answers there is known without a certificate.
pub(crate) fn self_watching(own: OwnAddress) -> String {
    let OwnAddress { scheme, port } = own;
    let tls = match scheme {
        Scheme::Http => "",
        Scheme::Https => "  scheme: https\n  tls_config: {insecure_skip_verify: true}\n",
    };
    format!(
        "global:\n  scrape_interval: 15s\n  evaluation_interval: 15s\n\
         scrape_configs:\n- job_name: keepwatch\n{tls}  static_configs:\n  - targets:\n    - localhost:{port}\n"
    )
}

/// A configuration file and the folder that relative paths in it start from.
#[derive(Clone, Debug)]
pub(crate) struct FileInput {
    pub(crate) source: Source,
    pub(crate) base_dir: String,
}

#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) prometheus: Option<FileInput>,
    pub(crate) alertmanager: Option<FileInput>,
    pub(crate) manifests: Vec<ManifestText>,
}

pub(crate) fn file(path: &Path) -> Result<FileInput, StartError> {
    let text = read_text(path).map_err(StartError::Input)?;
    Ok(FileInput {
        source: Source::new(path.display().to_string(), text),
        base_dir: folder_of(path),
    })
}

/// Reads everything anew. `own` is for watching itself.
pub(crate) fn read(options: &Options, own: OwnAddress) -> Result<Input, StartError> {
    let mut prometheus = options.config_file.as_deref().map(file).transpose()?;
    let alertmanager = options
        .alertmanager_config_file
        .as_deref()
        .map(file)
        .transpose()?;
    let texts = manifest_files(&options.manifests).map_err(StartError::Input)?;
    if prometheus.is_none() && texts.is_empty() {
        let source = Source::new("(built-in: the server watches itself)", self_watching(own));
        prometheus = Some(FileInput {
            source,
            base_dir: ".".to_owned(),
        });
    }
    let manifests = texts.into_iter().map(|(path, text)| ManifestText {
        path,
        text,
        default_namespace: options.default_namespace.clone(),
    });
    Ok(Input {
        prometheus,
        alertmanager,
        manifests: manifests.collect(),
    })
}

/// A YAML tree as JSON, for readers of Kubernetes objects.
pub(crate) fn to_json(node: &Node) -> serde_json::Value {
    match &node.kind {
        Kind::Sequence(items) => items.iter().map(to_json).collect(),
        Kind::Mapping(pairs) => pairs
            .iter()
            .filter_map(|(key, value)| Some((key.text()?.to_owned(), to_json(value))))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Kind::Null => serde_json::Value::Null,
        Kind::Scalar(scalar) => match scalar.resolve() {
            Ok(Resolved::Bool(value)) => value.into(),
            Ok(Resolved::Int(value)) => value.into(),
            Ok(Resolved::Float(value)) => value.into(),
            Ok(Resolved::Null) => serde_json::Value::Null,
            _ => node.text().unwrap_or_default().into(),
        },
    }
}
