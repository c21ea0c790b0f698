//! Small meshes in memory: every packet arrives, or does not, as the test says.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::wire::StreamMessage;
use crate::wire::packet::Checksum;

fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, number], 9094))
}

fn config(number: u8) -> Config {
    Config {
        name: format!("node-{number}"),
        address: address(number),
        label: String::new(),
        gossip_interval: Duration::from_millis(200),
        fanout: 3,
        push_pull_interval: Duration::from_secs(60),
        probe_interval: Duration::from_secs(1),
        probe_timeout: Duration::from_millis(500),
        seed: u64::from(number),
    }
}

/// Members by number; what goes out is delivered at once unless it is cut off.
struct Mesh {
    now: Duration,
    members: BTreeMap<u8, Swim>,
    /// Directions in which nothing arrives.
    cut: Vec<(u8, u8)>,
    packets_cut: Vec<(u8, u8)>,
    events: BTreeMap<u8, Vec<Event>>,
    messages: BTreeMap<u8, Vec<Vec<u8>>>,
}

impl Mesh {
    /// All of them joined by way of the first.
    fn of(count: u8) -> Self {
        let mut mesh = Self {
            now: Duration::ZERO,
            members: (1..=count)
                .map(|number| (number, Swim::new(config(number), Duration::ZERO)))
                .collect(),
            cut: Vec::new(),
            packets_cut: Vec::new(),
            events: BTreeMap::new(),
            messages: BTreeMap::new(),
        };
        for number in 2..=count {
            mesh.exchange(number, 1);
        }
        mesh.run(2);
        mesh
    }

    fn step(&mut self, number: u8, input: Input) {
        let now = self.now;
        let Some(member) = self.members.get_mut(&number) else {
            return;
        };
        for action in member.step(now, input) {
            self.act(number, action);
        }
    }

    fn act(&mut self, from: u8, action: Action) {
        let number_of = |to: SocketAddr| match to {
            SocketAddr::V4(to) => to.ip().octets()[3],
            SocketAddr::V6(_) => 0,
        };
        match action {
            Action::SendPacket { to, bytes } => {
                let link = (from, number_of(to));
                assert!(bytes.len() <= PACKET_BYTES_MAX + 5);
                if !self.cut.contains(&link) && !self.packets_cut.contains(&link) {
                    let from = address(from);
                    self.step(link.1, Input::Packet { from, bytes });
                }
            }
            Action::StreamPing { to, ping, .. } => {
                let to = number_of(to);
                let answer = self
                    .members
                    .get(&to)
                    .and_then(|member| member.stream_answer(&ping));
                if let Some(sequence) = answer.filter(|_| !self.cut.contains(&(from, to))) {
                    self.step(from, Input::StreamPong { sequence });
                }
            }
            Action::PushPull { to } => self.exchange(from, number_of(to)),
            Action::UserMessage(bytes) => self.messages.entry(from).or_default().push(bytes),
            Action::Event(event) => self.events.entry(from).or_default().push(event),
        }
    }

    fn exchange(&mut self, from: u8, to: u8) {
        if self.cut.contains(&(from, to)) || !self.members.contains_key(&to) {
            return;
        }
        let ours = self.members[&from].state();
        let theirs = self.members[&to].state();
        self.step(to, Input::State(ours));
        self.step(from, Input::State(theirs));
    }

    fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        loop {
            let next = self
                .members
                .iter()
                .map(|(number, swim)| (swim.wake_at(), *number));
            let Some((at, number)) = next.min().filter(|(at, _)| *at <= end) else {
                break;
            };
            self.now = self.now.max(at);
            self.step(number, Input::Tick);
        }
        self.now = end;
    }

    fn alive_at(&self, number: u8) -> Vec<String> {
        let nodes = self.members[&number].alive_members();
        nodes.map(|node| node.name.clone()).collect()
    }

    fn kill(&mut self, number: u8) {
        self.members.remove(&number);
    }

    fn has_seen(&self, number: u8, is_wanted: impl Fn(&Event) -> bool) -> bool {
        self.events
            .get(&number)
            .is_some_and(|events| events.iter().any(is_wanted))
    }
}

#[test]
fn everybody_hears_of_everybody() {
    let mesh = Mesh::of(5);
    let all = ["node-1", "node-2", "node-3", "node-4", "node-5"];
    for number in 1..=5 {
        assert_eq!(mesh.alive_at(number), all);
        assert_eq!(mesh.members[&number].position(), usize::from(number) - 1);
        assert_eq!(mesh.members[&number].health_score(), 0);
    }
}

