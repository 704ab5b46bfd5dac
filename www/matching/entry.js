// oaiq.matching.min.js: automatic advanced matching. The script loads this file where a pixel's config enables it
// (www/pixel/requests.js). It reads identifiers of the visitor from the page, and adds their hashes to requests.

import { createReader } from "./values.js";
import { each } from "../consent/lists.js";
import {
  CONFIG_RECEIVED,
  CONSENT_CHANGED,
  MATCHED,
} from "../pixel/debug-events.gen.js";
import { nameOf, targetOf } from "./dom.js";
import { forgetStructure, scan, takeScripts } from "./scan.js";
import { isHidden, setTimer, tryOr } from "../pixel/safe-builtins.js";
import { createFollower } from "./data-layer.js";
import { ownValue, readEntry } from "./scripts.js";
import { createTable } from "./tables.js";
import { clickAction, fieldAction, submitAction } from "./actions.js";
import { createHeld, eachSent, takeOwn, trim, userMember } from "./merge.js";

/** How long a pixel's config holds, in milliseconds. */
const CONFIG_MS = 300_000;
/** A config is renewed this long before its end, if the page is visible. */
const RENEWAL_MS = 3_000;
/** A request of a config is aborted after this time. */
const TIMEOUT_MS = 3_000;
/** `enabled` of a config that says nothing. */
const UNKNOWN = 2;
const EVENTS = ["change", "keydown", "click", "submit"];

/**
 * A pixel whose config has matching on.
 *
 * @typedef {object} Pixel
 * @property {import("./merge.js").Held} held
 * @property {number} endsAt - when the config ends, by `clock`
 * @property {unknown} layer - the `dataLayer` that has been read
 * @property {Record<string, number>} told - what debug has been told
 */

/** Milliseconds by a clock that never jumps. Without it, a config ends only by its timer. */
const clock = () => tryOr(() => performance.now(), 0);

const { addEventListener, removeEventListener } = EventTarget.prototype;
const { apply } = Reflect;

/**
 * The name of what a value was found in, for debug. One that is long, or looks like an identifier itself, is not told.
 *
 * @param {import("./form.js").Item} item
 */
const originOf = ({ element, property }) => {
  const name = property ?? nameOf(/** @type {Element} */ (element));
  return /@|\d{5}|.{64}/.test(name) ? "" : name;
};

/**
 * The start of the member with what the site gives itself, which is the last of a request. Quotation marks within strings are
 * escaped, so no string contains it.
 */
const OWN = ',"user":{"in":{';

