#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidelock_fuzz::server_datagram::run(data));
