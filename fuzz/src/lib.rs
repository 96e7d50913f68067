//! The bodies of the fuzz targets: each takes any bytes and panics if something that must hold does not. None of them
//! knows the fuzzer, so that an ordinary test can run them over the corpus.
//!
//! Modules name each other by `super`: the test includes this file as a module.

pub mod backend;
pub mod bit_reader;
pub mod client_datagram;
pub mod client_mutated;
pub mod client_payload;
pub mod connection_pair;
pub mod conversation;
pub mod engine_datagram;
pub mod engine_stage;
pub mod game;
pub mod genuine;
pub mod input;
pub mod mutation;
pub mod pair_script;
pub mod peer;
pub mod reliable_reassembly;
pub mod seeds;
pub mod server_datagram;
pub mod server_mutated;
pub mod token_reader;
pub mod watched_client;
pub mod watched_server;
