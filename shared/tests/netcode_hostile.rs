//! Datagrams from people who mean no good.

mod netcode_net;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use netcode_net::*;
use proptest::prelude::*;
use tidelock::netcode::{
    Cipher, Client, ClientState, ConnectToken, DropReason, Key, PACKET_BYTES_MAX, ServerConfig, ServerEvent, Slot,
    TOKEN_BYTES,
};

/// Every step of a connection, each as it is in the moment before a genuine packet arrives.
fn genuine_packets(mut on_packet: impl FnMut(&mut Net, &Datagram)) {
    let mut config = config(2);
    (config.token_opens_burst, config.token_failures_per_address_per_s) = (100_000, 100_000);
    let mut net = Net::with(config);
    let client = net.add(token(1));
    let mut carried = 0;
    (net.lose_to_server, net.lose_to_clients) = (true, true);
    for round in 0..8 {
        net.transmit_client(client);
        net.transmit_server();
        if round == 6 {
            net.send_to_server(client, b"to the server");
            net.send_to_client(Slot(0), b"to the client");
        }
        if round == 7 {
            net.server.disconnect(Slot(0));
            net.transmit_server();
            net.sent.truncate(net.sent.len() - 9);
        }
        for datagram in std::mem::take(&mut net.sent) {
            on_packet(&mut net, &datagram);
            let (refused, client_refused) = (net.server.drops().total(), net.clients[client].drops().total());
            if datagram.to == SERVER {
                net.deliver_to_server(&datagram);
            } else {
                net.deliver_to_client(&datagram);
            }
            carried += 1;
            assert_eq!(refused, net.server.drops().total(), "packet {carried} is good");
            assert_eq!(client_refused, net.clients[client].drops().total(), "packet {carried} is good");
        }
        net.now += Duration::from_millis(10);
    }
    assert_eq!(carried, 8);
    assert!(matches!(net.clients[client].state(), ClientState::Disconnected(_)));
}

/// Delivers bytes that must change nothing, and count once.
fn assert_refused(net: &mut Net, datagram: &Datagram, bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    if datagram.to == SERVER {
        let refused = net.server.drops().total();
        let event = net.server.handle_datagram(datagram.from, &mut bytes, net.now, START_UNIX_S);
        assert!(matches!(event, ServerEvent::Dropped(_)), "{event:?}");
        assert_eq!(net.server.drops().total(), refused + 1);
    } else {
        let (refused, state) = (net.clients[0].drops().total(), net.clients[0].state());
        assert_eq!(net.clients[0].handle_datagram(datagram.from, &mut bytes, net.now), None);
        assert_eq!(net.clients[0].drops().total(), refused + 1);
        assert_eq!(net.clients[0].state(), state);
    }
}

#[test]
fn no_truncation_of_a_genuine_packet_is_accepted() {
    genuine_packets(|net, datagram| {
        for len in 0..datagram.bytes.len() {
            assert_refused(net, datagram, &datagram.bytes[..len]);
        }
    });
}

#[test]
fn no_flipped_bit_of_a_genuine_packet_is_accepted() {
    genuine_packets(|net, datagram| {
        for bit in 0..datagram.bytes.len() * 8 {
            let mut bytes = datagram.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_refused(net, datagram, &bytes);
        }
    });
}

#[test]
fn no_extension_of_a_genuine_packet_is_accepted() {
    genuine_packets(|net, datagram| {
        for extra in [1, 2, 16, 100] {
            let mut bytes = datagram.bytes.clone();
            bytes.resize(bytes.len() + extra, 0);
            assert_refused(net, datagram, &bytes);
        }
    });
}

#[test]
fn no_genuine_packet_is_accepted_from_another_address() {
    let stranger = SocketAddr::from(([66, 66, 66, 66], 66));
    genuine_packets(|net, datagram| {
        let is_request = datagram.bytes[0] == 0;
        if !is_request {
            assert_refused(net, &Datagram { from: stranger, ..datagram.clone() }, &datagram.bytes);
        }
    });
}

