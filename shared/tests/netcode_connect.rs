//! Who gets in, and who does not.

mod netcode_net;

use std::net::SocketAddr;

use netcode_net::*;
use tidelock::ClientId;
use tidelock::netcode::{
    Client, ClientState, ConnectToken, DisconnectCause, DropReason, Key, PACKET_BYTES_MAX, Server, ServerConfig,
    ServerConfigError, ServerSecrets, Slot, TokenError, TokenSpec,
};

const REQUEST: u8 = 0;
const DENIED: u8 = 1;
const CHALLENGE: u8 = 2;
const KEEP_ALIVE: u8 = 4;
const PAYLOAD: u8 = 5;

fn ended(cause: DisconnectCause) -> ClientState {
    ClientState::Disconnected(cause)
}

/// Connects with a token made to this specification and returns the net after a while.
fn try_token(spec: &TokenSpec<'_>, private_key: &Key) -> Net {
    let mut net = Net::new(4);
    net.add(ConnectToken::generate(spec, &secrets(1), private_key).unwrap());
    net.run(300);
    net
}

fn assert_refused(net: &Net, reason: DropReason) {
    assert_eq!(net.server.clients(), 0);
    assert!(net.events.is_empty());
    assert!(net.server.drops().of(reason) > 0, "{:?}", net.server.drops());
    assert_eq!(net.server.drops().of(reason), net.server.drops().total());
    assert!(net.sent.iter().all(|datagram| datagram.from != SERVER), "strangers get no answer");
}

#[test]
fn a_client_with_a_token_gets_a_slot() {
    let mut net = Net::new(8);
    let client = net.add(token(42));
    net.run(50);
    assert_eq!(net.clients[client].state(), ClientState::Connected);
    assert_eq!((net.clients[client].client_index(), net.clients[client].max_clients()), (0, 8));
    let user_data = spec(42, &[]).user_data.to_vec();
    let (slot, address) = (Slot(0), client_address(client));
    let connected = Event::Connected { slot, client_id: ClientId(42), address, user_data, superseded: None };
    assert_eq!(net.events, [connected]);
    assert_eq!((net.server.clients(), net.server.client_id(Slot(0))), (1, Some(ClientId(42))));
    assert_eq!(net.server.address(Slot(0)), Some(client_address(client)));
    assert_eq!(net.server.slot_of(ClientId(42)), Some(Slot(0)));
    assert!(net.server.is_confirmed(Slot(0)));
    assert_eq!((net.server.drops().total(), net.clients[client].drops().total()), (0, 0));
}

#[test]
fn payloads_of_every_length_arrive_both_ways() {
    let mut net = Net::new(1);
    let client = net.connect(1);
    for len in [1, 2, 200, 1199, 1200] {
        let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
        net.send_to_server(client, &payload);
        net.send_to_client(Slot(0), &payload);
        assert_eq!(net.payloads().last(), Some(&payload));
        assert_eq!(net.received[client].last(), Some(&payload));
    }
}

#[test]
fn a_handshake_survives_the_loss_of_any_one_packet() {
    for lost in 0..5 {
        let mut net = Net::new(1);
        let client = net.add(token(1));
        net.step_until(|net| net.sent.len() >= lost);
        (net.lose_to_server, net.lose_to_clients) = (true, true);
        let sent = net.sent.len();
        net.step_until(|net| net.sent.len() > sent);
        (net.lose_to_server, net.lose_to_clients) = (false, false);
        net.run(500);
        assert_eq!(net.clients[client].state(), ClientState::Connected, "packet {lost} lost");
        assert_eq!(net.server.clients(), 1);
    }
}

#[test]
fn a_payload_for_a_client_that_was_not_heard_yet_follows_a_keep_alive() {
    let mut net = Net::new(1);
    let client = net.add(token(1));
    let is_challenged = |net: &Net| net.sent.iter().any(|datagram| datagram.bytes[0] & 0xf == CHALLENGE);
    net.step_until(is_challenged);
    net.lose_to_clients = true;
    net.step_until(|net| net.server.clients() > 0);
    let before = net.kinds_sent_to(client_address(client)).len();
    for tick in 0..3u8 {
        net.transmit_server();
        net.send_to_client(Slot(0), &[tick]);
    }
    let after = net.kinds_sent_to(client_address(client));
    assert_eq!(after[before..], [PAYLOAD, KEEP_ALIVE, PAYLOAD, KEEP_ALIVE, PAYLOAD]);
    net.lose_to_clients = false;
    net.transmit_server();
    net.send_to_client(Slot(0), b"now");
    assert_eq!(net.received[client], [b"now".to_vec()]);
    net.run(20);
    let before = net.kinds_sent_to(client_address(client)).len();
    net.transmit_server();
    net.send_to_client(Slot(0), b"confirmed");
    assert_eq!(net.kinds_sent_to(client_address(client))[before..], [PAYLOAD]);
}

