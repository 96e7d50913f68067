//! What happens between a connection's begin and its end.

mod netcode_net;

use std::collections::BTreeSet;
use std::time::Duration;

use netcode_net::*;
use tidelock::netcode::{
    Cipher, Client, ClientState, ConnectToken, DisconnectCause, DropReason, PACKET_BYTES_MAX, ServerConfig, Slot,
    TokenSpec,
};
use tidelock::{Buffer, ClientId};

const DENIED: u8 = 1;
const RESPONSE: u8 = 3;
const KEEP_ALIVE: u8 = 4;
const DISCONNECT: u8 = 6;

#[test]
fn an_idle_connection_stays_up_by_keep_alives_at_ten_hertz() {
    let mut net = Net::new(1);
    let client = net.connect(1);
    net.sent.clear();
    net.run(20_000);
    assert_eq!(net.clients[client].state(), ClientState::Connected);
    assert_eq!(net.server.clients(), 1);
    assert_eq!(net.kinds_sent_to(SERVER), [KEEP_ALIVE; 200]);
    assert_eq!(net.kinds_sent_to(client_address(client)), [KEEP_ALIVE; 200]);
}

#[test]
fn payloads_take_the_place_of_keep_alives() {
    let mut net = Net::new(1);
    let client = net.connect(1);
    for _ in 0..20 {
        net.send_to_server(client, b"input");
        net.send_to_client(Slot(0), b"snapshot");
        net.sent.clear();
        net.run(50);
        assert!(net.sent.is_empty());
    }
}

#[test]
fn a_client_that_falls_silent_times_out() {
    let mut net = Net::new(1);
    net.connect(1);
    net.lose_to_server = true;
    net.run(4_800);
    assert_eq!(net.server.clients(), 1);
    net.run(300);
    assert_eq!(net.server.clients(), 0);
    assert_eq!(net.events.last(), Some(&Event::TimedOut { slot: Slot(0) }));
}

#[test]
fn a_server_that_falls_silent_times_out() {
    let mut net = Net::new(1);
    let client = net.connect(1);
    net.lose_to_clients = true;
    net.run(4_800);
    assert_eq!(net.clients[client].state(), ClientState::Connected);
    net.run(300);
    assert_eq!(net.clients[client].state(), ClientState::Disconnected(DisconnectCause::TimedOut));
}

#[test]
fn a_negative_timeout_means_never() {
    let mut net = Net::new(1);
    let spec = TokenSpec { timeout_s: -1, ..spec(1, &[SERVER]) };
    let client = net.add(ConnectToken::generate(&spec, &secrets(1), &private_key()).unwrap());
    net.run(100);
    (net.lose_to_server, net.lose_to_clients) = (true, true);
    net.run(600_000);
    assert_eq!(net.clients[client].state(), ClientState::Connected);
    assert_eq!(net.server.clients(), 1);
}

#[test]
fn a_client_says_goodbye_ten_times() {
    let mut net = Net::new(1);
    let client = net.connect(1);
    net.sent.clear();
    net.clients[client].disconnect();
    assert_eq!(net.clients[client].state(), ClientState::Disconnected(DisconnectCause::Local));
    net.run(1_000);
    assert_eq!(net.kinds_sent_to(SERVER), [DISCONNECT; 10]);
    assert_eq!(net.events.last(), Some(&Event::Disconnected { slot: Slot(0), cause: DisconnectCause::Remote }));
    assert_eq!(net.server.clients(), 0);
    assert_eq!(net.clients[client].next_wakeup(), None);
}

#[test]
fn a_server_says_goodbye_ten_times() {
    let mut net = Net::new(1);
    let client = net.connect(1);
    net.sent.clear();
    assert!(net.server.disconnect(Slot(0)));
    assert!(!net.server.disconnect(Slot(0)));
    assert_eq!(net.server.clients(), 0);
    net.run(1_000);
    assert_eq!(net.kinds_sent_to(client_address(client)), [DISCONNECT; 10]);
    assert_eq!(net.clients[client].state(), ClientState::Disconnected(DisconnectCause::Remote));
}

#[test]
fn one_goodbye_of_ten_is_enough() {
    let mut net = Net::new(1);
    let client = net.connect(1);
    net.lose_to_clients = true;
    net.server.disconnect(Slot(0));
    net.transmit_server();
    let last = net.sent.last().unwrap().clone();
    net.deliver_to_client(&last);
    assert_eq!(net.clients[client].state(), ClientState::Disconnected(DisconnectCause::Remote));
}

