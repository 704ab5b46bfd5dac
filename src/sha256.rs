//! SHA-256 (FIPS 180-4), synchronous, so that hashing needs neither a wait nor Web Crypto.
//!
//! The standard's constants are computed from the primes they come from instead of being stored: random
//! bytes do not compress, and the arithmetic is smaller than they are.

/// The first 32 bits of the fraction of a root.
fn fraction(root: f64) -> u32 {
    ((root - root as u32 as f64) * 4_294_967_296.0) as u32
}

/// Newton's method; exact to the 35 bits that the constants need after the rounds it makes.
fn cube_root(number: f64) -> f64 {
    let mut root = number;
    for _ in 0..40 {
        root -= (root * root * root - number) / (3.0 * root * root);
    }
    root
}

fn square_root(number: f64) -> f64 {
    let mut root = number;
    for _ in 0..40 {
        root -= (root * root - number) / (2.0 * root);
    }
    root
}

fn is_prime(number: u32) -> bool {
    (2..number).all(|divisor| !number.is_multiple_of(divisor))
}

/// The digest of these bytes, as 64 lowercase hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut primes = (2..).filter(|number| is_prime(*number));
    let mut rounds = [0; 64];
    let mut state = [0; 8];
    for (i, round) in rounds.iter_mut().enumerate() {
        let prime = f64::from(primes.next().unwrap_or(2));
        *round = fraction(cube_root(prime));
        if let Some(word) = state.get_mut(i) {
            *word = fraction(square_root(prime));
        }
    }

    // the message, a bit 1, zeroes, and its length in bits as the last 8 bytes of a block of 64
    let mut message = bytes.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend_from_slice(&(bytes.len() as u64 * 8).to_be_bytes());

    for block in message.chunks_exact(64) {
        let mut words = [0u32; 64];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = bytes
                .iter()
                .fold(0, |word, byte| word << 8 | u32::from(*byte));
        }
        for i in 16..64 {
            let (a, b) = (words[i - 15], words[i - 2]);
            let small0 = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
            let small1 = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
            words[i] = words[i - 16]
                .wrapping_add(small0)
                .wrapping_add(words[i - 7])
                .wrapping_add(small1);
        }
        let mut v = state;
        for i in 0..64 {
            let [a, b, c, _, e, f, g, h] = v;
            let big1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let big0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let one = h
                .wrapping_add(big1)
                .wrapping_add((e & f) ^ (!e & g))
                .wrapping_add(rounds[i])
                .wrapping_add(words[i]);
            let two = big0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
            v.rotate_right(1);
            v[0] = one.wrapping_add(two);
            v[4] = v[4].wrapping_add(one);
        }
        for (word, add) in state.iter_mut().zip(v) {
            *word = word.wrapping_add(add);
        }
    }

    let mut out = String::with_capacity(64);
    for byte in state.into_iter().flat_map(u32::to_be_bytes) {
        crate::text::push_hex(&mut out, byte);
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
