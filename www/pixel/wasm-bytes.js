// The compiled module, embedded in the script as a string: one character per byte, of which the low 8 bits count.

import { text as decoder } from "oaiq:decoder";
import { text } from "oaiq:module";

/** Matches the errors of browsers that forbid WebAssembly, by the page's policy or by their own setting. */
export const WASM_FORBIDDEN = /CSP|policy|defined/i;

export const encoder = /* @__PURE__ */ new TextEncoder();

/** Returns the bytes of the module. Throws where WebAssembly is forbidden. */
export const wasmBytes = () => {
  const { d, m } =
    /** @type {{ d: (length: number) => number, m: WebAssembly.Memory }} */ (
      /** @type {unknown} */ (
        new WebAssembly.Instance(
          new WebAssembly.Module(encoder.encode(decoder)),
        ).exports
      )
    );
  const { written } = encoder.encodeInto(text, new Uint8Array(m.buffer));
  return new Uint8Array(m.buffer, 0, d(written));
};