#[test]
fn a_freed_slot_is_used_again_by_keys_of_its_own() {
    let mut net = Net::new(1);
    net.connect(1);
    net.server.disconnect(Slot(0));
    net.run(100);
    let second = net.connect(2);
    net.send_to_client(Slot(0), b"for the second");
    assert_eq!(net.received, [vec![], vec![b"for the second".to_vec()]]);
    assert_eq!(net.server.client_id(Slot(0)), Some(ClientId(2)));
    net.send_to_server(second, b"from the second");
    assert_eq!(net.payloads(), [b"from the second".to_vec()]);
}

#[test]
fn a_free_slot_has_nobody_to_send_to() {
    let mut net = Net::new(2);
    let mut out = [0; PACKET_BYTES_MAX];
    for slot in [Slot(0), Slot(1), Slot(2), Slot(u16::MAX)] {
        assert_eq!(net.server.seal(slot, b"x", &mut out, net.now), None);
        assert_eq!((net.server.address(slot), net.server.client_id(slot)), (None, None));
        assert!(!net.server.is_confirmed(slot) && !net.server.disconnect(slot));
    }
}

#[test]
fn a_client_seals_only_while_connected() {
    let mut net = Net::new(1);
    let mut out = [0; PACKET_BYTES_MAX];
    let client = net.add(token(1));
    assert_eq!(net.clients[client].seal(b"x", &mut out, net.now), None);
    net.run(100);
    assert!(net.clients[client].seal(b"x", &mut out, net.now).is_some());
    net.clients[client].disconnect();
    assert_eq!(net.clients[client].seal(b"x", &mut out, net.now), None);
}

#[test]
fn waking_up_only_when_told_keeps_a_connection_up() {
    let mut net = Net::new(1);
    let client = net.add(token(1));
    let mut wakeups = 0;
    while net.now.as_us() < 21_000_000 {
        net.transmit_client(client);
        net.transmit_server();
        net.transmit_client(client);
        assert_eq!(net.server.poll_timeout(net.now), None);
        let next = net.clients[client].next_wakeup().into_iter().chain(net.server.next_wakeup()).min().unwrap();
        net.now = net.now.max(next);
        wakeups += 1;
        assert!(wakeups < 900);
    }
    assert_eq!(net.clients[client].state(), ClientState::Connected);
    assert!(wakeups >= 200, "{wakeups}");
}

#[test]
fn every_slot_of_the_largest_server_serves_its_client() {
    let clients = 16_384;
    let mut config = config(clients);
    config.token_opens_burst = 20_000;
    let mut net = Net::with(config);
    for id in 0..clients as u64 {
        net.add(token(id));
    }
    let mut addresses = std::collections::BTreeMap::new();
    for (index, address) in net.addresses.iter().enumerate() {
        addresses.insert(*address, index);
    }
    // Not Net::run: it looks for a client by going through all of them.
    let mut out = [0; PACKET_BYTES_MAX];
    for _ in 0..3 {
        net.now += Duration::from_millis(10);
        for index in 0..clients {
            while let Some((len, _)) = net.clients[index].poll_transmit(net.now, &mut out) {
                net.server.handle_datagram(net.addresses[index], &mut out[..len], net.now, START_UNIX_S);
            }
            while let Some((len, to)) = net.server.poll_transmit(net.now, &mut out) {
                net.clients[addresses[&to]].handle_datagram(SERVER, &mut out[..len], net.now);
            }
        }
    }
    assert_eq!(net.server.clients(), clients, "{:?}", net.server);
    let slots: BTreeSet<u32> = net.clients.iter().map(|client| client.client_index()).collect();
    assert_eq!(slots.len(), clients);
    for index in 0..clients {
        let (len, _) = net.clients[index].seal(b"hello", &mut out, net.now).unwrap();
        let event = net.server.handle_datagram(net.addresses[index], &mut out[..len], net.now, START_UNIX_S);
        let slot = Slot(net.clients[index].client_index() as u16);
        assert_eq!(event, tidelock::netcode::ServerEvent::Payload { slot, payload: b"hello" });
        let (len, to) = net.server.seal(slot, b"world", &mut out, net.now).unwrap();
        assert_eq!(to, net.addresses[index]);
        assert_eq!(net.clients[index].handle_datagram(SERVER, &mut out[..len], net.now), Some(&b"world"[..]));
    }
    let late = net.add_at(token(u64::MAX), client_address(clients));
    let (len, _) = net.clients[late].poll_transmit(net.now, &mut out).unwrap();
    net.server.handle_datagram(client_address(clients), &mut out[..len], net.now, START_UNIX_S);
    assert_eq!(net.server.drops().of(DropReason::ServerFull), 1);
}