#[test]
fn a_full_server_denies() {
    let mut net = Net::new(1);
    net.connect(1);
    let late = net.add(token(2));
    net.run(50);
    assert_eq!(net.clients[late].state(), ended(DisconnectCause::Denied));
    assert_eq!(net.kinds_sent_to(client_address(late)), [DENIED]);
    assert_eq!(net.server.drops().of(DropReason::ServerFull), 1);
    assert_eq!(net.server.clients(), 1);
}

#[test]
fn a_server_that_fills_up_during_a_handshake_denies() {
    let mut net = Net::new(1);
    let (first, second) = (net.add(token(1)), net.add(token(2)));
    net.run(100);
    assert_eq!(net.clients[first].state(), ClientState::Connected);
    assert_eq!(net.clients[second].state(), ended(DisconnectCause::Denied));
    assert_eq!(net.kinds_sent_to(client_address(second)), [CHALLENGE, DENIED]);
}

#[test]
fn a_client_tries_the_next_server_when_one_is_silent() {
    let servers = [SILENT, SERVER];
    let mut net = Net::new(1);
    let client = net.add(ConnectToken::generate(&spec(1, &servers), &secrets(1), &private_key()).unwrap());
    net.run(u64::from(TIMEOUT_S.unsigned_abs()) * 1000 - 100);
    assert_eq!(net.clients[client].server_address(), SILENT);
    net.run(300);
    assert_eq!(net.clients[client].server_address(), SERVER);
    assert_eq!(net.clients[client].state(), ClientState::Connected);
}

#[test]
fn a_client_tries_the_next_server_when_one_denies() {
    let mut net = Net::new(1);
    net.connect(1);
    let token = ConnectToken::generate(&spec(2, &[SERVER, SILENT]), &secrets(2), &private_key()).unwrap();
    let client = net.add(token);
    net.run(50);
    assert_eq!(net.clients[client].server_address(), SILENT);
    assert_eq!(net.clients[client].state(), ClientState::SendingRequest);
}

#[test]
fn a_client_nobody_answers_says_where_it_got_stuck() {
    let mut net = Net::new(1);
    net.lose_to_server = true;
    let client = net.add(token(1));
    net.run(5_100);
    assert_eq!(net.clients[client].state(), ended(DisconnectCause::RequestTimedOut));
    assert_eq!(net.clients[client].next_wakeup(), None);

    let mut net = Net::new(1);
    let client = net.add(token(1));
    net.step();
    net.lose_to_server = true;
    net.run(5_100);
    assert_eq!(net.clients[client].state(), ended(DisconnectCause::ResponseTimedOut));
}

#[test]
fn requests_go_out_at_ten_hertz() {
    let mut net = Net::new(1);
    net.lose_to_server = true;
    net.add(token(1));
    net.run(1000);
    assert_eq!(net.kinds_sent_to(SERVER), [REQUEST; 10]);
}

#[test]
fn a_token_that_expires_while_connecting_ends_the_attempt() {
    let spec = TokenSpec { expire_unix_s: START_UNIX_S + 2, ..spec(1, &[SERVER]) };
    let mut net = Net::new(1);
    net.lose_to_server = true;
    let client = net.add(ConnectToken::generate(&spec, &secrets(1), &private_key()).unwrap());
    net.run(1_900);
    assert_eq!(net.clients[client].state(), ClientState::SendingRequest);
    net.run(200);
    assert_eq!(net.clients[client].state(), ended(DisconnectCause::TokenExpired));
}

#[test]
fn an_expired_token_is_refused() {
    let spec = TokenSpec { create_unix_s: START_UNIX_S - 30, expire_unix_s: START_UNIX_S, ..spec(1, &[SERVER]) };
    assert_refused(&try_token(&spec, &private_key()), DropReason::TokenExpired);
    let spec = TokenSpec { expire_unix_s: START_UNIX_S + 1, ..spec };
    assert_eq!(try_token(&spec, &private_key()).server.clients(), 1);
}

