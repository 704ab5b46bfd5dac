// localStorage and sessionStorage. The property access costs more than a read, so each one is accessed once.

import { callModule } from "./wasm-bridge.js";
import { on } from "./safe-builtins.js";

/** @type {Storage | undefined} */
let local;
/** @type {Storage | undefined} */
let session;

/**
 * Returns `localStorage`; throws where the browser refuses it. The first call also starts listening to changes by other tabs:
 * done any earlier, that would be the slowest step of the start.
 */
export const getLocalStorage = () => {
  if (!local) {
    local = localStorage;
    on(window, "storage", () =>
      callModule((module) => module.onStorageEvent()),
    );
  }
  return local;
};

/** @param {number | boolean} isSession */
const storage = (isSession) =>
  isSession ? (session ??= sessionStorage) : getLocalStorage();

/**
 * @param {number | boolean} isSession
 * @param {string} key
 */
export const storageGet = (isSession, key) => storage(isSession).getItem(key);

/**
 * @param {number | boolean} isSession
 * @param {string} key
 * @param {string} value
 */
export const storageSet = (isSession, key, value) =>
  storage(isSession).setItem(key, value);