#[test]
fn no_packet_is_accepted_by_the_end_that_sent_it() {
    genuine_packets(|net, datagram| {
        let back = Datagram { from: datagram.to, to: datagram.from, bytes: datagram.bytes.clone() };
        assert_refused(net, &back, &datagram.bytes);
    });
}

#[test]
fn a_replayed_packet_is_refused() {
    let mut net = Net::new(1);
    let client = net.connect(1);
    net.sent.clear();
    for i in 0..50u8 {
        net.send_to_server(client, &[i]);
        net.send_to_client(Slot(0), &[i]);
    }
    assert_eq!((net.payloads().len(), net.received[client].len()), (50, 50));
    for datagram in net.sent.clone() {
        net.deliver_to_server(&Datagram { to: SERVER, ..datagram.clone() });
        net.deliver_to_client(&datagram);
    }
    assert_eq!((net.payloads().len(), net.received[client].len()), (50, 50));
    assert_eq!(net.server.drops().of(DropReason::Replayed), 50);
    assert_eq!(net.clients[client].drops().of(DropReason::Replayed), 50);
}

#[test]
fn late_packets_are_accepted_once_in_any_order() {
    let mut net = Net::new(1);
    let client = net.connect(1);
    net.lose_to_server = true;
    net.sent.clear();
    for i in 0..50u8 {
        net.send_to_server(client, &[i]);
    }
    let mut late = net.sent.clone();
    late.reverse();
    for datagram in late.iter().chain(&late) {
        net.deliver_to_server(datagram);
    }
    assert_eq!(net.payloads().len(), 50);
}

#[test]
fn a_replayed_handshake_gives_no_slot() {
    let mut net = Net::new(4);
    let client = net.connect(1);
    let handshake = net.sent.clone();
    net.clients[client].disconnect();
    net.run(100);
    assert_eq!(net.server.clients(), 0);
    net.sent.clear();
    for datagram in handshake.iter().filter(|datagram| datagram.to == SERVER) {
        net.deliver_to_server(datagram);
        net.deliver_to_server(&Datagram { from: client_address(7), ..datagram.clone() });
    }
    net.run(100);
    assert_eq!(net.server.clients(), 0);
    assert!(net.sent.is_empty(), "and no answer");
}

#[test]
fn a_token_makes_one_connection_though_its_endpoint_has_two_addresses() {
    let mut net = Net::new(2);
    net.lose_to_server = true;
    let client = net.add(token(1));
    let shown = SocketAddr::new("::ffff:20.0.0.0".parse().unwrap(), 5000);
    assert_eq!(shown.ip().to_canonical(), net.addresses[client].ip());
    for is_last in [false, true] {
        net.transmit_client(client);
        let datagram = net.sent.pop().unwrap();
        net.deliver_to_server(&Datagram { from: shown, ..datagram.clone() });
        if is_last {
            assert_refused(&mut net, &datagram, &datagram.bytes);
            assert_eq!((net.server.clients(), net.server.drops().of(DropReason::TokenUsed)), (1, 1));
        } else {
            net.deliver_to_server(&datagram);
            net.transmit_server();
        }
    }
}

#[test]
fn a_replayed_goodbye_does_not_end_the_next_session() {
    let mut net = Net::new(1);
    let client = net.connect(1);
    net.sent.clear();
    net.clients[client].disconnect();
    net.run(50);
    let goodbye = net.sent[0].clone();
    net.addresses[client] = client_address(50);
    net.add_at(token(2), client_address(client));
    net.run(100);
    assert_eq!(net.server.clients(), 1);
    net.deliver_to_server(&goodbye);
    assert_eq!(net.server.clients(), 1);
    assert_eq!(net.server.drops().of(DropReason::Undecryptable), 1);
}

#[test]
fn no_answer_is_larger_than_what_it_answers() {
    let mut net = Net::new(1);
    net.add(token(1));
    net.add(token(2));
    for _ in 0..30 {
        net.now += Duration::from_millis(50);
        for index in 0..2 {
            let before = net.sent.len();
            net.transmit_client(index);
            let asked: usize = net.sent[before..].iter().map(|datagram| datagram.bytes.len()).sum();
            let before = net.sent.len();
            net.transmit_server();
            let answers = net.sent[before..].iter().filter(|datagram| matches!(datagram.bytes[0] & 0xf, 1 | 2));
            let answered: usize = answers.map(|datagram| datagram.bytes.len()).sum();
            assert!(answered < asked.max(1), "{answered} bytes for {asked}");
        }
    }
}