#[test]
fn a_token_of_another_protocol_is_refused() {
    let spec = TokenSpec { protocol_id: PROTOCOL_ID + 1, ..spec(1, &[SERVER]) };
    assert_refused(&try_token(&spec, &private_key()), DropReason::ProtocolMismatch);
}

#[test]
fn a_token_of_another_key_is_refused() {
    let net = try_token(&spec(1, &[SERVER]), &Key::new([0x12; 32]));
    assert_refused(&net, DropReason::TokenUndecryptable);
}

#[test]
fn a_token_that_names_only_other_servers_is_refused() {
    let token = ConnectToken::generate(&spec(1, &[SILENT]), &secrets(1), &private_key()).unwrap();
    let mut out = [0; PACKET_BYTES_MAX];
    let mut net = Net::new(1);
    let (len, _) = Client::new(token, net.now).poll_transmit(net.now, &mut out).unwrap();
    net.deliver_to_server(&Datagram { from: client_address(0), to: SERVER, bytes: out[..len].to_vec() });
    assert_refused(&net, DropReason::TokenForOtherServer);
}

#[test]
fn a_server_answers_to_each_of_its_public_addresses() {
    let public = SocketAddr::from(([203, 0, 113, 5], 9000));
    let mut config = config(1);
    config.public_addresses = vec![public, SERVER];
    let mut net = Net::with(config);
    net.connect(1);
}

#[test]
fn a_token_that_could_predate_the_start_is_refused() {
    for (expire_unix_s, clients) in [(START_UNIX_S + 29, 0), (START_UNIX_S + 30, 1)] {
        let mut config = config(1);
        config.token_floor_unix_s = Some(START_UNIX_S + TOKEN_LIFETIME_S);
        let mut net = Net::with(config);
        let spec = TokenSpec { expire_unix_s, ..spec(1, &[SERVER]) };
        net.add(ConnectToken::generate(&spec, &secrets(1), &private_key()).unwrap());
        net.run(100);
        assert_eq!(net.server.clients(), clients);
        assert_eq!(net.server.drops().of(DropReason::TokenPredatesStart) > 0, clients == 0);
    }
}

#[test]
fn a_token_that_outlives_any_that_a_backend_makes_is_refused() {
    for (lifetime_s, clients) in [(TOKEN_LIFETIME_S + 1, 0), (TOKEN_LIFETIME_S, 1)] {
        let mut config = config(1);
        config.token_lifetime_max_s = Some(TOKEN_LIFETIME_S);
        let mut net = Net::with(config);
        let spec = TokenSpec { expire_unix_s: START_UNIX_S + lifetime_s, ..spec(1, &[SERVER]) };
        net.add(ConnectToken::generate(&spec, &secrets(1), &private_key()).unwrap());
        net.run(100);
        assert_eq!(net.server.clients(), clients);
        assert_eq!(net.server.drops().of(DropReason::TokenLivesTooLong) > 0, clients == 0);
    }
}

#[test]
fn keys_rotate_while_clients_stay() {
    let new_key = Key::new([0x44; 32]);
    let with_new_key = |id: u64| ConnectToken::generate(&spec(id, &[SERVER]), &secrets(id), &new_key).unwrap();
    let mut net = Net::new(8);
    net.connect(1);
    net.server.set_private_keys(vec![private_key(), new_key.clone()]).unwrap();
    net.add(token(2));
    net.add(with_new_key(3));
    net.run(100);
    assert_eq!(net.server.clients(), 3);
    net.server.set_private_keys(vec![new_key.clone()]).unwrap();
    let late = net.add(token(4));
    net.add(with_new_key(5));
    net.run(100);
    assert_eq!(net.server.clients(), 4);
    assert_eq!(net.clients[late].state(), ClientState::SendingRequest);
    assert_eq!(net.server.set_private_keys(Vec::new()), Err(ServerConfigError::PrivateKeys));
}

#[test]
fn servers_that_share_a_token_share_no_sequence() {
    let first = |random: u8| {
        let mut secrets = [0x22; ServerSecrets::RANDOM_BYTES];
        secrets[48..].fill(random);
        let ServerSecrets { global_sequence, .. } = ServerSecrets::from_random(secrets);
        let mut net = Net::with(ServerConfig { global_sequence, ..config(1) });
        net.add(token(1));
        net.step();
        let challenge = net.sent.iter().find(|sent| sent.bytes[0] & 0xf == CHALLENGE).unwrap();
        assert_eq!(challenge.bytes[0] >> 4, 8);
        u64::from_le_bytes(challenge.bytes[1..9].try_into().unwrap())
    };
    assert_eq!(first(0), 1 << 63);
    assert_eq!(first(0xff), (1 << 63) + (u64::MAX >> 2));
}

