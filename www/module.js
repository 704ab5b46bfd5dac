// The compiled module, as it is carried inside a script.

import { hexadecimal } from "oaiq:module";

const digit = (at) => {
  const code = hexadecimal.charCodeAt(at);
  // "0" is 0x30, "a" is 0x61
  return (code & 15) + (code >> 6) * 9;
};

/** The module's bytes. */
export const moduleBytes = () => {
  const bytes = new Uint8Array(hexadecimal.length / 2);
  for (let i = 0; i < bytes.length; i += 1)
    bytes[i] = digit(2 * i) * 16 + digit(2 * i + 1);
  return bytes;
};