/// A genuine request of a client with this id.
fn request(client_id: u64, private_key: &Key) -> Vec<u8> {
    let token = ConnectToken::generate(&spec(client_id, &[SERVER]), &secrets(client_id), private_key).unwrap();
    let mut out = [0; PACKET_BYTES_MAX];
    let now = tidelock::Instant::from_us(0);
    let (len, _) = Client::new(token, now).poll_transmit(now, &mut out).unwrap();
    out[..len].to_vec()
}

fn deliver(net: &mut Net, index: usize, mut bytes: Vec<u8>) -> Result<(), DropReason> {
    match net.server.handle_datagram(client_address(index), &mut bytes, net.now, START_UNIX_S) {
        ServerEvent::Dropped(reason) => Err(reason),
        _ => Ok(()),
    }
}

#[test]
fn forged_requests_cost_no_more_than_the_budget() {
    let mut config = config(1);
    (config.token_opens_per_s, config.token_opens_burst) = (100, 10);
    let mut net = Net::with(config);
    let forged = request(1, &Key::new([0x99; 32]));
    let opened = |net: &mut Net| {
        (0..50).filter(|_| deliver(net, 1, forged.clone()) == Err(DropReason::TokenUndecryptable)).count()
    };
    assert_eq!(opened(&mut net), 10);
    net.now += Duration::from_millis(30);
    assert_eq!(opened(&mut net), 3);
    assert_eq!(net.server.drops().of(DropReason::OverBudget), 87);
    net.now += Duration::from_millis(10);
    assert_eq!(deliver(&mut net, 2, request(2, &private_key())), Ok(()));
}

#[test]
fn an_address_that_forges_is_shut_out_and_its_neighbours_are_not() {
    let mut config = config(1);
    config.token_failures_per_address_per_s = 5;
    let mut net = Net::with(config);
    let forged = request(1, &Key::new([0x99; 32]));
    for i in 0..20 {
        let expected = if i < 5 { DropReason::TokenUndecryptable } else { DropReason::AddressFailing };
        assert_eq!(deliver(&mut net, 1, forged.clone()), Err(expected));
    }
    assert_eq!(deliver(&mut net, 2, request(2, &private_key())), Ok(()));
    net.now += Duration::from_secs(1);
    assert_eq!(deliver(&mut net, 1, request(1, &private_key())), Ok(()));
}

#[test]
fn asking_often_is_no_failure() {
    let mut config = config(100);
    config.token_failures_per_address_per_s = 5;
    let mut net = Net::with(config);
    for id in 0..50u64 {
        let from = SocketAddr::from(([20, 0, 0, 1], 1000 + id as u16));
        let mut bytes = request(id, &private_key());
        assert_eq!(net.server.handle_datagram(from, &mut bytes, net.now, START_UNIX_S), ServerEvent::Handled);
    }
}

#[test]
fn thousands_who_ask_at_once_are_all_answered_at_once() {
    for clients in [64, 4_000] {
        let mut net = Net::new(clients);
        for id in 0..clients {
            assert_eq!(deliver(&mut net, id, request(id as u64, &private_key())), Ok(()), "{id} of {clients}");
        }
        net.transmit_server();
        assert_eq!(net.sent.len(), clients);
    }
}

#[test]
fn answers_that_nobody_collects_are_bounded() {
    let mut config = config(100);
    config.replies_max = 3;
    let mut net = Net::with(config);
    for id in 0..5u64 {
        let expected = if id < 3 { Ok(()) } else { Err(DropReason::RepliesFull) };
        assert_eq!(deliver(&mut net, id as usize, request(id, &private_key())), expected);
    }
    net.transmit_server();
    assert_eq!(deliver(&mut net, 4, request(4, &private_key())), Ok(()));
}