#[test]
fn without_a_cipher_packets_have_the_same_lengths_and_can_be_read() {
    let lengths_with = |cipher| {
        let mut net = Net::with(ServerConfig { cipher, ..config(1) });
        let client = net.add_client(Client::with_cipher(token(1), cipher, net.now), client_address(0));
        net.run(100);
        net.send_to_server(client, b"input");
        net.send_to_client(Slot(0), b"snapshot");
        assert_eq!((net.payloads(), &net.received[client]), (vec![b"input".to_vec()], &vec![b"snapshot".to_vec()]));
        let last = net.sent.last().unwrap().bytes.clone();
        (net.sent.iter().map(|datagram| datagram.bytes.len()).collect::<Vec<_>>(), last)
    };
    let (protected, sealed) = lengths_with(Cipher::ChaCha20Poly1305);
    let (unprotected, plain) = lengths_with(Cipher::Null);
    assert_eq!(protected, unprotected);
    let holds_payload = |bytes: &[u8]| bytes.windows(8).any(|window| window == b"snapshot");
    assert_eq!((holds_payload(&sealed), holds_payload(&plain)), (false, true));
}

#[test]
fn a_server_with_a_cipher_lets_nobody_in_without() {
    for (server, client) in [(Cipher::ChaCha20Poly1305, Cipher::Null), (Cipher::Null, Cipher::ChaCha20Poly1305)] {
        let mut net = Net::with(ServerConfig { cipher: server, ..config(1) });
        net.add_client(Client::with_cipher(token(1), client, net.now), client_address(0));
        net.run(1_000);
        assert_eq!(net.server.clients(), 0);
    }
}

#[test]
fn any_part_of_the_clients_seals_what_the_server_would() {
    for split in 0..=5 {
        let mut net = Net::new(5);
        let clients: Vec<usize> = (1..=5).map(|id| net.connect(id)).collect();
        net.server.disconnect(Slot(2));
        let connected = [0, 1, 3, 4].map(Slot);
        assert!(net.server.slots().eq(connected));
        let mut sealed = Vec::new();
        let (mut below, mut others) = net.server.sealers().split_at(split);
        for slot in (0..7).map(Slot) {
            let mut out = [0; PACKET_BYTES_MAX];
            let packets = [&mut below, &mut others].map(|part| part.seal(slot, &[slot.0 as u8; 9], &mut out));
            let is_below = slot.index() < split;
            assert_eq!(
                packets.map(|packet| packet.is_some()),
                [is_below, !is_below].map(|part| part && connected.contains(&slot))
            );
            sealed.extend(packets.into_iter().flatten().map(|(len, to)| Datagram {
                from: SERVER,
                to,
                bytes: out[..len].to_vec(),
            }));
        }
        for (slot, datagram) in connected.into_iter().zip(&sealed) {
            net.deliver_to_client(datagram);
            assert_eq!(net.received[clients[slot.index()]], [[slot.0 as u8; 9]]);
        }
    }
}

#[test]
fn a_part_may_be_split_again() {
    let mut net = Net::new(4);
    for id in 1..=4 {
        net.connect(id);
    }
    let (_, others) = net.server.sealers().split_at(1);
    let (mut middle, mut last) = others.split_at(3);
    let mut out = [0; PACKET_BYTES_MAX];
    let mut has = |slot| [&mut middle, &mut last].map(|part| part.seal(Slot(slot), b"x", &mut out).is_some());
    assert_eq!([0, 1, 2, 3].map(&mut has), [[false, false], [true, false], [true, false], [false, true]]);
}

#[test]
fn a_client_knows_the_timeout_of_its_token() {
    let of = |timeout_s| {
        let token = ConnectToken::generate(&TokenSpec { timeout_s, ..spec(1, &[SERVER]) }, &secrets(1), &private_key());
        Client::new(token.unwrap(), tidelock::Instant::from_us(0)).timeout()
    };
    assert_eq!([of(5), of(1), of(-1)], [Some(Duration::from_secs(5)), Some(Duration::from_secs(1)), None]);
    // Nobody can make one of zero seconds, but read it: it means none, as what is less does.
    let mut bytes = token(1).to_bytes();
    bytes[13 + 8 + 8 + 8 + 24 + 1024..][..4].fill(0);
    assert_eq!(ConnectToken::from_bytes(&bytes).unwrap().timeout(), None);
}

#[test]
fn each_client_is_told_its_own_slot() {
    let mut net = Net::new(3);
    for slot in 0..3 {
        let client = net.connect(slot.into());
        assert_eq!(net.clients[client].client_index(), slot);
    }
}

