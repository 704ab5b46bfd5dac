// SHA-256 (https://csrc.nist.gov/pubs/fips/180-4/upd1/final). The browser's own is asynchronous, and needs a secure context: a value
// that is found at the last moment must be hashed before the page has gone.

import { append } from "../consent/lists.js";

const ROUNDS = 64;

/**
 * The first 32 bits of the fraction of a root.
 *
 * @param {number} number
 * @param {number} exponent
 */
const fraction = (number, exponent) =>
  ((Math.pow(number, exponent) % 1) * 2 ** 32) | 0;

/** @type {number[]} */
const INITIAL = [];
/** @type {number[]} */
const CONSTANTS = [];
for (let number = 2; CONSTANTS.length < ROUNDS; number += 1) {
  let divisor = 2;
  while (number % divisor) divisor += 1;
  if (divisor < number) continue;
  if (INITIAL.length < 8) append(INITIAL, fraction(number, 1 / 2));
  append(CONSTANTS, fraction(number, 1 / 3));
}

/**
 * @param {number} word
 * @param {number} bits
 */
const rotate = (word, bits) => (word >>> bits) | (word << (32 - bits));

/**
 * @param {number} word
 * @param {number} one
 * @param {number} two
 * @param {number} three
 */
const mix = (word, one, two, three) =>
  rotate(word, one) ^ rotate(word, two) ^ rotate(word, three);

/**
 * The digest of a text, in hexadecimal.
 *
 * @param {string} text
 */
export const sha256 = (text) => {
  const bytes = new TextEncoder().encode(text);
  const { length } = bytes;
  // typed arrays cut sums to 32 bits
  const words = new Int32Array(((length + 8) >> 6) * 16 + 16);
  for (let i = 0; i <= length; i += 1)
    words[i >> 2] |= (i < length ? bytes[i] : 0x80) << (24 - (i % 4) * 8);
  words[words.length - 1] = length * 8;

  const digest = new Int32Array(8);
  digest.set(INITIAL);
  const schedule = new Int32Array(ROUNDS);
  for (let block = 0; block < words.length; block += 16) {
    const state = digest.slice();
    for (let i = 0; i < ROUNDS; i += 1) {
      const near = schedule[i - 2];
      const far = schedule[i - 15];
      schedule[i] =
        i < 16
          ? words[block + i]
          : schedule[i - 16] +
            schedule[i - 7] +
            (rotate(far, 7) ^ rotate(far, 18) ^ (far >>> 3)) +
            (rotate(near, 17) ^ rotate(near, 19) ^ (near >>> 10));
      const a = state[0];
      const e = state[4];
      const sum =
        state[7] +
        mix(e, 6, 11, 25) +
        ((e & state[5]) ^ (~e & state[6])) +
        CONSTANTS[i] +
        schedule[i];
      const next =
        sum +
        mix(a, 2, 13, 22) +
        ((a & state[1]) ^ (a & state[2]) ^ (state[1] & state[2]));
      state.copyWithin(1, 0);
      state[4] += sum;
      state[0] = next;
    }
    for (let i = 0; i < 8; i += 1) digest[i] += state[i];
  }
  let hex = "";
  for (let i = 0; i < 8; i += 1)
    hex += ((digest[i] >>> 0) + 2 ** 32).toString(16).slice(1);
  return hex;
};
