// The compiled module, as it is carried inside a script: a character a byte, of which the lower half counts.

import { text as decoder } from "oaiq:decoder";
import { text } from "oaiq:module";

/** How browsers say that a page's policy, or their own setting, lets no WebAssembly run. */
export const FORBIDS_WASM = /CSP|policy|defined/i;

/** The module's bytes. Throws where WebAssembly may not run. */
export const moduleBytes = () => {
  const encoder = new TextEncoder();
  const { d, m } = new WebAssembly.Instance(
    new WebAssembly.Module(encoder.encode(decoder)),
  ).exports;
  const { written } = encoder.encodeInto(text, new Uint8Array(m.buffer));
  return new Uint8Array(m.buffer, 0, d(written));
};
