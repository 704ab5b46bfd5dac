// The ways in which measured events may be lost. Each ends on a page that can send everything that is left.

/**
 * @typedef {import("./prng.mjs").Prng} Prng
 * @typedef {import("./visitor.mjs").Visitor} Visitor
 *
 * @typedef {object} Scenario
 * @property {string} name
 * @property {"next page" | "new tab"} [last] where the visitor goes at the end; by default they stay
 * @property {boolean} [allowsBeaconLoss] whether events may be lost by a beacon, where the browser cannot tell a page that
 *   the network is down
 *
 * @typedef {(visitor: Visitor, prng: Prng) => Promise<string | void>} Run all pages but the last; may return what to add to
 *   the scenario's name in the table
 */

/** @type {"order"[]} */
const BURST = Array(400).fill("order");
const OUTAGE_MS = 20_000;

/** What the browser sends as a page is left has reached the network by then. */
const AFTER_PAGEHIDE_MS = 200;

/**
 * Over a network that is down: a call, a wait, and some way of leaving; then another page, over a network that is up.
 *
 * @param {(visitor: Visitor) => Promise<void>} leave
 * @returns {Run}
 */
const whileDown = (leave) => async (visitor, prng) => {
  await visitor.openTab();
  visitor.connection.setState("down");
  await visitor.measure(["order"]);
  await visitor.wait(prng.integer(0, 3_000));
  const page = visitor.currentPage;
  await leave(visitor);
  await visitor.wait(AFTER_PAGEHIDE_MS);
  visitor.connection.setState("up");
  return visitor.connection.pagesWithFailures.has(page)
    ? "left after a request had failed"
    : "left before any request had failed";
};

/**
 * The same where the browser knows that it is offline, so that no page loads either.
 *
 * @param {(visitor: Visitor) => Promise<void>} leave
 * @returns {Run}
 */
const whileOffline = (leave) => async (visitor, prng) => {
  await visitor.openTab();
  await visitor.setOffline(true);
  await visitor.waitUntilOfflineIsKnown();
  await visitor.measure(["order"]);
  await visitor.wait(prng.integer(0, 3_000));
  await leave(visitor);
  await visitor.setOffline(false);
};

export const NEXT_PAGE = "next page";
export const NEW_TAB = "new tab";

/** @type {(Scenario & {run: Run})[]} */
export const SCENARIOS = [
  {
    name: "network down for 20 s, stay",
    async run(visitor, prng) {
      await visitor.openTab();
      visitor.connection.setState("down");
      const end = Date.now() + OUTAGE_MS;
      while (Date.now() < end) {
        await visitor.measure(["order"]);
        await visitor.wait(prng.integer(500, 3_000));
      }
      visitor.connection.setState("up");
    },
  },
  {
    name: "left right after a call",
    async run(visitor) {
      await visitor.openTab();
      await visitor.measure(["order"], true);
    },
  },
  {
    // a request without a response is sent again by the next page, and so delivered twice
    name: "left while a request is in flight",
    async run(visitor) {
      await visitor.openTab();
      visitor.connection.setState("stalled");
      await visitor.measure(["order"]);
      await visitor.waitUntilSent();
      await visitor.goto();
      await visitor.wait(AFTER_PAGEHIDE_MS);
      visitor.connection.setState("up");
    },
  },
  {
    name: "left before the script has loaded",
    async run(visitor, prng) {
      const release = visitor.connection.holdScript();
      await visitor.openTab("snippet", "domcontentloaded");
      await visitor.measure(["order", "view"]);
      await visitor.wait(prng.integer(0, 500));
      await visitor.goto("snippet", "domcontentloaded");
      release();
    },
  },
  {
    name: "network down, next page",
    allowsBeaconLoss: true,
    run: whileDown((visitor) => visitor.goto()),
  },
  {
    name: "network down, tab closed, a new tab",
    last: NEW_TAB,
    allowsBeaconLoss: true,
    run: whileDown((visitor) => visitor.closeTab()),
  },
  {
    name: "offline, next page",
    last: NEXT_PAGE,
    run: whileOffline((visitor) => visitor.gotoOffline()),
  },
  {
    name: "offline, tab closed, a new tab",
    last: NEW_TAB,
    run: whileOffline((visitor) => visitor.closeTab()),
  },
  {
    name: "crash half a second after a call",
    last: NEW_TAB,
    async run(visitor) {
      await visitor.openTab();
      await visitor.measure(["order"]);
      await visitor.waitInPage(500);
      await visitor.crash();
    },
  },
  {
    name: "400 orders at once, stay",
    async run(visitor) {
      await visitor.openTab();
      await visitor.measure(BURST);
    },
  },
  {
    name: "400 orders at once, left right after",
    async run(visitor) {
      await visitor.openTab();
      await visitor.measure(BURST, true);
    },
  },
];