/** @type {import("../types/internal.js").StartIntegration} */
const start = (
  mode,
  hooks,
  trace,
  observers,
  mayStore,
  records,
  normalizeIdentifier,
  callModule,
) => {
  // a second pixel, or a renewed config, loads the file again
  if (hooks.addUser) return;
  const readValue = createReader(normalizeIdentifier);
  const isFormsOnly = mode === "forms";
  /**
   * By their IDs, encoded for a URL.
   *
   * @type {Record<string, Pixel | undefined>}
   */
  const pixels = createTable();
  /**
   * When their configs end, on or off.
   *
   * @type {Record<string, number>}
   */
  const ends = createTable();
  let isDenied = !mayStore();
  let isListening = false;

  /**
   * Forgets what was read for a pixel.
   *
   * @param {string} id
   */
  const end = (id) => {
    delete pixels[id];
    updateListeners();
  };

  /**
   * The pixel, if it may read the page now.
   *
   * @param {string} id
   */
  const activePixel = (id) => {
    const pixel = pixels[id];
    if (pixel && clock() >= pixel.endsAt) end(id);
    return isDenied ? undefined : pixels[id];
  };

  /** @param {(pixel: Pixel, id: string) => void} work */
  const eachActive = (work) => {
    for (const id in pixels) {
      const pixel = activePixel(id);
      if (pixel) tryOr(() => work(pixel, id));
    }
  };

  /** @param {Pixel} pixel */
  const settle = ({ held, told }) => {
    trim(held);
    eachSent(held, (part, item) => {
      const { key, value, letter } = item;
      const identity = part + key + value;
      if (!told[identity])
        trace(MATCHED, `${part} ${key} ${letter} ${originOf(item)}`);
      told[identity] = 1;
    });
  };

  /** @param {Pixel} pixel */
  const scanFor = (pixel) => {
    tryOr(() => scan(pixel.held, readValue, isFormsOnly, pixel.layer));
    if (!isFormsOnly) {
      pixel.layer = ownValue(window, "dataLayer");
      follow(pixel.layer);
    }
    settle(pixel);
  };

  const follow = createFollower((entry) =>
    eachActive((pixel) => {
      takeScripts(
        pixel.held,
        readValue,
        (take) => readEntry(entry, take),
        true,
      );
      settle(pixel);
    }),
  );

  /** @param {any} event */
  const onAction = (event) =>
    tryOr(() => {
      const target = targetOf(event);
      const { type } = event;
      const action =
        target &&
        (type === "click"
          ? clickAction(target)
          : type === "submit"
            ? submitAction(target, event.submitter ?? null)
            : (type === "change" || event.key === "Enter") &&
              fieldAction(target));
      if (action)
        eachActive((pixel) => {
          action(pixel.held, readValue);
          settle(pixel);
        });
    });

  /** Listens to the page while there is a pixel that reads it. */
  const updateListeners = () => {
    let isNeeded = false;
    for (const id in pixels) isNeeded ||= !isDenied && id in pixels;
    if (isNeeded === isListening) return;
    isListening = isNeeded;
    if (!isNeeded) {
      follow();
      forgetStructure();
    }
    each(EVENTS, (type) =>
      tryOr(() =>
        apply(isNeeded ? addEventListener : removeEventListener, document, [
          type,
          onAction,
          true,
        ]),
      ),
    );
  };

  /** @returns {Omit<Pixel, "endsAt">} */
  const nothingRead = () => ({
    held: createHeld(),
    layer: undefined,
    told: createTable(),
  });

  /**
   * Requests a config again. The script hears of it if matching is off now, or if the request has failed, and then makes a
   * second one.
   *
   * @param {string} url
   * @param {number} number - of the pixel
   */
  const renew = async (url, number) => {
    if (isDenied) return;
    let status = 0;
    let enabled = UNKNOWN;
    try {
      const response = await fetch(url, {
        credentials: "omit",
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await response.text();
      status = response.status;
      const setting = JSON.parse(text)?.automatic_advanced_matching_enabled;
      if (response.ok && typeof setting === "boolean") enabled = +setting;
    } catch {
      // the script decides what an unknown status means
    }
    onConfig(url, enabled, number, status);
  };

  /**
   * A pixel's config has arrived, or the request has failed. Then an earlier one holds until its end.
   *
   * @param {string} url
   * @param {number} enabled - 1, 0, or another number if the config says nothing
   * @param {number} number - of the pixel
   * @param {number} [status] - of a renewed config
   */
  const onConfig = (url, enabled, number, status) => {
    const id = url.replace(/.*\/|\.json$/g, "");
    const before = activePixel(id);
    if (status !== undefined && enabled !== +Boolean(before))
      callModule((module) => module.onConfigResponse(number, status, enabled));
    if (enabled > 1 && before) return;
    const endsAt = (ends[id] = clock() + CONFIG_MS);
    if (enabled === 1) {
      pixels[id] = { ...(pixels[id] ?? nothingRead()), endsAt };
      updateListeners();
      const pixel = !before && activePixel(id);
      if (pixel) scanFor(pixel);
    } else end(id);
    /** Whether no other config has arrived since. */
    const isLast = () => ends[id] === endsAt;
    setTimer(
      () => isLast() && !isHidden() && renew(url, number),
      CONFIG_MS - RENEWAL_MS,
    );
    setTimer(() => {
      if (!isLast()) return;
      end(id);
      // waits while the page is hidden
      requestAnimationFrame(() => renew(url, number));
    }, CONFIG_MS);
  };

  /** @param {boolean} isNowDenied */
  const onConsent = (isNowDenied) => {
    const wasDenied = isDenied;
    isDenied = isNowDenied;
    if (isDenied)
      for (const id in pixels)
        Object.assign(/** @type {Pixel} */ (pixels[id]), nothingRead());
    updateListeners();
    if (wasDenied && !isDenied) eachActive((pixel) => scanFor(pixel));
  };

  /** @type {import("../types/internal.js").Observer} */
  const observe = (event, detail) => {
    const about = /** @type {string} */ (detail);
    if (event === CONSENT_CHANGED) onConsent(about === "denied");
    else if (event === CONFIG_RECEIVED) {
      const config = /^(\S+) \S+ (\d) (\d+)$/.exec(about);
      if (config) onConfig(config[1], +config[2], +config[3]);
    }
  };

  hooks.readPage = ([method, target]) =>
    eachActive((pixel, id) => {
      if (method !== '"measureSingle"' || target === `"${id}"`) scanFor(pixel);
    });
  hooks.addUser = (url, body, isUnloading) => {
    const pixel = activePixel(/[?&]pid=([^&]+)/.exec(url)?.[1] ?? "");
    if (!pixel) return body;
    const at = body.lastIndexOf(OWN);
    const last = body.length - 1;
    takeOwn(pixel.held, at < 0 ? "" : body.slice(at, last));
    if (isUnloading) trim(pixel.held);
    else {
      pixel.held.hasReadScripts = false;
      scanFor(pixel);
    }
    return `${body.slice(0, at < 0 ? last : at)}${userMember(pixel.held)}}`;
  };
  // a config that has arrived before this file
  each(records, (record) => {
    if (record?.[0] === CONFIG_RECEIVED) observe(record[0], record[1]);
  });
  observers[observers.length] = observe;
};

tryOr(() => window.oaiq.__matching(start));
