// The compiled module, as it is carried inside a script: a character a byte, of which the lower half counts.

import { text } from "oaiq:module";

/** The module's bytes. */
export const moduleBytes = () => {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
};
