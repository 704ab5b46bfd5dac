// oaiq.layer.min.js: measures what the page's data layer says. The script loads this file where `data-oaiq-layer` or
// `oaiq.config.layer` asks for it.

import { each } from "../consent/lists.js";
import { follow } from "./follow.js";
import { createMapper } from "./map.js";
import { DATA_LAYER } from "../pixel/debug-events.gen.js";
import { tryOr } from "../pixel/safe-builtins.js";

/** A page with many faults has the same few. */
const MAX_NOTES = 50;
const MAX_SHOWN = 60;

/** @param {unknown} value */
const shown = (value) =>
  (typeof value === "string" || typeof value === "number"
    ? `${value}`
    : `(${typeof value})`
  ).slice(0, MAX_SHOWN);

/**
 * The option is the layer's name; otherwise it is `dataLayer`.
 *
 * @type {import("../types/internal.js").StartIntegration}
 */
const start = (option, _hooks, trace) => {
  const layer =
    typeof option === "string" && !/^\s*(true)?\s*$/.test(option)
      ? option.trim()
      : "dataLayer";
  let notes = 0;
  /** @type {Record<string, 1>} */
  const noted = /** @type {any} */ ({ __proto__: null });
  /** @type {import("./map.js").Note} */
  const note = (reason, field, event, about) => {
    const name = event.slice(0, MAX_SHOWN).replace(/\s+/g, " ");
    const head = `${reason} ${field} ${name}`;
    if (noted[head] || notes === MAX_NOTES) return;
    noted[head] = 1;
    notes += 1;
    trace(DATA_LAYER, `${head}\n${shown(about)}`);
  };
  const map = createMapper(
    tryOr(() => window.oaiq.config.layerEvents),
    note,
  );
  follow(
    layer,
    (entry) =>
      each(map(entry), (call) => {
        const oaiq = /** @type {(...args: unknown[]) => void} */ (
          /** @type {unknown} */ (window.oaiq)
        );
        // array patterns would use the iterator of arrays, which a page may have broken
        if (call[2]) oaiq("measure", call[0], call[1], call[2]);
        else oaiq("measure", call[0], call[1]);
      }),
    (isFound) => note(isFound ? "followed" : "missing", "", layer, ""),
  );
};

tryOr(() => window.oaiq.__layer(start));
