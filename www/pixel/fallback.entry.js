// The module as JavaScript, made by wasm2js. The pixel loads it where no WebAssembly may run.

import { instantiate } from "oaiq:fallback";

window.oaiq.__fallback(instantiate);
