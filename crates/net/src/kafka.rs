//! A producer for Kafka: hands records to the broker that leads their partition. What they look like is in
//! [`wire::kafka`]; queues, batches and repeating are the caller's.
//!
//! All records have one key, so one partition, and one connection is enough. Everything that a broker sends is bounded,
//! and every exchange has a deadline.

use std::io;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
pub use wire::kafka::{Acks, Compression, ErrorCode};
use wire::kafka::{
    Destination, KafkaError, Metadata, Records, RequestHead, Sequence, identity_request,
    metadata_request, partition_of, produce_request, read_identity, read_metadata, read_produced,
};

use crate::resolve::Overrides;
use crate::tls::{TlsError, TlsOptions, client_config};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What a broker may take for its replicas, and what an exchange may take.
const PRODUCE_TIMEOUT_MS: i32 = 10_000;
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(20);
/// Answers tell of one topic.
const ANSWER_BYTES_MAX: usize = 8 << 20;
const PORT: u16 = 9092;

/// Where to, and how.
#[derive(Clone, Debug)]
pub struct ProducerOptions {
    /// `HOST:PORT` of those that are asked first.
    pub brokers: Vec<String>,
    pub client_id: String,
    pub topic: String,
    /// Of all records.
    pub key: String,
    pub acks: Acks,
    pub compression: Compression,
    /// `None`: not encrypted.
    pub tls: Option<TlsOptions>,
    pub overrides: Overrides,
}

/// Why records were not taken.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    #[error("{broker}: {problem}")]
    Network { broker: String, problem: String },
    #[error("{broker}: no answer within {}s", limit.as_secs())]
    Timeout { broker: String, limit: Duration },
    #[error("{broker}: {code}")]
    Broker { broker: String, code: ErrorCode },
    #[error("the topic {topic}: {code}")]
    Topic { topic: String, code: ErrorCode },
    #[error("{broker}: {problem}")]
    Protocol { broker: String, problem: KafkaError },
}

