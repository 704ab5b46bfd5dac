// The ways in which what was measured may be lost. Each ends on a page that can send all that is left.

const BURST = Array(400).fill("order");
const OUTAGE_MS = 20_000;

/** What a page has just given to the browser has met the line as it was. */
const AFTER_LEAVING_MS = 200;

/** Over a line that is down: a call, a stay, some way of leaving; then another page, over a line that is up. */
const overBrokenLine = (leave) => async (visitor, random) => {
  await visitor.opens();
  visitor.line.turn("down");
  await visitor.measures(["order"]);
  await visitor.stays(random.from(0, 3_000));
  const page = visitor.here;
  await leave(visitor);
  await visitor.stays(AFTER_LEAVING_MS);
  visitor.line.turn("up");
  return visitor.line.failing.has(page)
    ? "left after a request had failed"
    : "left before any request had failed";
};

/** The same where the browser knows that it is offline, so no page comes either. */
const offline = (leave) => async (visitor, random) => {
  await visitor.opens();
  await visitor.setOffline(true);
  await visitor.knowsItIsOffline();
  await visitor.measures(["order"]);
  await visitor.stays(random.from(0, 3_000));
  await leave(visitor);
  await visitor.setOffline(false);
};

export const NEXT_PAGE = "next page";
export const NEW_TAB = "new tab";

/**
 * `play(visitor, random)` is all but the `last` page, if that is not the one where it ends. Where the browser cannot tell
 * a page that its line is broken, events may be `unknowable`; such visitors are told apart by what their page knew.
 */
export const SCENARIOS = [
  {
    name: "outage of 20 s, stay",
    async play(visitor, random) {
      await visitor.opens();
      visitor.line.turn("down");
      const end = Date.now() + OUTAGE_MS;
      while (Date.now() < end) {
        await visitor.measures(["order"]);
        await visitor.stays(random.from(500, 3_000));
      }
      visitor.line.turn("up");
    },
  },
  {
    name: "left at once after a call",
    async play(visitor) {
      await visitor.opens();
      await visitor.measures(["order"], true);
    },
  },
  {
    // what has been sent and not been answered goes again from the next page, and so arrives twice
    name: "left while a request is under way",
    async play(visitor) {
      await visitor.opens();
      visitor.line.turn("silent");
      await visitor.measures(["order"]);
      await visitor.untilSent();
      await visitor.goes();
      await visitor.stays(AFTER_LEAVING_MS);
      visitor.line.turn("up");
    },
  },
  {
    name: "left before the script has loaded",
    async play(visitor, random) {
      const release = visitor.line.holdScript();
      await visitor.opens("snippet", "domcontentloaded");
      await visitor.measures(["order", "view"]);
      await visitor.stays(random.from(0, 500));
      await visitor.goes("snippet", "domcontentloaded");
      release();
    },
  },
  {
    name: "line down, next page",
    unknowable: true,
    play: overBrokenLine((visitor) => visitor.goes()),
  },
  {
    name: "line down, tab closed, a new tab",
    last: NEW_TAB,
    unknowable: true,
    play: overBrokenLine((visitor) => visitor.closes()),
  },
  {
    name: "offline, next page",
    last: NEXT_PAGE,
    play: offline((visitor) => visitor.goesNowhere()),
  },
  {
    name: "offline, tab closed, a new tab",
    last: NEW_TAB,
    play: offline((visitor) => visitor.closes()),
  },
  {
    name: "crash half a second after a call",
    last: NEW_TAB,
    async play(visitor) {
      await visitor.opens();
      await visitor.measures(["order"]);
      await visitor.livesOn(500);
      await visitor.crashes();
    },
  },
  {
    name: "400 orders in a burst, stay",
    async play(visitor) {
      await visitor.opens();
      await visitor.measures(BURST);
    },
  },
  {
    name: "400 orders in a burst, left at once",
    async play(visitor) {
      await visitor.opens();
      await visitor.measures(BURST, true);
    },
  },
];
