// Runs visitors, some at once, and adds up what became of what they measured.
import { chromium } from "playwright-core";
import { which } from "../../scripts/exec.mjs";
import { live, VISITS } from "./random-visits.mjs";
import { Random } from "./prng.mjs";
import { NEW_TAB, NEXT_PAGE, SCENARIOS } from "./scenarios.mjs";
import { Visitor } from "./visitor.mjs";

/** Visitors at once: they wait for most of their time, but on a busy machine answers take long. */
const AT_ONCE = 5;

export const openBrowser = () =>
  chromium.launch({
    executablePath: process.env.CHROME ?? which("chromium") ?? undefined,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // pages see a visitor's browser, not one that a tool drives
      "--disable-blink-features=AutomationControlled",
      // every site is this machine, and nothing else is to be found
      "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
      // the endpoint of another origin has signed its own
      "--ignore-certificate-errors",
    ],
  });

/**
 * One visitor from the first page to the last, and what became of what was measured. What `play` returns says more of it
 * than the scenario's name.
 */
const follow = async (network, browser, name, scenario, play) => {
  const visitor = await Visitor.arrives(network, browser, name);
  try {
    const more = await play(visitor);
    if (scenario.last === NEW_TAB) await visitor.opens();
    else if (scenario.last === NEXT_PAGE) await visitor.goes();
    await visitor.settles();
    return {
      scenario,
      row: [scenario.name, more].filter(Boolean).join("; "),
      ...visitor.account(),
      story: visitor.story,
    };
  } catch (error) {
    // the other visitors go on, and this one's account says nothing
    visitor.events = [];
    return {
      scenario,
      row: scenario.name,
      ...visitor.account(),
      failed: error.stack,
      story: visitor.story,
    };
  } finally {
    await visitor.leaves();
  }
};

/** Does all the work, so much of it at once. */
const inTurn = async (work) => {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < work.length) {
      const at = next;
      next += 1;
      results[at] = await work[at]();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
};

export const SOAK = { name: "random visits", last: NEW_TAB, unknowable: true };

/** Every scenario `runs` times, and lives of so many `visits`; what became of each visitor. `only`: a part of its name. */
export const soak = ({ network, browser, seed, runs, visits, only = "" }) => {
  const work = [];
  const add = (scenario, name, play) => {
    if (scenario.name.includes(only))
      work.push(() => follow(network, browser, name, scenario, play));
  };
  // the long ones first
  for (let run = 1; run <= Math.ceil(visits / VISITS); run += 1)
    add(SOAK, `z${run}`, (visitor) =>
      live(visitor, new Random(seed, 100, run), new Random(seed, 101, run)),
    );
  SCENARIOS.forEach((scenario, number) => {
    for (let run = 1; run <= runs; run += 1)
      add(scenario, `${"abcdefghijkl"[number]}${run}`, (visitor) =>
        scenario.play(visitor, new Random(seed, number, run)),
      );
  });
  return inTurn(work);
};

/**
 * What must not be, each with the visitor's story. `mostTwice`: so large a part of what random visits measure may arrive
 * twice. All of it was under way when its page ended, which takes longer on a busy machine.
 */
export const faults = (results, mostTwice = 1) => {
  const found = [];
  for (const {
    scenario,
    row,
    lost,
    unexplained,
    unknowable,
    boxes,
    failed,
    story,
  } of results) {
    const wrong = failed ? [failed] : [];
    if (lost.length) wrong.push(`lost: ${lost.join(" ")}`);
    if (unknowable && !scenario.unknowable)
      wrong.push(`${unknowable} lost by beacons`);
    if (unexplained.length)
      wrong.push(`arrived twice without a reason: ${unexplained.join(" ")}`);
    if (boxes.length) wrong.push(`left in the outbox: ${boxes.join("\n")}`);
    if (wrong.length) found.push(`${row}: ${wrong.join("; ")}\n${story}`);
  }
  const lives = sum(results.filter(({ scenario }) => scenario === SOAK));
  if (lives.twice > lives.measured * mostTwice)
    found.push(
      `${SOAK.name}: ${lives.twice} of ${lives.measured} arrived twice`,
    );
  return found;
};

const sum = (results) => {
  const total = (value) => results.reduce((all, it) => all + value(it), 0);
  return {
    visitors: results.length,
    measured: total(({ measured }) => measured),
    delivered: total(({ delivered }) => delivered),
    twice: total(({ twice }) => twice),
    underWay: total(({ underWay }) => underWay),
    doubted: total(({ doubted }) => doubted),
    held: total(({ held }) => held),
    unknowable: total(({ unknowable }) => unknowable),
    lost: total(({ lost }) => lost.length),
  };
};

/** A Markdown table, a line for each scenario; those that can end in two ways have two. */
export const table = (results) => {
  const rows = new Map();
  for (const result of results)
    rows.set(result.row, [...(rows.get(result.row) ?? []), result]);
  const lines = [...rows].map(([row, its]) => {
    const all = sum(its);
    return [
      row,
      all.visitors,
      all.measured,
      all.delivered,
      all.twice,
      all.underWay + all.doubted,
      all.held,
      all.unknowable,
      all.lost,
    ];
  });
  return [HEADS, RULES, ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
};

const HEADS = [
  "scenario",
  "visitors",
  "measured",
  "delivered",
  "delivered twice",
  "of these under way when the page ended",
  "of these held back by a silent line",
  "lost by a beacon",
  "lost otherwise",
];
const RULES = HEADS.map((_, i) => (i ? "---:" : "---"));
