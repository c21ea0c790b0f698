//! Members registered in ZooKeeper: Twitter's serversets and AirBnB's Nerve.

use model::Duration;
use yaml::MapReader;

use super::refuse;

section! {
    pub struct Nerve: "zookeeper.plain" as "*zookeeper.NerveSDConfig", checked {
        ["servers"] pub servers: Vec<String>,
        ["paths"] pub paths: Vec<String>,
        ["timeout", unless_default] pub timeout: Duration = Duration::from_secs(10),
    }
}

section! {
    pub struct Serverset: "zookeeper.plain" as "*zookeeper.ServersetSDConfig", checked {
        ["servers"] pub servers: Vec<String>,
        ["paths"] pub paths: Vec<String>,
        ["timeout", unless_default] pub timeout: Duration = Duration::from_secs(10),
    }
}

impl Nerve {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        validate(map, "nerve", &self.servers, &self.paths);
    }
}

impl Serverset {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        validate(map, "serverset", &self.servers, &self.paths);
    }
}

fn validate(map: &mut MapReader<'_, '_>, name: &str, servers: &[String], paths: &[String]) {
    if servers.is_empty() {
        let message = format!("{name} SD config must contain at least one Zookeeper server");
        refuse(map, "servers", message, "add `servers`");
    }
    if paths.is_empty() {
        let message = format!("{name} SD config must contain at least one path");
        refuse(map, "paths", message, "add `paths`");
    }
    for path in paths.iter().filter(|path| !path.starts_with('/')) {
        let message = format!("{name} SD config paths must begin with '/': {path}");
        refuse(map, "paths", message, "add the slash");
    }
}
