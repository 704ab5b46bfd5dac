// The script around the debug build. The pixel loads it when debug is on.

import { __wbg_set_wasm, explain } from "oaiq:glue";
import { imports } from "oaiq:imports";
import { moduleBytes } from "./module.js";

const start = () => {
  const { exports: module } = new WebAssembly.Instance(
    new WebAssembly.Module(moduleBytes()),
    imports,
  );
  __wbg_set_wasm(module);
  module.__wbindgen_start();
  return explain;
};

/** Where no WebAssembly may run, one line says so, and the steps are not told. */
const nothing = (why) => {
  console.warn(
    `[oaiq] debug is on, but its texts need WebAssembly, which this page does not let run (${why})`,
  );
  return () => {};
};

let explainer;
try {
  explainer = start();
} catch (why) {
  explainer = nothing(why);
}
window.oaiq.__explain(explainer);
