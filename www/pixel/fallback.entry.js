// oaiq.fallback.min.js: the module as JavaScript, made by wasm2js, for pages and browsers that forbid WebAssembly.

import { instantiate } from "oaiq:fallback";

window.oaiq.__fallback(instantiate);