#[test]
fn the_killed_are_noticed_and_come_back() {
    let mut mesh = Mesh::of(3);
    mesh.kill(3);
    mesh.run(12);
    assert_eq!(mesh.alive_at(1), ["node-1", "node-2"]);
    assert_eq!(mesh.alive_at(2), ["node-1", "node-2"]);
    assert!(mesh.has_seen(
        1,
        |event| matches!(event, Event::Gone(node) if node.name == "node-3")
    ));
    // It starts anew, under the same name and with the first incarnation, which nobody believes until it objects.
    mesh.members.insert(3, Swim::new(config(3), mesh.now));
    mesh.exchange(3, 1);
    mesh.run(3);
    for number in 1..=3 {
        assert_eq!(mesh.alive_at(number).len(), 3, "at {number}");
    }
    assert!(mesh.has_seen(3, |event| *event == Event::Refuted));
}

#[test]
fn who_leaves_is_gone_at_once() {
    let mut mesh = Mesh::of(3);
    mesh.step(2, Input::Leave);
    for number in [1, 3] {
        assert_eq!(mesh.alive_at(number), ["node-1", "node-3"]);
    }
    // What was said about it before does not bring it back, not even to itself.
    mesh.run(5);
    assert_eq!(mesh.alive_at(2), ["node-1", "node-3"]);
}

#[test]
fn others_answer_for_one_that_we_do_not_reach() {
    let mut mesh = Mesh::of(3);
    mesh.cut = vec![(1, 2), (2, 1)];
    mesh.run(60);
    assert_eq!(mesh.alive_at(1).len(), 3);
    assert_eq!(mesh.alive_at(2).len(), 3);
    assert!(!mesh.has_seen(1, |event| matches!(event, Event::Suspected { .. })));
}

#[test]
fn a_stream_is_a_sign_of_life() {
    let mut mesh = Mesh::of(2);
    mesh.packets_cut = vec![(1, 2), (2, 1)];
    mesh.run(60);
    assert_eq!(mesh.alive_at(1).len(), 2);
}

#[test]
fn both_sides_of_a_cut_go_on_and_find_together() {
    let mut mesh = Mesh::of(4);
    for one in [1, 2] {
        for other in [3, 4] {
            mesh.cut.extend([(one, other), (other, one)]);
        }
    }
    mesh.run(40);
    assert_eq!(mesh.alive_at(1), ["node-1", "node-2"]);
    assert_eq!(mesh.alive_at(4), ["node-3", "node-4"]);
    mesh.cut.clear();
    mesh.exchange(1, 3);
    mesh.run(5);
    for number in 1..=4 {
        assert_eq!(mesh.alive_at(number).len(), 4, "at {number}");
    }
}

#[test]
fn news_reach_everybody_at_once() {
    let mut mesh = Mesh::of(5);
    mesh.step(4, Input::Broadcast(b"news".to_vec()));
    mesh.run(1);
    for number in [1, 2, 3, 5] {
        let heard = mesh
            .messages
            .get(&number)
            .is_some_and(|all| all.contains(&b"news".to_vec()));
        assert!(heard, "at {number}");
    }
    let sent = |mesh: &Mesh| mesh.messages.values().map(Vec::len).sum::<usize>();
    let before = sent(&mesh);
    mesh.run(60);
    assert!(before <= 12 && sent(&mesh) <= 12, "it ends");
}

#[test]
fn names_are_not_taken_over() {
    let mut mesh = Mesh::of(2);
    let mut impostor = config(2);
    impostor.address = address(9);
    let impostor = Swim::new(impostor, mesh.now);
    mesh.step(1, Input::State(impostor.state()));
    assert!(mesh.has_seen(
        1,
        |event| matches!(event, Event::Conflict { name, .. } if name == "node-2")
    ));
    let node = mesh.members[&1].alive_members().last().unwrap();
    assert_eq!(node.address, address(2));
}

#[test]
fn members_of_other_protocols_are_not_let_in() {
    let mut mesh = Mesh::of(2);
    let mut state = Swim::new(config(7), Duration::ZERO).state();
    state[0].node.versions = Some([3, 5, 3, 0, 0, 0]);
    mesh.step(1, Input::State(state.clone()));
    assert!(mesh.has_seen(1, |event| matches!(event, Event::MemberRefused { .. })));
    state[0].node.versions = None;
    mesh.step(1, Input::State(state));
    assert_eq!(mesh.alive_at(1).len(), 2);
}

#[test]
fn floods_are_bounded() {
    let mut mesh = Mesh::of(1);
    let template = Swim::new(config(7), Duration::ZERO).state().remove(0);
    for number in 0..3000 {
        let mut stranger = template.clone();
        stranger.node.name = format!("stranger-{number}");
        mesh.step(1, Input::State(vec![stranger]));
    }
    assert_eq!(mesh.members[&1].state().len(), 1024);
    for _ in 0..5000 {
        mesh.step(1, Input::Broadcast(vec![1]));
    }
    assert!(mesh.members[&1].queued() <= 4096);
}

