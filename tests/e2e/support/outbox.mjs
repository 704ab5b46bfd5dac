// Pages and expressions for the tests of the outbox.
import { Visitor } from "./browser.mjs";
import { EMPTY, PAGE, startSite } from "./site.mjs";

export const OUTBOX_PREFIX = "oaiq_outbox.1:";

/** All records in the outbox, joined. */
export const RECORDS = `Object.entries(localStorage).filter(([key]) => key.startsWith("${OUTBOX_PREFIX}")).map(([, record]) => record).join()`;

/** The localStorage keys of the records and of what else the outbox stores: `string[]`. */
export const OUTBOX_KEYS = `Object.keys(localStorage).filter((key) => key.startsWith("oaiq_outbox"))`;

/**
 * Opens an empty page as a new visitor, by default on localhost, where Web Locks are available.
 *
 * @param {import("node:test").TestContext} t
 * @param {import("./browser.mjs").TestBrowser} browser
 * @param {Record<string, import("./site.mjs").Page>} [pages]
 */
export const openEmptyPage = async (t, browser, pages, host = "localhost") => {
  const site = await startSite(t, { "/": EMPTY, "/next": PAGE, ...pages });
  const visitor = await Visitor.create(t, browser);
  const tab = await visitor.openPage(site.url("/", host));
  const putRecord = (/** @type {string} */ text) =>
    tab.evaluate(
      `localStorage.setItem("${OUTBOX_PREFIX}left", ${JSON.stringify(text)})`,
    );
  return { site, visitor, tab, putRecord, next: site.url("/next", host) };
};
