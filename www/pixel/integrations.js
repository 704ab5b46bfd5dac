// Loads the files that connect the pixel to what a page has: its data layer, its forms, its router. Each is loaded only where an
// option asks for it.

import { loadAsset } from "./lazy-assets.js";
import { mayStore } from "./outbox-store.js";
import { normalizeIdentifier } from "./normalize-identifier.js";
import { isOn } from "./options.js";
import { observers, records, trace } from "./trace.js";
import { callModule } from "./wasm-bridge.js";
import { warn } from "./safe-builtins.js";

/**
 * What the files do for the pixel, once they are loaded.
 *
 * @type {import("../types/internal.js").Hooks}
 */
export const hooks = /** @type {any} */ ({ __proto__: null });

/**
 * Loads `oaiq.<file>.min.js`, unless its option is missing or off.
 *
 * @param {"layer" | "fields" | "matching" | "views"} file
 * @param {unknown} option
 */
export const loadIntegration = (file, option) => {
  if (isOn(option))
    loadAsset(
      file,
      (start) =>
        start(
          option,
          hooks,
          trace,
          observers,
          mayStore,
          records,
          normalizeIdentifier,
          callModule,
        ),
      warn,
    );
};
