// The script around the debug build. The pixel loads it when debug is on.

import * as glue from "oaiq:glue";
import { moduleBytes } from "./module.js";

const { exports } = new WebAssembly.Instance(
  new WebAssembly.Module(moduleBytes()),
  { "./oaiq_bg.js": glue },
);
glue.__wbg_set_wasm(exports);
exports.__wbindgen_start();
window.oaiq.__explain(glue.explain);