#[test]
fn a_token_in_use_is_refused_from_another_address() {
    let mut net = Net::new(4);
    net.lose_to_clients = true;
    net.add_at(token(1), client_address(1));
    net.step();
    net.add_at(token(1), client_address(2));
    net.step();
    net.lose_to_clients = false;
    net.run(300);
    assert_eq!(net.server.clients(), 1);
    assert_eq!(net.server.address(Slot(0)), Some(client_address(1)));
    assert!(net.server.drops().of(DropReason::TokenUsed) > 0);
}

#[test]
fn a_token_that_made_its_connection_never_makes_another() {
    let mut net = Net::new(4);
    let client = net.connect(1);
    net.clients[client].disconnect();
    net.run(50);
    assert_eq!(net.server.clients(), 0);
    let again = net.add_at(token(1), client_address(client));
    let elsewhere = net.add_at(token(1), client_address(9));
    net.run(300);
    assert_eq!(net.server.clients(), 0);
    assert_eq!(net.clients[again].state(), ClientState::SendingRequest);
    assert_eq!(net.clients[elsewhere].state(), ClientState::SendingRequest);
    assert!(net.server.drops().of(DropReason::TokenUsed) > 4);
}

#[test]
fn a_client_comes_back_with_a_fresh_token() {
    let mut net = Net::new(1);
    let client = net.connect(1);
    net.clients[client].disconnect();
    net.run(50);
    let fresh = ConnectToken::generate(&spec(1, &[SERVER]), &secrets(2), &private_key()).unwrap();
    net.addresses[client] = client_address(99);
    let again = net.add_at(fresh, client_address(0));
    net.run(100);
    assert_eq!(net.clients[again].state(), ClientState::Connected);
}

#[test]
fn ipv6_works_as_ipv4_does() {
    let server: SocketAddr = "[2001:db8::1]:7777".parse().unwrap();
    let client_at: SocketAddr = "[2001:db8::2%5]:5000".parse().unwrap_or("[2001:db8::2]:5000".parse().unwrap());
    let mut config = config(1);
    config.public_addresses = vec![server];
    let mut net = Net::with(config);
    let token = ConnectToken::generate(&spec(1, &[server]), &secrets(1), &private_key()).unwrap();
    let mut client = Client::new(token, net.now);
    let mut out = [0; PACKET_BYTES_MAX];
    for _ in 0..3 {
        while let Some((len, to)) = client.poll_transmit(net.now, &mut out) {
            assert_eq!(to, server);
            net.server.handle_datagram(client_at, &mut out[..len], net.now, START_UNIX_S);
        }
        while let Some((len, to)) = net.server.poll_transmit(net.now, &mut out) {
            assert_eq!(to, client_at);
            client.handle_datagram(server, &mut out[..len], net.now);
        }
    }
    assert_eq!(client.state(), ClientState::Connected);
}

#[test]
fn a_token_comes_back_from_its_bytes() {
    let made = token(1);
    assert_eq!(ConnectToken::from_bytes(&made.to_bytes()), Ok(made));
}

#[test]
fn bytes_that_are_no_token_are_refused_for_what_is_wrong() {
    let good = token(1).to_bytes();
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = good;
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        ConnectToken::from_bytes(&changed).map(|_| ())
    };
    assert_eq!(ConnectToken::from_bytes(&good[..2047]), Err(TokenError::Length));
    assert_eq!(with(0, b"NETCODE 1.01"), Err(TokenError::Version));
    assert_eq!(with(29, &(START_UNIX_S - 1).to_le_bytes()), Err(TokenError::Expiry));
    assert_eq!(with(29, &START_UNIX_S.to_le_bytes()), Ok(()));
    let count_at = 13 + 8 + 8 + 8 + 24 + 1024 + 4;
    assert_eq!(with(count_at, &0u32.to_le_bytes()), Err(TokenError::Servers));
    assert_eq!(with(count_at, &33u32.to_le_bytes()), Err(TokenError::Servers));
    assert_eq!(with(count_at, &u32::MAX.to_le_bytes()), Err(TokenError::Servers));
    assert_eq!(with(count_at + 4, &[3]), Err(TokenError::Servers));
}

