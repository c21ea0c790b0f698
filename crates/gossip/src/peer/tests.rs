//! What a peer does beside membership.

use proptest::prelude::*;

use super::*;
use crate::wire::StateKind;

fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number], 9094))
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn peer(peers: &[SocketAddr]) -> (Peer, Vec<Action>) {
    let swim = swim::Config {
        name: "b".to_owned(),
        address: address(1),
        label: String::new(),
        gossip_interval: Duration::from_millis(200),
        fanout: 3,
        push_pull_interval: seconds(60),
        probe_interval: seconds(1),
        probe_timeout: Duration::from_millis(500),
        seed: 1,
    };
    let config = PeerConfig {
        swim,
        reconnect_interval: seconds(10),
        reconnect_timeout: seconds(3600),
        settle_timeout: seconds(60),
    };
    let mut peer = Peer::new(config, Duration::ZERO);
    let actions = peer.step(Duration::ZERO, Input::Joining(peers.to_vec()));
    (peer, actions)
}

fn state_of(name: &str, number: u8, state: StateKind) -> Input {
    Input::State {
        members: vec![MemberState {
            node: NodeState {
                name: name.to_owned(),
                address: address(number),
                meta: None,
                incarnation: 1,
                versions: Some(crate::wire::message::VERSIONS),
            },
            state,
        }],
        user: Vec::new(),
    }
}

fn exchanges(actions: &[Action]) -> Vec<(SocketAddr, Purpose)> {
    let exchange = |action: &Action| match action {
        Action::Exchange { to, purpose } => Some((*to, *purpose)),
        _ => None,
    };
    actions.iter().filter_map(exchange).collect()
}

/// Everything that is done until then.
fn run(peer: &mut Peer, until: Duration) -> Vec<(Duration, Action)> {
    let mut all = Vec::new();
    while peer.wake_at() <= until {
        let now = peer.wake_at();
        all.extend(
            peer.step(now, Input::Tick)
                .into_iter()
                .map(|action| (now, action)),
        );
    }
    all
}

#[test]
fn peers_are_joined_and_tried_again_until_they_are_there() {
    let (mut peer, actions) = peer(&[address(2), address(1), address(3), address(2)]);
    assert_eq!(
        exchanges(&actions),
        [(address(2), Purpose::Join), (address(3), Purpose::Join)]
    );
    assert_eq!(peer.lost_count(), 2);
    peer.step(seconds(1), state_of("a", 2, StateKind::Alive));
    assert_eq!((peer.lost_count(), peer.position()), (1, 1));
    let tried: Vec<Duration> = run(&mut peer, seconds(3601))
        .into_iter()
        .filter(|(_, action)| {
            exchanges(std::slice::from_ref(action)).contains(&(address(3), Purpose::Reconnect))
        })
        .map(|(at, _)| at)
        .collect();
    assert_eq!(tried[..2], [seconds(10), seconds(20)]);
    // Nobody answers in this test, so that the other is lost too; the one is given up after an hour.
    assert!(tried.last().unwrap() <= &seconds(3600));
    assert_eq!(peer.lost.keys().collect::<Vec<_>>(), [&address(2)]);
}

#[test]
fn names_are_looked_up_and_new_addresses_joined() {
    let (mut peer, _) = peer(&[]);
    let resolves = run(&mut peer, seconds(31));
    let resolves = resolves
        .iter()
        .filter(|(_, action)| *action == Action::Resolve);
    assert_eq!(
        resolves.map(|(at, _)| *at).collect::<Vec<_>>(),
        [seconds(15), seconds(30)]
    );
    peer.step(seconds(31), state_of("a", 2, StateKind::Alive));
    let found = vec![address(1), address(2), address(4)];
    let actions = peer.step(seconds(31), Input::Resolved(found));
    assert_eq!(exchanges(&actions), [(address(4), Purpose::Refresh)]);
}

