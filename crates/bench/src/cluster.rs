//! Series such as node exporter, cAdvisor, kube-state-metrics, API servers and applications have, with
//! values that compress and reset as theirs do. Every value is a function of the series and the step.

use std::sync::Arc;

use model::Timestamp;
use model::labels::Labels;
use model::storage::{SampleBatch, SampleWriter, WriteError};
use tsdb::{Head, OpenOptions, RealDisk};

/// How many series and samples.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// About so many series.
    pub series: usize,
    /// Samples of each, 15 seconds apart.
    pub samples: usize,
}

impl Size {
    /// From `KEEPWATCH_BENCH_SERIES` and `KEEPWATCH_BENCH_SAMPLES`, else 100,000 series over two hours.
    pub fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok()?.parse().ok();
        Self {
            series: number("KEEPWATCH_BENCH_SERIES").unwrap_or(100_000),
            samples: number("KEEPWATCH_BENCH_SAMPLES").unwrap_or(480),
        }
    }
}

pub const INTERVAL_MS: i64 = 15_000;
/// Time of the first sample, in milliseconds.
pub const START_MS: i64 = 1_700_000_000_000;

#[derive(Clone, Copy, Debug)]
enum Kind {
    Constant(f64),
    /// Events per second.
    Counter(f64),
    /// Seconds per second, with two decimals.
    Seconds(f64),
    /// A base that jitters in steps of 4096.
    Bytes(f64),
}

/// A head with all series, and what must live as long as it.
#[derive(Debug)]
pub struct Cluster {
    pub head: Head,
    /// Time of the newest samples.
    pub end: Timestamp,
    _folder: tempfile::TempDir,
}

struct Series {
    labels: Labels,
    kind: Kind,
    seed: u64,
}

impl Cluster {
    /// Writes all samples, step by step, as scrapes would.
    pub fn new(size: Size) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (head, _) = Head::open(OpenOptions::new(folder.path(), Arc::new(RealDisk)))?;
        let series = all_series(size.series);
        fill(&head, &series, size.samples)?;
        let last = i64::try_from(size.samples)? - 1;
        Ok(Self {
            head,
            end: Timestamp(START_MS + last * INTERVAL_MS),
            _folder: folder,
        })
    }
}

fn fill(head: &Head, series: &[Series], samples: usize) -> Result<(), WriteError> {
    let mut references = Vec::with_capacity(series.len());
    for one in series {
        let reference = head
            .resolve(&one.labels)
            .map_err(|refusal| WriteError::Log(refusal.to_string()))?;
        references.push(reference);
    }
    let mut batch = SampleBatch::new();
    let mut time = START_MS;
    for step in 0..samples {
        // A target has 1,000 series: one commit each.
        for (series, references) in series.chunks(1000).zip(references.chunks(1000)) {
            batch.clear();
            for (one, reference) in series.iter().zip(references) {
                batch.push(*reference, Timestamp(time), one.value(step));
            }
            head.commit(&batch)?;
        }
        time += INTERVAL_MS;
    }
    Ok(())
}

impl Series {
    #[expect(
        clippy::cast_precision_loss,
        reason = "made-up values need no precision"
    )]
    fn value(&self, step: usize) -> f64 {
        let noise = unit(self.seed ^ step as u64);
        let seconds = step as f64 * 15.0;
        match self.kind {
            Kind::Constant(value) => value,
            Kind::Counter(rate) => (rate * (seconds + 14.0 * noise)).floor(),
            Kind::Seconds(rate) => (rate * (seconds + 14.0 * noise) * 100.0).floor() / 100.0,
            Kind::Bytes(base) => ((base * (1.0 + 0.05 * noise)) / 4096.0).floor() * 4096.0,
        }
    }
}

/// Splitmix64.
fn hash(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// In [0, 1).
#[expect(clippy::cast_precision_loss, reason = "53 bits are left")]
fn unit(seed: u64) -> f64 {
    (hash(seed) >> 11) as f64 / (1u64 << 53) as f64
}

/// Of ten targets three are nodes, three kubelets with containers, and one each kube-state-metrics,
/// kubelet operations, API server and application; 1,000 series each.
fn all_series(count: usize) -> Vec<Series> {
    let mut all = Vec::with_capacity(count + 1000);
    let mut target = 0;
    while all.len() < count {
        let full = all.len() + 1000;
        let mut target_of = Target {
            all: &mut all,
            number: target / 10,
            full,
        };
        match target % 10 {
            0..=2 => target_of.node(target),
            3..=5 => target_of.containers(target),
            6 => target_of.cluster_state(),
            7 => target_of.operations(target),
            8 => target_of.api_server(),
            _ => target_of.application(),
        }
        target += 1;
    }
    all.truncate(count);
    all
}

struct Target<'a> {
    all: &'a mut Vec<Series>,
    number: usize,
    full: usize,
}