#[test]
fn handshakes_that_nobody_finishes_are_bounded_and_end() {
    let mut config = config(1);
    config.handshakes_max = 2;
    let mut net = Net::with(config);
    for id in 0..3u64 {
        let expected = if id < 2 { Ok(()) } else { Err(DropReason::HandshakesFull) };
        assert_eq!(deliver(&mut net, id as usize, request(id, &private_key())), expected);
    }
    assert_eq!(deliver(&mut net, 1, request(1, &private_key())), Ok(()), "a repeated request takes no second place");
    net.now += Duration::from_secs(5);
    assert_eq!(net.server.poll_timeout(net.now), None, "which ends handshakes, too");
    assert_eq!(deliver(&mut net, 2, request(2, &private_key())), Ok(()));
}

#[test]
fn no_two_challenges_are_sealed_with_the_same_nonce() {
    let mut net = Net::with(ServerConfig { cipher: Cipher::Null, ..config(4) });
    for id in 0..4 {
        assert_eq!(deliver(&mut net, id, request(id as u64, &private_key())), Ok(()));
    }
    assert_eq!(deliver(&mut net, 0, request(0, &private_key())), Ok(()), "asked for again");
    net.transmit_server();
    // Of the packet, and of the challenge token in it.
    for at in [1, 9] {
        let nonces: BTreeSet<&[u8]> = net.sent.iter().map(|datagram| &datagram.bytes[at..at + 8]).collect();
        assert_eq!((nonces.len(), net.sent.len()), (5, 5));
    }
}

#[test]
fn a_server_wakes_up_to_end_a_handshake_that_nobody_finishes() {
    let mut net = Net::new(1);
    assert_eq!(net.server.next_wakeup(), None);
    assert_eq!(deliver(&mut net, 0, request(0, &private_key())), Ok(()));
    net.transmit_server();
    let end = net.now + Duration::from_secs(5);
    assert_eq!(net.server.next_wakeup(), Some(end));
    assert_eq!(net.server.poll_timeout(end), None);
    assert_eq!(net.server.next_wakeup(), None);
}

#[test]
fn tokens_that_are_remembered_are_bounded() {
    let mut config = config(8);
    config.token_history_max = 2;
    let mut net = Net::with(config);
    for id in 0..3u64 {
        let expected = if id < 2 { Ok(()) } else { Err(DropReason::TokenHistoryFull) };
        assert_eq!(deliver(&mut net, id as usize, request(id, &private_key())), expected);
    }
}

#[test]
fn a_session_packet_cannot_pass_for_one_of_the_handshake() {
    let mut net = Net::new(1);
    net.connect(1);
    let mut bytes = vec![0; 40];
    bytes[0] = 0x85;
    bytes[8] = 0x80;
    assert_eq!(deliver(&mut net, 0, bytes.clone()), Err(DropReason::SequenceReserved));
    bytes[8] = 0x7f;
    assert_eq!(deliver(&mut net, 0, bytes), Err(DropReason::Undecryptable));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..1400), prefix in 0u8..0x90) {
        let mut net = Net::new(2);
        net.connect(1);
        if let Some(first) = bytes.first_mut() {
            *first = prefix;
        }
        let state = net.clients[0].state();
        for address in [client_address(0), client_address(1)] {
            let mut bytes = bytes.clone();
            let event = net.server.handle_datagram(address, &mut bytes, net.now, START_UNIX_S);
            prop_assert!(matches!(event, ServerEvent::Dropped(_)));
        }
        prop_assert_eq!(net.clients[0].handle_datagram(SERVER, &mut bytes, net.now), None);
        prop_assert_eq!(net.clients[0].state(), state);
    }

    #[test]
    fn random_tokens_never_panic(mut bytes in prop::collection::vec(any::<u8>(), TOKEN_BYTES), keep in 0usize..TOKEN_BYTES) {
        bytes[..keep].copy_from_slice(&token(1).to_bytes()[..keep]);
        if let Ok(token) = ConnectToken::from_bytes(&bytes) {
            prop_assert_eq!(ConnectToken::from_bytes(&token.to_bytes()), Ok(token));
        }
    }
}