#[test]
fn who_was_started_anew_is_not_lost() {
    let (mut peer, _) = peer(&[]);
    peer.step(seconds(1), state_of("a", 2, StateKind::Alive));
    // The same address under another name, then the old name says good-bye.
    peer.step(seconds(2), state_of("c", 2, StateKind::Alive));
    peer.step(seconds(3), state_of("a", 2, StateKind::Left));
    assert_eq!(peer.lost_count(), 0);
    peer.step(seconds(4), state_of("c", 2, StateKind::Left));
    assert_eq!(peer.lost_count(), 1);
}

#[test]
fn long_news_go_over_streams() {
    let (mut peer, _) = peer(&[]);
    peer.step(seconds(1), state_of("a", 2, StateKind::Alive));
    let news = |length: usize| Part {
        key: "sil".to_owned(),
        data: vec![7; length],
    };
    // Six bytes are for the key and the lengths.
    assert!(!Peer::is_oversized(&news(692)) && Peer::is_oversized(&news(693)));
    let actions = peer.step(seconds(2), Input::Broadcast(news(692)));
    assert!(
        !actions
            .iter()
            .any(|action| matches!(action, Action::SendMessage { .. }))
    );
    let actions = peer.step(seconds(2), Input::Broadcast(news(693)));
    let sent = Action::SendMessage {
        to: address(2),
        key: "sil".to_owned(),
        bytes: news(693).encode(),
    };
    assert!(actions.contains(&sent));
}

#[test]
fn states_and_news_are_handed_on() {
    let (mut peer, _) = peer(&[]);
    let part = Part {
        key: "nfl".to_owned(),
        data: vec![1],
    };
    let actions = peer.step(seconds(1), Input::StreamMessage(part.encode()));
    let merge = Action::Merge {
        part: part.clone(),
        source: Source::News,
    };
    assert!(actions.contains(&merge));
    let user = encode_state(std::slice::from_ref(&part));
    let members = Vec::new();
    let actions = peer.step(seconds(1), Input::State { members, user });
    let source = Source::State;
    assert!(actions.contains(&Action::Merge { part, source }));
    let actions = peer.step(seconds(1), Input::StreamMessage(vec![0xff]));
    assert!(matches!(actions[1], Action::Event(Event::Unreadable(_))));
}

#[test]
fn it_settles_alone_and_says_so_once() {
    let (mut peer, _) = peer(&[]);
    assert!(!peer.is_settled());
    let settled = run(&mut peer, seconds(120));
    let settled: Vec<_> = settled
        .into_iter()
        .filter(|(_, action)| matches!(action, Action::Settled(_)))
        .collect();
    assert_eq!(settled, [(seconds(10), Action::Settled(Settled::Yes))]);
    assert!(peer.is_settled());
}

proptest! {
    /// Bytes of members are merged or said to be unreadable, and what is merged is no longer than what came.
    #[test]
    fn hostile_news_and_states_are_survived(
        key in "[a-z]{0,4}",
        data in prop::collection::vec(any::<u8>(), 0..200),
        change in any::<(prop::sample::Index, u8)>(),
        is_whole in any::<bool>(),
    ) {
        let (mut peer, _) = peer(&[]);
        let part = Part { key, data };
        for is_state in [true, false] {
            let mut bytes = if is_state {
                encode_state(&[part.clone(), part.clone()])
            } else {
                part.encode()
            };
            if !is_whole && !bytes.is_empty() {
                let at = change.0.index(bytes.len());
                bytes[at] = change.1;
            }
            let length = bytes.len();
            let input = if is_state {
                Input::State { members: Vec::new(), user: bytes }
            } else {
                Input::StreamMessage(bytes)
            };
            let actions = peer.step(Duration::ZERO, input);
            let merged: Vec<&Part> = actions.iter().filter_map(|action| match action {
                Action::Merge { part, .. } => Some(part),
                _ => None,
            }).collect();
            let bytes: usize = merged.iter().map(|part| part.key.len() + part.data.len()).sum();
            prop_assert!(bytes <= length);
            let is_unreadable = actions
                .iter()
                .any(|action| matches!(action, Action::Event(Event::Unreadable(_))));
            prop_assert!(!(is_unreadable && is_whole));
            if is_whole {
                prop_assert!(merged.iter().all(|found| **found == part));
                prop_assert_eq!(merged.len(), if is_state { 2 } else { 1 });
            }
        }
    }
}