const BUCKETS: [&str; 12] = [
    "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5", "10", "+Inf",
];
const NODES: usize = 30;
const NAMESPACES: usize = 24;

impl Target<'_> {
    fn is_full(&self) -> bool {
        self.all.len() >= self.full
    }

    fn add(&mut self, name: &str, kind: Kind, labels: &[(&str, &str)]) {
        if self.is_full() {
            return;
        }
        let pairs = labels.iter().copied().chain([("__name__", name)]);
        let seed = hash(self.all.len() as u64);
        self.all.push(Series {
            labels: Labels::from_pairs(pairs),
            // Half of all counters are idle.
            kind: match kind {
                Kind::Counter(rate) if seed & 1 == 0 => Kind::Constant((rate * 1e4).floor()),
                kind => kind,
            },
            seed,
        });
    }

    fn histogram(&mut self, name: &str, rate: f64, labels: &[(&str, &str)]) {
        let bucket = format!("{name}_bucket");
        for (at, le) in (1u32..).zip(BUCKETS) {
            let mut labels = labels.to_vec();
            labels.push(("le", le));
            self.add(&bucket, Kind::Counter(rate * f64::from(at) / 12.0), &labels);
        }
        self.add(&format!("{name}_count"), Kind::Counter(rate), labels);
        self.add(&format!("{name}_sum"), Kind::Seconds(rate * 0.02), labels);
    }

    fn node(&mut self, target: usize) {
        let instance = format!("node-{}", (target / 10 * 3 + target % 10) % NODES);
        let common = [("job", "node-exporter"), ("instance", instance.as_str())];
        for cpu in 0..32 {
            for mode in [
                "idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user",
            ] {
                let cpu = cpu.to_string();
                let labels = [common[0], common[1], ("cpu", &cpu), ("mode", mode)];
                self.add("node_cpu_seconds_total", Kind::Seconds(0.1), &labels);
            }
        }
        for name in ["MemAvailable", "MemTotal", "MemFree", "Cached", "Buffers"] {
            let name = format!("node_memory_{name}_bytes");
            self.add(&name, Kind::Bytes(1e10), &common);
        }
        for device in 0..60 {
            let device = format!("dm-{device}");
            let labels = [common[0], common[1], ("device", &device)];
            for name in ["avail_bytes", "size_bytes", "files"] {
                self.add(
                    &format!("node_filesystem_{name}"),
                    Kind::Bytes(1e11),
                    &labels,
                );
            }
            for name in ["io_time_seconds", "read_bytes", "written_bytes", "reads"] {
                self.add(
                    &format!("node_disk_{name}_total"),
                    Kind::Counter(10.0),
                    &labels,
                );
            }
        }
        self.fill_up("node_other_total", &common);
    }

    /// The rest of the target's series, which no query is about.
    fn fill_up(&mut self, name: &str, common: &[(&str, &str)]) {
        for number in 0.. {
            if self.is_full() {
                break;
            }
            let number = number.to_string();
            let mut labels = common.to_vec();
            labels.push(("number", &number));
            self.add(name, Kind::Counter(1.0), &labels);
        }
    }

    fn containers(&mut self, target: usize) {
        let node = format!("node-{}", (target / 10 * 3 + target % 10 - 3) % NODES);
        for pod in 0.. {
            if self.is_full() {
                break;
            }
            let namespace = format!("team-{}", (pod + target) % NAMESPACES);
            let name = format!("svc-{}-{target}-{pod}", pod % 40);
            for container in ["", "app", "sidecar"] {
                let labels = [
                    ("job", "cadvisor"),
                    ("instance", node.as_str()),
                    ("namespace", namespace.as_str()),
                    ("pod", name.as_str()),
                    ("container", container),
                    ("image", "registry.example/team/app:1.2.3"),
                ];
                let with_container = match container {
                    "" => &labels[..4],
                    _ => &labels[..],
                };
                for metric in ["cpu_usage_seconds_total", "cpu_system_seconds_total"] {
                    let name = format!("container_{metric}");
                    self.add(&name, Kind::Seconds(0.2), with_container);
                }
                for metric in ["working_set_bytes", "rss", "cache", "swap"] {
                    let name = format!("container_memory_{metric}");
                    self.add(&name, Kind::Bytes(1e8), with_container);
                }
                for metric in ["fs_reads_total", "fs_writes_total"] {
                    let name = format!("container_{metric}");
                    self.add(&name, Kind::Counter(3.0), with_container);
                }
            }
            let labels = [
                ("job", "cadvisor"),
                ("instance", node.as_str()),
                ("namespace", namespace.as_str()),
                ("pod", name.as_str()),
                ("interface", "eth0"),
            ];
            for direction in ["receive", "transmit"] {
                let name = format!("container_network_{direction}_bytes_total");
                self.add(&name, Kind::Counter(1e4), &labels);
            }
        }
    }

    fn cluster_state(&mut self) {
        for pod in 0.. {
            if self.is_full() {
                break;
            }
            // The pods of the containers' targets of the same ten.
            let target = self.number * 10 + 3 + pod % 3;
            let pod = pod / 3;
            let namespace = format!("team-{}", (pod + target) % NAMESPACES);
            let name = format!("svc-{}-{target}-{pod}", pod % 40);
            let node = format!("node-{}", (target / 10 * 3 + target % 10 - 3) % NODES);
            let labels = [
                ("job", "kube-state-metrics"),
                ("namespace", namespace.as_str()),
                ("pod", name.as_str()),
                ("node", node.as_str()),
            ];
            self.add("kube_pod_info", Kind::Constant(1.0), &labels);
            for phase in ["Pending", "Running", "Succeeded", "Failed", "Unknown"] {
                let value = if phase == "Running" { 1.0 } else { 0.0 };
                let labels = [labels[0], labels[1], labels[2], ("phase", phase)];
                self.add("kube_pod_status_phase", Kind::Constant(value), &labels);
            }
            for container in ["app", "sidecar"] {
                let labels = [labels[0], labels[1], labels[2], ("container", container)];
                self.add(
                    "kube_pod_container_status_restarts_total",
                    Kind::Counter(0.001),
                    &labels,
                );
                for resource in ["cpu", "memory"] {
                    let labels = [
                        labels[0],
                        labels[1],
                        labels[2],
                        labels[3],
                        ("resource", resource),
                    ];
                    self.add(
                        "kube_pod_container_resource_requests",
                        Kind::Constant(0.5),
                        &labels,
                    );
                }
            }
        }
    }

    fn operations(&mut self, target: usize) {
        let instance = format!("node-{target}");
        for operation in 0.. {
            if self.is_full() {
                break;
            }
            let operation = format!("operation_{operation}");
            let labels = [
                ("job", "kubelet"),
                ("instance", instance.as_str()),
                ("operation_type", operation.as_str()),
            ];
            self.histogram("kubelet_runtime_operations_duration_seconds", 5.0, &labels);
        }
    }

    fn api_server(&mut self) {
        let instance = format!("api-{}", self.number);
        for resource in 0.. {
            if self.is_full() {
                break;
            }
            let resource = format!("resource-{resource}");
            for verb in ["GET", "LIST", "PUT", "WATCH"] {
                let labels = [
                    ("job", "apiserver"),
                    ("instance", instance.as_str()),
                    ("resource", resource.as_str()),
                    ("verb", verb),
                ];
                self.histogram("apiserver_request_duration_seconds", 20.0, &labels);
                for code in ["200", "404", "500"] {
                    let mut labels = labels.to_vec();
                    labels.push(("code", code));
                    self.add("apiserver_request_total", Kind::Counter(10.0), &labels);
                }
            }
        }
    }

    fn application(&mut self) {
        let instance = format!("app-{}", self.number);
        for handler in 0.. {
            if self.is_full() {
                break;
            }
            let handler = format!("/api/v1/{handler}");
            let labels = [
                ("job", "application"),
                ("instance", instance.as_str()),
                ("handler", handler.as_str()),
            ];
            self.histogram("http_request_duration_seconds", 30.0, &labels);
            for code in ["200", "404", "500", "503"] {
                let mut labels = labels.to_vec();
                labels.push(("code", code));
                self.add("http_requests_total", Kind::Counter(10.0), &labels);
            }
        }
    }
}
