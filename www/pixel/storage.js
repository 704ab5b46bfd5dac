// The page's stores. Each look at one costs more than a read from it, so they are looked at once.

import { enter } from "./wasm-bridge.js";
import { listen } from "./safe-builtins.js";

let local;
let session;

/** `localStorage`, if the browser lets it. Other tabs are heard from then on: before, that is a start's longest step. */
export const localStore = () => {
  if (!local) {
    local = localStorage;
    listen(window, "storage", () => enter((module) => module.onStorageEvent()));
  }
  return local;
};

const storage = (isSession) =>
  isSession ? (session ??= sessionStorage) : localStore();

export const stored = (isSession, key) => storage(isSession).getItem(key);

export const store = (isSession, key, value) =>
  storage(isSession).setItem(key, value);
