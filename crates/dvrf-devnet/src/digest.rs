//! The chain's ids: repeatable 32-byte digests of a seed, not cryptographic ones.

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The next value of the splitmix64 sequence that follows `state`.
pub(crate) fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

pub(crate) fn number(label: &str, a: u64, b: u64) -> u64 {
    let mut state = mix(a) ^ mix(b.rotate_left(32));
    for byte in label.bytes() {
        state = mix(state ^ u64::from(byte));
    }
    mix(state)
}

pub(crate) fn bytes(label: &str, a: u64, b: u64) -> [u8; 32] {
    let mut out = [0; 32];
    let mut state = number(label, a, b);
    for chunk in out.chunks_mut(8) {
        state = mix(state);
        chunk.copy_from_slice(&state.to_be_bytes());
    }
    out
}

/// `0x` and 64 digits, the way hashes look in every answer.
pub(crate) fn id(label: &str, a: u64, b: u64) -> String {
    format!("0x{}", hex(&bytes(label, a, b)))
}
