// Embeds WebAssembly modules in scripts, as text.
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { die, root } from "../exec.mjs";
import { DECODER_PLACEHOLDER, MODULE_PLACEHOLDER } from "./bundle.mjs";
import { withoutDelimiters } from "./old-tokenizers.mjs";
import { assembleWat } from "./wasm-opt.mjs";

const DECODER = "www/pixel/wasm-decoder.wat";
/** The memory of the decoder, in bytes. It silently truncates a larger module. */
const DECODER_MEMORY = 4 << 16;

/** Replaces the byte 0, which is by far the most frequent one, and which HTML does not allow in scripts. */
const ZERO_SUBSTITUTE = ")".charCodeAt(0);

/** @param {number} code */
const escapeHex = (code) => `\\x${code.toString(16).padStart(2, "0")}`;

/**
 * A module as characters. The decoder turns each of them into a byte.
 *
 * @param {Iterable<number>} module
 * @param {(byte: number) => boolean} isLiteral whether a byte may be the character of its own code; if not, its code is
 *   256 higher
 */
const toCharacters = (module, isLiteral) =>
  [...module].map((byte) =>
    String.fromCharCode(
      byte === 0
        ? ZERO_SUBSTITUTE
        : byte === ZERO_SUBSTITUTE || !isLiteral(byte)
          ? byte + 256
          : byte,
    ),
  );

/**
 * A module as a template literal with one character per byte: the form that brotli compresses best. Characters that a
 * template changes (a carriage return) or that would need an escape have a code 256 higher.
 *
 * @param {Buffer} module
 */
export const toTemplateLiteral = (module) => {
  const special = Buffer.from("`\\$\r");
  const text = toCharacters(module, (byte) => !special.includes(byte)).join("");
  /** @param {string} character */
  const higher = (character) =>
    String.fromCharCode(character.charCodeAt(0) + 256);
  return `\`${withoutDelimiters(text, higher)}\``;
};

/**
 * A module as a string literal in ASCII, for the npm package: bundlers and servers may change the encoding.
 *
 * @param {Buffer} module
 */
export const toAsciiString = (module) => {
  const escaped = toCharacters(module, () => true).map((character) => {
    if (/[ !#-[\]-~]/.test(character)) return character;
    const code = character.charCodeAt(0);
    return code > 0xff ? `\\u0${code.toString(16)}` : escapeHex(code);
  });
  return `"${escaped.join("")}"`;
};

/**
 * A module of ASCII bytes only as a template literal.
 *
 * @param {number[]} module
 */
const asciiToTemplateLiteral = (module) => {
  if (module.some((byte) => byte > 127))
    die(`${DECODER}: not all of its bytes are ASCII`);
  const text = String.fromCharCode(...module);
  /** @param {string} character */
  const escape = (character) => escapeHex(character.charCodeAt(0));
  const escaped = text.replace(/[`\\$\r\0]/g, escape);
  return `\`${withoutDelimiters(escaped, escape)}\``;
};

/**
 * Inserts a module, and the one that decodes it, into a bundled script.
 *
 * @param {string} script
 * @param {string} literal the module, as one of the functions above returns it
 */
export const embedWasm = async (script, literal) => {
  if (Buffer.byteLength(literal) > DECODER_MEMORY)
    die(`the module is too large for ${DECODER}: increase its memory`);
  const decoder = await assembleWat(join(root, DECODER));
  return script
    .replace(`"${DECODER_PLACEHOLDER}"`, () => asciiToTemplateLiteral(decoder))
    .replace(`"${MODULE_PLACEHOLDER}"`, () => literal);
};