impl ProduceError {
    /// Whether it may go well at another time.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Network { .. } | Self::Timeout { .. } => true,
            Self::Broker { code, .. } | Self::Topic { code, .. } => code.is_retriable(),
            Self::Protocol { problem, .. } => !matches!(problem, KafkaError::Compression(_)),
        }
    }

    /// Whether the broker does not know the topic.
    pub fn is_unknown_topic(&self) -> bool {
        matches!(self, Self::Topic { code, .. } | Self::Broker { code, .. } if *code == ErrorCode::UNKNOWN_TOPIC)
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// A broker that is spoken to.
struct Connection {
    /// `HOST:PORT`.
    broker: String,
    stream: Box<dyn Stream>,
    /// Of the last request.
    correlation: i32,
}

pub struct Producer {
    options: ProducerOptions,
    /// The leader of the partition of the key.
    leader: Option<(Connection, i32)>,
    /// With [`Acks::All`]: so that records that are sent again are not there twice, unless the broker forgets us.
    sequence: Option<Sequence>,
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Producer {
    /// Connects to nobody yet. Fails if the TLS options cannot be used.
    pub fn new(options: ProducerOptions) -> Result<Self, TlsError> {
        if let Some(tls) = &options.tls {
            client_config(tls)?;
        }
        Ok(Self {
            options,
            leader: None,
            sequence: None,
        })
    }

    /// Hands over records, as of now in milliseconds since 1970. If it fails they may have arrived all the same; then
    /// the same ones must be sent again before any others.
    pub async fn send(&mut self, values: &[&[u8]], now_ms: i64) -> Result<(), ProduceError> {
        let sent = self.try_send(values, now_ms).await;
        if sent.is_err() {
            // The next attempt looks for the leader anew.
            self.leader = None;
        }
        sent
    }

    async fn try_send(&mut self, values: &[&[u8]], now_ms: i64) -> Result<(), ProduceError> {
        if self.leader.is_none() {
            self.leader = Some(self.find_leader().await?);
        }
        let options = &self.options;
        let Some((connection, partition)) = &mut self.leader else {
            return Ok(());
        };
        if options.acks == Acks::All && self.sequence.is_none() {
            self.sequence = Some(connection.ask_identity(&options.client_id).await?);
        }
        let sequence = self.sequence.unwrap_or(Sequence::NONE);
        let head = connection.next_head(&options.client_id);
        let to = Destination {
            topic: &options.topic,
            partition: *partition,
            acks: options.acks,
            timeout_ms: PRODUCE_TIMEOUT_MS,
        };
        let records = Records {
            key: options.key.as_bytes(),
            values,
            timestamp_ms: now_ms,
            compression: options.compression,
            sequence,
        };
        let request = produce_request(head, to, &records);
        let request = request.map_err(|problem| connection.protocol(problem))?;
        if options.acks == Acks::None {
            return connection.write(&request).await;
        }
        let answer = connection.exchange(&request).await?;
        match read_produced(head, to, &answer) {
            Ok(ErrorCode::NONE | ErrorCode::DUPLICATE) => {
                self.sequence = self.sequence.map(|one| one.after(values.len()));
                Ok(())
            }
            Ok(code) => {
                if code.wants_identity() {
                    self.sequence = None;
                }
                Err(connection.refused(code))
            }
            Err(problem) => Err(connection.protocol(problem)),
        }
    }

    /// Asks one broker after the other.
    async fn find_leader(&self) -> Result<(Connection, i32), ProduceError> {
        let mut last = None;
        for broker in &self.options.brokers {
            match self.ask(broker).await {
                Ok(leader) => return Ok(leader),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| ProduceError::Network {
            broker: self.options.topic.clone(),
            problem: "there are no brokers".to_owned(),
        }))
    }

    async fn ask(&self, broker: &str) -> Result<(Connection, i32), ProduceError> {
        let options = &self.options;
        let mut connection = self.connect(broker.to_owned()).await?;
        let head = connection.next_head(&options.client_id);
        let request = metadata_request(head, &options.topic);
        let answer = connection.exchange(&request).await?;
        let metadata = read_metadata(head, &answer);
        let metadata = metadata.map_err(|problem| connection.protocol(problem))?;
        let (leader, partition) = self.leader_in(&metadata)?;
        if leader == connection.broker {
            return Ok((connection, partition));
        }
        Ok((self.connect(leader).await?, partition))
    }

    /// `HOST:PORT` of the leader of the key's partition, and that.
    fn leader_in(&self, metadata: &Metadata) -> Result<(String, i32), ProduceError> {
        let fail = |code| ProduceError::Topic {
            topic: self.options.topic.clone(),
            code,
        };
        if metadata.error != ErrorCode::NONE {
            return Err(fail(metadata.error));
        }
        let mut partitions = metadata.partitions.clone();
        partitions.sort_by_key(|partition| partition.index);
        let place = partition_of(self.options.key.as_bytes(), partitions.len());
        let chosen = partitions.get(place);
        let chosen = chosen.ok_or_else(|| fail(ErrorCode::UNKNOWN_TOPIC))?;
        let mut brokers = metadata.brokers.iter();
        match brokers.find(|broker| broker.id == chosen.leader) {
            Some(broker) if broker.host.contains(':') => {
                Ok((format!("[{}]:{}", broker.host, broker.port), chosen.index))
            }
            Some(broker) => Ok((format!("{}:{}", broker.host, broker.port), chosen.index)),
            None if chosen.error != ErrorCode::NONE => Err(fail(chosen.error)),
            None => Err(fail(ErrorCode(5))),
        }
    }

    async fn connect(&self, broker: String) -> Result<Connection, ProduceError> {
        let opened = tokio::time::timeout(CONNECT_TIMEOUT, self.open(&broker)).await;
        let stream = match opened {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                return Err(ProduceError::Network {
                    broker,
                    problem: error.to_string(),
                });
            }
            Err(_) => {
                return Err(ProduceError::Timeout {
                    broker,
                    limit: CONNECT_TIMEOUT,
                });
            }
        };
        Ok(Connection {
            broker,
            stream,
            correlation: 0,
        })
    }

    async fn open(&self, broker: &str) -> io::Result<Box<dyn Stream>> {
        let (host, port) = host_and_port(broker)?;
        let stream = match self.options.overrides.get(host, port) {
            Some(address) => TcpStream::connect(address).await?,
            None => TcpStream::connect((host, port)).await?,
        };
        stream.set_nodelay(true)?;
        let Some(tls) = &self.options.tls else {
            return Ok(Box::new(stream));
        };
        let name = tls.server_name.clone().unwrap_or_else(|| host.to_owned());
        // Files are read for each connection, so that they may change.
        let tls = tls.clone();
        let config = tokio::task::spawn_blocking(move || client_config(&tls))
            .await
            .map_err(io::Error::other)?
            .map_err(io::Error::other)?;
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let connector = TlsConnector::from(std::sync::Arc::new(config));
        Ok(Box::new(connector.connect(name, stream).await?))
    }
}

impl Connection {
    fn next_head<'a>(&mut self, client_id: &'a str) -> RequestHead<'a> {
        self.correlation = self.correlation.wrapping_add(1);
        RequestHead {
            correlation: self.correlation,
            client_id,
        }
    }

    fn protocol(&self, problem: KafkaError) -> ProduceError {
        ProduceError::Protocol {
            broker: self.broker.clone(),
            problem,
        }
    }

    fn refused(&self, code: ErrorCode) -> ProduceError {
        ProduceError::Broker {
            broker: self.broker.clone(),
            code,
        }
    }

    async fn ask_identity(&mut self, client_id: &str) -> Result<Sequence, ProduceError> {
        let head = self.next_head(client_id);
        let answer = self.exchange(&identity_request(head)).await?;
        match read_identity(head, &answer) {
            Ok(Ok(sequence)) => Ok(sequence),
            Ok(Err(code)) => Err(self.refused(code)),
            Err(problem) => Err(self.protocol(problem)),
        }
    }

    async fn write(&mut self, request: &[u8]) -> Result<(), ProduceError> {
        let stream = &mut self.stream;
        let written = async {
            stream.write_all(request).await?;
            stream.flush().await
        };
        let written = tokio::time::timeout(EXCHANGE_TIMEOUT, written).await;
        self.within(written)
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>, ProduceError> {
        let stream = &mut self.stream;
        let exchanged = async {
            stream.write_all(request).await?;
            stream.flush().await?;
            let length = usize::try_from(stream.read_i32().await?).unwrap_or(usize::MAX);
            if length > ANSWER_BYTES_MAX {
                let problem =
                    format!("it answers with {length} bytes; does it speak Kafka, or TLS?");
                return Err(io::Error::other(problem));
            }
            let mut answer = Vec::new();
            // It grows with what comes in, not with what is claimed.
            let mut rest = stream.take(u64::try_from(length).unwrap_or(0));
            rest.read_to_end(&mut answer).await?;
            if answer.len() < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(answer)
        };
        let exchanged = tokio::time::timeout(EXCHANGE_TIMEOUT, exchanged).await;
        self.within(exchanged)
    }

    fn within<T>(
        &self,
        outcome: Result<io::Result<T>, tokio::time::error::Elapsed>,
    ) -> Result<T, ProduceError> {
        let broker = self.broker.clone();
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(ProduceError::Network {
                broker,
                problem: error.to_string(),
            }),
            Err(_) => Err(ProduceError::Timeout {
                broker,
                limit: EXCHANGE_TIMEOUT,
            }),
        }
    }
}

