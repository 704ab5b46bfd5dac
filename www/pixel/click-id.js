// The click ID: the parameter `oppref` that ChatGPT adds to the URL of an ad.

import { tryOr } from "./safe-builtins.js";
import { escapeJson } from "./serialize-call.js";

/** @param {string | undefined} url */
const clickIdIn = (url) =>
  tryOr(() =>
    new URL(/** @type {string} */ (url)).searchParams.get("oppref"),
  ) || "";

const currentClickId = () => clickIdIn(location.href);

/**
 * The click ID of the page's URL when the script ran, or when the page was requested: the page may have changed its URL
 * since. "" if there is none.
 */
export const landingClickId =
  currentClickId() ||
  clickIdIn(tryOr(() => performance.getEntriesByType("navigation")[0].name));

/** `Host::click_id` of src/host.rs. */
export const clickId = () => escapeJson(currentClickId() || landingClickId);