#[test]
fn the_same_seed_gives_the_same_actions() {
    let run = || {
        let mut swim = Swim::new(config(1), Duration::ZERO);
        let mut all = swim.step(
            Duration::ZERO,
            Input::State(Mesh::of(4).members[&2].state()),
        );
        for _ in 0..200 {
            let at = swim.wake_at();
            all.extend(swim.step(at, Input::Tick));
        }
        all
    };
    let first = run();
    assert!(first.len() > 20);
    assert_eq!(first, run());
}

#[test]
fn states_survive_the_wire() {
    let mesh = Mesh::of(3);
    let message = StreamMessage::State {
        members: mesh.members[&1].state(),
        is_join: false,
        user: Vec::new(),
    };
    let read = crate::wire::StreamDecoder::for_incoming("x").push(&message.encode("x"));
    assert_eq!(read, Ok(Some(message)));
}

/// What a hostile member may say: about members that there are and others, with numbers at the edges.
fn hostile_message() -> impl Strategy<Value = Message> {
    let node = prop_oneof![
        (1u8..5).prop_map(|number| format!("node-{number}")),
        "[a-z]{0,3}",
        Just("x".repeat(255)),
    ];
    let number = || prop_oneof![Just(0), Just(1), Just(u32::MAX), any::<u32>()];
    let at = || (0u8..6).prop_map(address);
    let versions = prop::option::of(prop_oneof![
        Just(VERSIONS),
        any::<[u8; 6]>(),
        Just([1, 255, 0, 0, 0, 0])
    ]);
    let meta = prop::option::of(prop::collection::vec(any::<u8>(), 0..3));
    (
        (0u8..8, number(), node.clone(), node),
        (at(), prop::option::of(at()), any::<bool>(), versions, meta),
    )
        .prop_map(
            |((kind, number, node, from), (to, source, wants_nack, versions, meta))| match kind {
                0 => Message::Ping(Ping {
                    sequence: number,
                    node,
                    source,
                    source_node: from,
                }),
                1 => Message::IndirectPing(crate::wire::IndirectPing {
                    sequence: number,
                    target: to,
                    node,
                    wants_nack,
                    source,
                    source_node: from,
                }),
                2 => Message::Ack { sequence: number },
                3 => Message::Nack { sequence: number },
                4 => Message::Suspect(Suspect {
                    incarnation: number,
                    node,
                    from,
                }),
                5 => Message::Dead(crate::wire::Dead {
                    incarnation: number,
                    node,
                    from,
                }),
                6 => Message::User(node.into_bytes()),
                _ => Message::Alive(NodeState {
                    name: node,
                    address: to,
                    meta,
                    incarnation: number,
                    versions,
                }),
            },
        )
}

proptest! {
    /// Whatever comes in, a step ends, asks for little, and is followed by a pause; who is hostile is not obeyed in
    /// what concerns ourselves.
    #[test]
    fn hostile_members_are_survived(
        inputs in prop::collection::vec(
            (0u64..5000, prop::collection::vec(hostile_message(), 1..4), any::<bool>()),
            1..60,
        ),
    ) {
        let mut swim = Swim::new(config(1), Duration::ZERO);
        let joined = Mesh::of(3).members[&2].state();
        swim.step(Duration::ZERO, Input::State(joined));
        let mut now = Duration::ZERO;
        for (pause_ms, messages, is_packet) in inputs {
            now += Duration::from_millis(pause_ms);
            let input = if is_packet {
                let encoded: Vec<_> = messages.iter().map(Message::encode).collect();
                let bytes = crate::wire::packet::compound(&encoded);
                let bytes = crate::wire::seal_packet(bytes, Checksum::Written, "");
                Input::Packet { from: address(9), bytes }
            } else {
                let kinds = [StateKind::Alive, StateKind::Suspect, StateKind::Dead, StateKind::Left];
                let nodes = messages.into_iter().enumerate().filter_map(|(number, message)| {
                    let Message::Alive(node) = message else { return None };
                    Some(MemberState { node, state: kinds[number % 4] })
                });
                Input::State(nodes.collect())
            };
            let actions = swim.step(now, input);
            prop_assert!(actions.len() < 64, "{actions:?}");
            for action in &actions {
                if let Action::SendPacket { bytes, .. } = action {
                    prop_assert!(bytes.len() <= PACKET_BYTES_MAX + 5, "{}", bytes.len());
                }
            }
            prop_assert!(swim.wake_at() > now, "{:?} at {now:?}", swim.wake_at());
            let me = swim.alive_members().find(|node| node.name == "node-1");
            prop_assert_eq!(me.map(|node| node.address), Some(address(1)));
        }
    }
}
