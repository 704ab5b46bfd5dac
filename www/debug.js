// The script around the debug build. The pixel loads it when debug is on.

import { __wbg_set_wasm, explain } from "oaiq:glue";
import { imports } from "oaiq:imports";
import { moduleBytes } from "./module.js";

const { exports: module } = new WebAssembly.Instance(
  new WebAssembly.Module(moduleBytes()),
  imports,
);
__wbg_set_wasm(module);
module.__wbindgen_start();
window.oaiq.__explain(explain);
