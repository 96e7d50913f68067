#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidelock_fuzz::reliable_reassembly::run(data));
