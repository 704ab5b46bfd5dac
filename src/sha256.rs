//! SHA-256 (FIPS 180-4), synchronous, so that hashing needs neither a wait nor Web Crypto.
//!
//! The standard's constants are computed from the primes they come from instead of being stored: random
//! bytes do not compress, and the arithmetic is smaller than they are.

/// The first 32 bits of the fraction of the square root and of the cube root of each of the first 64 primes, found by
/// Newton's method, which by these rounds is exact to more bits than are wanted.
fn constants() -> ([u32; 64], [u32; 64]) {
    let (mut squares, mut cubes) = ([0; 64], [0; 64]);
    let mut number = 1;
    for (square, cube) in squares.iter_mut().zip(&mut cubes) {
        loop {
            number += 1;
            if (2..number).all(|divisor| number % divisor != 0) {
                break;
            }
        }
        let prime = f64::from(number);
        let (mut root2, mut root3) = (prime, prime);
        for _ in 0..40 {
            root2 -= (root2 * root2 - prime) / (2.0 * root2);
            root3 -= (root3 * root3 * root3 - prime) / (3.0 * root3 * root3);
        }
        // all bits before the point are cut off by the cast
        *square = (root2 * 4_294_967_296.0) as u64 as u32;
        *cube = (root3 * 4_294_967_296.0) as u64 as u32;
    }
    (squares, cubes)
}

/// The standard's sigma functions; the last term of the small ones is a shift.
fn sigma(word: u32, turns: [u32; 2], last: u32) -> u32 {
    word.rotate_right(turns[0]) ^ word.rotate_right(turns[1]) ^ last
}

/// The digest of these bytes, as 64 lowercase hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    let (initial, rounds) = constants();
    let mut state = [0; 8];
    state.copy_from_slice(&initial[..8]);

    // the message, a bit 1, zeroes, and its length in bits as the last 8 bytes of a block of 64
    let mut message = bytes.to_vec();
    message.push(0x80);
    while message.len() & 63 != 56 {
        message.push(0);
    }
    message.extend_from_slice(&(bytes.len() as u64 * 8).to_be_bytes());

    let mut words = [0u32; 64];
    for block in message.chunks_exact(64) {
        let mut v = state;
        for i in 0..64 {
            let word = if i < 16 {
                let [a, b, c, d] = [0, 1, 2, 3].map(|byte| u32::from(block[4 * i + byte]));
                a << 24 | b << 16 | c << 8 | d
            } else {
                let (a, b) = (words[i - 15], words[i - 2]);
                sigma(a, [7, 18], a >> 3)
                    .wrapping_add(sigma(b, [17, 19], b >> 10))
                    .wrapping_add(words[i - 16])
                    .wrapping_add(words[i - 7])
            };
            words[i] = word;
            let [a, b, c, _, e, f, g, h] = v;
            let one = h
                .wrapping_add(sigma(e, [6, 11], e.rotate_right(25)))
                .wrapping_add((e & f) ^ (!e & g))
                .wrapping_add(rounds[i])
                .wrapping_add(word);
            let two =
                sigma(a, [2, 13], a.rotate_right(22)).wrapping_add((a & b) ^ (a & c) ^ (b & c));
            v.copy_within(0..7, 1);
            v[0] = one.wrapping_add(two);
            v[4] = v[4].wrapping_add(one);
        }
        for (word, add) in state.iter_mut().zip(v) {
            *word = word.wrapping_add(add);
        }
    }

    let mut out = String::new();
    for word in state {
        for byte in word.to_be_bytes() {
            crate::text::push_hex(&mut out, byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    fn reference(bytes: &[u8]) -> String {
        Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    #[test]
    fn the_standard_s_own_example_is_hashed_as_the_standard_says() {
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn every_length_up_to_three_blocks_is_padded_rightly() {
        for length in 0..200 {
            let bytes = vec![0xa5; length];
            assert_eq!(sha256_hex(&bytes), reference(&bytes), "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_hashed_as_a_known_library_does(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(sha256_hex(&bytes), reference(&bytes));
        }
    }
}