#[test]
fn payloads_are_taken_only_while_connected() {
    let mut net = Net::new(1);
    let client = net.add(token(1));
    net.lose_to_clients = true;
    net.transmit_client(client);
    net.transmit_server();
    let challenge = net.sent.last().unwrap().clone();
    net.deliver_to_client(&challenge);
    net.transmit_client(client);
    assert_eq!((net.server.clients(), net.clients[client].state()), (1, ClientState::SendingResponse));
    let refused = |net: &Net| net.clients[client].drops().of(DropReason::TypeUnexpected);
    net.lose_to_clients = false;
    net.send_to_client(Slot(0), b"before its keep-alive");
    assert_eq!((net.received[client].len(), refused(&net)), (0, 1));
    net.transmit_server();
    net.send_to_client(Slot(0), b"after it");
    assert_eq!((net.received[client].len(), refused(&net)), (1, 1));
    net.clients[client].disconnect();
    net.send_to_client(Slot(0), b"after the goodbye");
    assert_eq!((net.received[client].len(), refused(&net)), (1, 2));
}

#[test]
fn a_connected_address_has_nothing_more_to_say_of_handshakes() {
    let mut net = Net::new(1);
    let client = net.connect(1);
    let response = net.sent.iter().rfind(|datagram| datagram.bytes[0] & 0xf == RESPONSE).unwrap().clone();
    net.deliver_to_server(&response);
    assert_eq!(net.server.drops().of(DropReason::AddressConnected), 1);
    // A goodbye of a client, with the type of what only servers say.
    net.sent.clear();
    net.lose_to_server = true;
    net.clients[client].disconnect();
    net.transmit_client(client);
    let mut denied = net.sent[0].clone();
    denied.bytes[0] = denied.bytes[0] & 0xf0 | DENIED;
    net.deliver_to_server(&denied);
    assert_eq!(net.server.drops().of(DropReason::TypeUnexpected), 1);
    assert_eq!((net.server.drops().total(), net.server.clients()), (2, 1));
}

/// What of a server's buffers holds something, and how much it may hold.
fn filled(net: &Net) -> Vec<(&'static str, usize, usize)> {
    let mut filled = Vec::new();
    net.server.buffers(&mut |Buffer { name, len, max }| {
        assert!(len <= max, "{name} has {len} of {max}");
        if len > 0 {
            filled.push((name, len, max));
        }
    });
    filled
}

#[test]
fn a_server_tells_how_full_all_is_that_the_network_fills() {
    let mut net = Net::with(ServerConfig { handshakes_max: 5, replies_max: 7, token_history_max: 11, ..config(3) });
    assert_eq!(filled(&net), []);
    let client = net.add(token(1));
    net.transmit_client(client);
    let handshake = [("addresses", 1, 8), ("handshakes", 1, 5), ("tokens remembered", 1, 11)];
    assert_eq!(filled(&net), [&handshake[..], &[("answers to handshakes", 1, 7)]].concat());
    net.lose_to_clients = true;
    net.transmit_server();
    assert_eq!(filled(&net), handshake);
    let challenge = net.sent.last().unwrap().clone();
    net.deliver_to_client(&challenge);
    net.transmit_client(client);
    let session = |extra: &[_]| [&[("addresses", 1, 8), ("clients by id", 1, 3)], extra, &[handshake[2]]].concat();
    assert_eq!(filled(&net), session(&[("greetings", 1, 3)]));
    net.transmit_server();
    assert_eq!(filled(&net), session(&[]));
    net.server.disconnect(Slot(0));
    assert_eq!(filled(&net), [handshake[2], ("goodbyes", 1, 3)]);
}

#[test]
fn clients_that_come_and_go_unheard_leave_no_more_greetings_than_there_are_slots() {
    let mut net = Net::new(1);
    net.lose_to_clients = true;
    for id in 0..5 {
        let client = net.add(token(id));
        net.transmit_client(client);
        // The challenge alone: greetings come after it.
        let mut out = [0; PACKET_BYTES_MAX];
        let (len, _) = net.server.poll_transmit(net.now, &mut out).unwrap();
        net.clients[client].handle_datagram(SERVER, &mut out[..len], net.now);
        net.transmit_client(client);
        assert_eq!(net.server.clients(), 1);
        assert!(filled(&net).contains(&("greetings", 1, 1)));
        net.clients[client].disconnect();
        net.transmit_client(client);
        assert_eq!(net.server.clients(), 0);
    }
}

#[test]
fn every_cause_has_a_name_and_a_sentence_of_its_own() {
    let snake_case = |cause: &DisconnectCause| {
        let mut name = String::new();
        for letter in format!("{cause:?}").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.extend(letter.to_lowercase());
        }
        name
    };
    for cause in DisconnectCause::ALL {
        assert_eq!(cause.name(), snake_case(cause));
    }
    let sentences: BTreeSet<String> = DisconnectCause::ALL.iter().map(DisconnectCause::to_string).collect();
    assert!(sentences.len() == DisconnectCause::ALL.len() && !sentences.contains(""));
}