#[test]
fn a_backend_cannot_make_a_token_that_nobody_can_use() {
    let generate = |spec: &TokenSpec<'_>| ConnectToken::generate(spec, &secrets(1), &private_key()).map(|_| ());
    let many = vec![SERVER; 33];
    let good = spec(1, &many[..32]);
    assert_eq!(generate(&good), Ok(()));
    assert_eq!(generate(&TokenSpec { servers: &[], ..good.clone() }), Err(TokenError::Servers));
    assert_eq!(generate(&TokenSpec { servers: &many, ..good.clone() }), Err(TokenError::Servers));
    assert_eq!(generate(&TokenSpec { timeout_s: 0, ..good.clone() }), Err(TokenError::Timeout));
    assert_eq!(generate(&TokenSpec { expire_unix_s: START_UNIX_S - 1, ..good.clone() }), Err(TokenError::Expiry));
    assert_eq!(generate(&TokenSpec { expire_unix_s: START_UNIX_S, ..good }), Ok(()), "as one is read, too");
}

#[test]
fn keys_are_never_printed() {
    let token = token(1);
    let text = format!("{token:?} {:?} {:?}", private_key(), config(1));
    let key_bytes = ["17, 17", "34, 34", "51, 51"];
    assert!(!key_bytes.iter().any(|bytes| text.contains(bytes)), "{text}");
    assert!(text.contains("expire_unix_s: 1800000030") && text.contains("max_clients: 1"), "{text}");
    assert!(format!("{:?}", private_key()).starts_with("Key"));
    let mut net = Net::new(3);
    net.connect(1);
    net.server.handle_datagram(SILENT, &mut [0x15; 40], net.now, net.unix_s());
    let text = format!("{:?} {:?}", net.server, net.clients[0]);
    assert!(text.contains("clients: 1, max_clients: 3, drops: {\"address_unknown\": 1}"), "{text}");
    assert!(text.contains("state: Connected, server: 10.0.0.1:7777, drops: {}"), "{text}");
}

#[test]
fn a_server_refuses_a_configuration_out_of_range() {
    let refused = |change: fn(&mut ServerConfig)| {
        let mut config = config(1);
        change(&mut config);
        Server::new(config, tidelock::Instant::from_us(0)).err()
    };
    assert_eq!(refused(|_| {}), None);
    assert_eq!(refused(|config| config.private_keys.clear()), Some(ServerConfigError::PrivateKeys));
    assert_eq!(refused(|config| config.public_addresses.clear()), Some(ServerConfigError::PublicAddresses));
    assert_eq!(refused(|config| config.max_clients = 0), Some(ServerConfigError::Slots));
    assert_eq!(refused(|config| config.max_clients = 16_640), None);
    assert_eq!(refused(|config| config.max_clients = 16_641), Some(ServerConfigError::Slots));
    assert_eq!(refused(|config| config.handshakes_max = 0), Some(ServerConfigError::Slots));
    assert_eq!(refused(|config| config.handshakes_max = 16_640), None);
    assert_eq!(refused(|config| config.handshakes_max = 16_641), Some(ServerConfigError::Slots));
    assert_eq!(refused(|config| config.private_keys = vec![private_key(); 4]), None);
    assert_eq!(refused(|config| config.private_keys = vec![private_key(); 5]), Some(ServerConfigError::PrivateKeys));
    let bounds: [fn(&mut ServerConfig); 4] = [
        |config| config.replies_max = 0,
        |config| config.token_history_max = 0,
        |config| config.token_opens_burst = 0,
        |config| config.token_failures_per_address_per_s = 0,
    ];
    bounds.into_iter().for_each(|change| assert_eq!(refused(change), Some(ServerConfigError::Bounds)));
}

#[test]
fn a_server_of_any_size_has_room_for_the_handshakes_and_tokens_of_all_and_more() {
    for max_clients in [1, 16, 100, 1_000, 4_000, 16_640] {
        let config = config(max_clients);
        assert!(config.handshakes_max >= (4 * max_clients).min(16_640), "{max_clients}");
        assert!(config.token_history_max >= 8 * max_clients, "{max_clients}");
        assert!(Server::new(config, tidelock::Instant::from_us(0)).is_ok(), "{max_clients}");
    }
}
