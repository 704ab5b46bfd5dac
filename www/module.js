// The compiled module, as it is carried inside a script.

import { hexadecimal } from "oaiq:module";

/** The module's bytes. */
export const moduleBytes = () => {
  const bytes = new Uint8Array(hexadecimal.length / 2);
  for (let i = 0; i < bytes.length; i += 1)
    bytes[i] = parseInt(hexadecimal.slice(2 * i, 2 * i + 2), 16);
  return bytes;
};
