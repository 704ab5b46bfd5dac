"use client";
// The module `oaiq/react`: a component that starts the pixel, and a hook that measures. Both are safe in React's strict mode, which runs
// effects twice, and do nothing on a server.

import { useEffect, useState } from "react";
import { createMeasure, isOnlyQueue, oaiq, pageOaiq } from "./calls.js";

export { oaiq };

/** @type {Promise<unknown> | undefined} */
let loading;
/** Loads the pixel, once, unless the page has it already or has the install snippet. */
const load = () => {
  loading ??= import("oaiq:pixel").catch((error) =>
    console.warn(
      `[oaiq] nothing is measured: the pixel could not be loaded (${error})`,
    ),
  );
};

/**
 * The last `init` of each pixel, as JSON.
 *
 * @type {Map<string | undefined, string>}
 */
const inits = new Map();

/**
 * Starts the pixel, and updates it when its options change. Renders nothing.
 *
 * @param {import("../types/react.js").OaiqProps} props
 */
export const Oaiq = ({ pixelId, user, debug, consent, ...config }) => {
  useEffect(() => {
    const page = /** @type {import("../types/oaiq.js").Oaiq} */ (pageOaiq());
    if (!inits.size && !page.loaded)
      // the pixel reads these when it is loaded
      page.config = {
        ...page.config,
        ...config,
        ...(consent && { consent }),
      };
    const options = {
      pixelId,
      ...(user !== undefined && { user }),
      ...(debug !== undefined && { debug }),
      ...(consent && { consent }),
    };
    const json = JSON.stringify(options);
    if (inits.get(pixelId) !== json) {
      inits.set(pixelId, json);
      oaiq("init", options);
    }
    if (isOnlyQueue()) load();
  });
  return null;
};

/** Returns a function that measures an event. It is the same for the life of a component. */
export const useMeasure = () => {
  const [{ measure, onCleanUp }] = useState(() =>
    createMeasure((args) =>
      /** @type {(...args: unknown[]) => void} */ (oaiq)("measure", ...args),
    ),
  );
  useEffect(() => onCleanUp, [onCleanUp]);
  return measure;
};
