/**
 * SHA-256, synchronous and for pages on plain http, where `crypto.subtle` is missing. Good enough for a few short words.
 * https://csrc.nist.gov/pubs/fips/180-4/upd1/final
 */
const PRIMES = (() => {
  /** @type {number[]} */
  const primes = [];
  for (let n = 2; primes.length < 64; n += 1)
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
})();

/**
 * The first 32 bits of a number's fractional part.
 *
 * @param {number} number
 */
const fraction = (number) => Math.floor((number % 1) * 2 ** 32) >>> 0;
const ROUNDS = PRIMES.map((prime) => fraction(Math.cbrt(prime)));
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

/**
 * @param {number} word
 * @param {number} bits
 */
const rotateRight = (word, bits) => (word >>> bits) | (word << (32 - bits));

/**
 * The digest of a text's UTF-8 bytes, as 64 lowercase hexadecimal digits.
 *
 * @param {string} text
 */
export const sha256 = (text) => {
  const bytes = new TextEncoder().encode(text);
  // a 1 bit, zeroes, and the length in bits, up to a whole number of blocks
  const padded = new DataView(
    new ArrayBuffer(Math.ceil((bytes.length + 9) / 64) * 64),
  );
  new Uint8Array(padded.buffer).set(bytes);
  padded.setUint8(bytes.length, 0x80);
  padded.setUint32(padded.byteLength - 4, bytes.length * 8);

  const hash = Uint32Array.from(START);
  const words = new Uint32Array(64);
  for (let block = 0; block < padded.byteLength; block += 64) {
    for (let i = 0; i < 16; i += 1) words[i] = padded.getUint32(block + i * 4);
    for (let i = 16; i < 64; i += 1) {
      const [far, near] = [words[i - 15], words[i - 2]];
      words[i] =
        words[i - 16] +
        (rotateRight(far, 7) ^ rotateRight(far, 18) ^ (far >>> 3)) +
        words[i - 7] +
        (rotateRight(near, 17) ^ rotateRight(near, 19) ^ (near >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = hash;
    for (let i = 0; i < 64; i += 1) {
      const one =
        h +
        (rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25)) +
        ((e & f) ^ (~e & g)) +
        ROUNDS[i] +
        words[i];
      const other =
        (rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22)) +
        ((a & b) ^ (a & c) ^ (b & c));
      [a, b, c, d, e, f, g, h] = [
        (one + other) | 0,
        a,
        b,
        c,
        (d + one) | 0,
        e,
        f,
        g,
      ];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => {
      hash[i] += word;
    });
  }
  return [...hash].map((word) => word.toString(16).padStart(8, "0")).join("");
};
