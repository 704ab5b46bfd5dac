//! SHA-256 (FIPS 180-4). It is synchronous and does not depend on Web Crypto.
//!
//! The constants of the standard are computed from primes instead of being stored: random bytes do not compress, and the
//! code that computes them is smaller.

use crate::mem::{Scratch, ScratchString, ThinStr};

/// The first 32 bits of the fractional part.
fn fraction(number: f64) -> u32 {
    // the cast cuts off the integer part
    (number * 4_294_967_296.0) as u64 as u32
}

/// Newton's method. This many iterations give more bits than needed.
fn cube_root(number: f64) -> f64 {
    let mut root = number;
    for _ in 0..60 {
        root -= (root - number / (root * root)) / 3.0;
    }
    root
}

fn is_prime(number: u32) -> bool {
    let mut divisor = 2;
    while !number.is_multiple_of(divisor) {
        divisor += 1;
    }
    divisor == number
}

/// The sigma functions of the standard. The last term of the lowercase ones is a shift.
fn sigma(word: u32, turn: u32, another: u32, last: u32) -> u32 {
    word.rotate_right(turn) ^ word.rotate_right(another) ^ last
}

/// The digest of a string, as 64 lowercase hexadecimal digits.
pub fn sha256_hex<'s>(s: Scratch<'s>, text: ThinStr) -> ScratchString<'s> {
    // the initial hash value, and the round constants
    let mut state = [0u32; 8];
    let mut rounds = [0u32; 64];
    let (mut found, mut number) = (0, 2);
    while found < 64 {
        if is_prime(number) {
            if found < 8 {
                state[found] = fraction(f64::from(number).sqrt());
            }
            rounds[found] = fraction(cube_root(f64::from(number)));
            found += 1;
        }
        number += 1;
    }

    // the message, a 1 bit, zeros, and its length in bits in the last 8 bytes of a 64-byte block
    let length = text.len();
    let blocks = (length + 9).div_ceil(64);
    let mut message = text;
    let mut words = [0u32; 64];
    for block in 0..blocks {
        for i in 0..64 {
            let at = block * 64 + i;
            let byte = if at < length {
                let byte = message.first_byte();
                message = message.advance();
                byte
            } else if at == length {
                0x80
            } else {
                0
            };
            words[i / 4] = words[i / 4] << 8 | u32::from(byte);
        }
        if block + 1 == blocks {
            words[15] = length as u32 * 8;
        }
        let mut v = state;
        for i in 0..64 {
            if i >= 16 {
                let (a, b) = (words[i - 15], words[i - 2]);
                words[i] = sigma(a, 7, 18, a >> 3)
                    .wrapping_add(sigma(b, 17, 19, b >> 10))
                    .wrapping_add(words[i - 16])
                    .wrapping_add(words[i - 7]);
            }
            let (a, e) = (v[0], v[4]);
            let one = sigma(e, 6, 11, e.rotate_right(25))
                .wrapping_add((e & v[5]) ^ (!e & v[6]))
                .wrapping_add(v[7])
                .wrapping_add(rounds[i])
                .wrapping_add(words[i]);
            let two = sigma(a, 2, 13, a.rotate_right(22))
                .wrapping_add((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
            for j in (1..8).rev() {
                v[j] = v[j - 1];
            }
            v[0] = one.wrapping_add(two);
            v[4] = v[4].wrapping_add(one);
        }
        for i in 0..8 {
            state[i] = state[i].wrapping_add(v[i]);
        }
    }

    let mut out = s.string();
    for i in 0..64 {
        let digit = (state[i / 8] >> (28 - i % 8 * 4)) as u8 & 15;
        let first = if digit < 10 { b'0' } else { b'a' - 10 };
        out = out.append_byte(first + digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::{Scope, ThinString, thin};
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    fn reference(bytes: &[u8]) -> String {
        Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    #[test]
    fn example_of_the_standard_has_its_digest() {
        let scope = Scope::open();
        let s = scope.scratch();
        assert_eq!(
            sha256_hex(s, thin!("abc")).as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn every_length_up_to_three_blocks_is_padded() {
        for length in 0..200 {
            let text = "a".repeat(length);
            assert_eq!(hash(&text), reference(text.as_bytes()), "{length}");
        }
    }

    proptest! {
        #[test]
        fn digest_equals_that_of_sha2(text in "[^\0]*") {
            prop_assert_eq!(hash(&text), reference(text.as_bytes()));
        }
    }

    fn hash(text: &str) -> String {
        let scope = Scope::open();
        let s = scope.scratch();
        sha256_hex(s, ThinString::from(text).as_thin())
            .as_str()
            .into()
    }
}
