use super::input::Input;

/// Changes genuine bytes in up to three places, as the input says: not at all quite often, because what is genuine but
/// comes at the wrong time or from the wrong place is an attack too. The result has at most `len_max` bytes.
pub fn mutate(bytes: &mut Vec<u8>, input: &mut Input<'_>, len_max: usize) {
    for _ in 0..input.byte() % 4 {
        edit(bytes, input);
        bytes.truncate(len_max);
    }
}

fn edit(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    let kind = input.byte() % 8;
    let at = input.below(bytes.len().max(257)).min(bytes.len());
    match kind {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (input.byte() % 8);
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = input.byte();
            }
        }
        2 => bytes.truncate(at),
        3 => bytes.extend_from_slice(input.block(1_300)),
        4 => overwrite(bytes, 0, input),
        5 => overwrite(bytes, at, input),
        6 => bytes.insert(at, input.byte()),
        _ => drop((at < bytes.len()).then(|| bytes.remove(at))),
    }
}

/// Up to 16 bytes become others.
fn overwrite(bytes: &mut [u8], at: usize, input: &mut Input<'_>) {
    let len = 1 + input.below(16);
    let with = input.take(len);
    let place = &mut bytes[at..];
    let len = place.len().min(with.len());
    place[..len].copy_from_slice(&with[..len]);
}