/// Without a port it is Kafka's usual one.
fn host_and_port(broker: &str) -> io::Result<(&str, u16)> {
    let (host, port) = match broker.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (broker, None),
    };
    let port = match port {
        Some(port) => port.parse().map_err(|_| {
            io::Error::other(format!(
                "the port of {broker:?} is not a number up to 65535"
            ))
        })?,
        None => PORT,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use testkit::kafka::{Behaviour, Broker, Produced};

    use super::*;

    #[test]
    fn brokers_have_hosts_and_ports() {
        for (broker, host, port) in [
            ("kafka:19092", "kafka", 19092),
            ("kafka", "kafka", 9092),
            ("[::1]:19092", "::1", 19092),
            ("::1", "::1", 9092),
        ] {
            assert_eq!(host_and_port(broker).unwrap(), (host, port));
        }
        assert!(host_and_port("kafka:port").is_err());
    }

    fn producer(brokers: &[&str], acks: Acks) -> Producer {
        let options = ProducerOptions {
            brokers: brokers.iter().map(|broker| (*broker).to_owned()).collect(),
            client_id: "am".to_owned(),
            topic: "events".to_owned(),
            key: "host".to_owned(),
            acks,
            compression: Compression::None,
            tls: None,
            overrides: Overrides::default(),
        };
        Producer::new(options).unwrap()
    }

    fn values(broker: &Broker) -> Vec<String> {
        let produced = broker.produced().into_iter();
        let text = |one: Produced| String::from_utf8(one.value).unwrap();
        produced.map(text).collect()
    }

    #[tokio::test]
    async fn records_arrive_in_the_partition_of_their_key() {
        let broker = Broker::start("events", Behaviour::default());
        // Nobody listens at the first.
        let mut producer = producer(&["127.0.0.1:1", broker.address()], Acks::All);
        producer.send(&[b"1", b"2"], 5).await.unwrap();
        producer.send(&[b"3"], 5).await.unwrap();
        assert_eq!(values(&broker), ["1", "2", "3"]);
        let partition = i32::try_from(partition_of(b"host", 3)).unwrap();
        for one in broker.produced() {
            assert_eq!((one.partition, one.acks), (partition, -1));
            assert_eq!(one.key, b"host");
        }
        let sequences = broker.produced().into_iter().map(|one| one.sequence);
        assert_eq!(sequences.collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[tokio::test]
    async fn what_is_refused_is_told_and_the_leader_looked_for_anew() {
        let refuses = vec![6, 10];
        let behaviour = Behaviour {
            refuses,
            ..Behaviour::default()
        };
        let broker = Broker::start("events", behaviour);
        let mut producer = producer(&[broker.address()], Acks::Leader);
        let moved = producer.send(&[b"1"], 5).await.unwrap_err();
        assert!(moved.is_retriable());
        let expected = format!("{}: NOT_LEADER_OR_FOLLOWER", broker.address());
        assert_eq!(moved.to_string(), expected);
        let too_large = producer.send(&[b"1"], 5).await.unwrap_err();
        assert!(!too_large.is_retriable() && !too_large.is_unknown_topic());
        producer.send(&[b"1"], 5).await.unwrap();
        assert_eq!(values(&broker), ["1"]);
    }

    #[tokio::test]
    async fn a_broker_that_has_forgotten_the_producer_makes_it_begin_anew() {
        // Taken, there already, forgotten, taken.
        let behaviour = Behaviour {
            refuses: vec![0, 46, 59],
            ..Behaviour::default()
        };
        let broker = Broker::start("events", behaviour);
        let mut producer = producer(&[broker.address()], Acks::All);
        producer.send(&[b"1"], 5).await.unwrap();
        producer.send(&[b"2"], 5).await.unwrap();
        let forgotten = producer.send(&[b"3"], 5).await.unwrap_err();
        assert!(forgotten.is_retriable());
        producer.send(&[b"3"], 5).await.unwrap();
        let sequences = broker.produced().into_iter().map(|one| one.sequence);
        assert_eq!(sequences.collect::<Vec<_>>(), [0, 0]);
    }

    #[tokio::test]
    async fn a_broker_that_hangs_up_and_a_topic_that_is_not_there() {
        let behaviour = Behaviour {
            hangs_up: 1,
            ..Behaviour::default()
        };
        let broker = Broker::start("other", behaviour);
        let mut producer = producer(&[broker.address()], Acks::Leader);
        let gone = producer.send(&[b"1"], 5).await.unwrap_err();
        assert!(matches!(gone, ProduceError::Network { .. }), "{gone}");
        let unknown = producer.send(&[b"1"], 5).await.unwrap_err();
        assert!(
            unknown.is_unknown_topic() && unknown.is_retriable(),
            "{unknown}"
        );
    }

    #[tokio::test]
    async fn without_acknowledgements_nobody_waits_for_an_answer() {
        let broker = Broker::start("events", Behaviour::default());
        let mut producer = producer(&[broker.address()], Acks::None);
        producer.send(&[b"1"], 5).await.unwrap();
        producer.send(&[b"2"], 5).await.unwrap();
        let arrived = async {
            while values(&broker) != ["1", "2"] {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let bound = Duration::from_secs(60);
        tokio::time::timeout(bound, arrived).await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_of_something_else_is_bounded() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n")
                .await
                .unwrap();
            // Until the other side has had enough.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
        let mut producer = producer(&[&address], Acks::Leader);
        let error = producer.send(&[b"1"], 5).await.unwrap_err().to_string();
        assert!(error.contains("does it speak Kafka"), "{error}");
    }
}
