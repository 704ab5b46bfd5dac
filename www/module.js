// The compiled module, as it is carried inside a script: a character a byte, of which the lower half counts.

import { text } from "oaiq:module";

/** The module's bytes. */
export const moduleBytes = () => {
  // asking for the length each time would take longer than all else here
  const { length } = text;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
};
