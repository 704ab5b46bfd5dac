// A visitor's life at random: some visits of some pages, over a line that breaks at times.
import { setTimeout as pause } from "node:timers/promises";
import { KINDS } from "./visitor.mjs";

/** Visits of one visitor. */
export const VISITS = 4;

/** The longest time between two outages. */
const CALM_MS = 60_000;

/** Breaks the line at times, until `ends`; then it is up. */
class Weather {
  #stop = new AbortController();
  #over;

  constructor(visitor, random) {
    this.#over = this.#changes(visitor, random);
  }

  async #changes(visitor, random) {
    const { signal } = this.#stop;
    const lasts = (ms) => pause(ms, undefined, { signal }).catch(() => {});
    for (;;) {
      await lasts(random.from(0, CALM_MS));
      if (signal.aborted) return;
      const kind = random.oneOf(["down", "down", "silent", "offline"]);
      if (kind === "offline") await visitor.setOffline(true);
      else visitor.line.turn(kind);
      await lasts(random.from(500, 8_000));
      if (kind === "offline") await visitor.setOffline(false);
      else visitor.line.turn("up");
    }
  }

  async ends() {
    this.#stop.abort();
    await this.#over;
  }
}

const someKinds = (random) =>
  Array.from({ length: random.from(1, 3) }, () => random.oneOf(KINDS));

/** The way to a page of a random kind, whose script may come late. */
const kindOfPage = (visitor, random) => {
  if (random.chance(0.5)) return ["script", "load"];
  if (random.chance(0.3) && !visitor.line.scriptHeld)
    setTimeout(visitor.line.holdScript(), random.from(0, 1_500));
  return ["snippet", "domcontentloaded"];
};

/** All but the last page of a visitor's life. `weather` has numbers of its own, so that it does not change the way. */
export const live = async (visitor, random, weather) => {
  const storms = new Weather(visitor, weather);
  try {
    for (let visits = 0; visits < VISITS; visits += 1)
      await visit(visitor, random);
  } finally {
    await storms.ends();
  }
  await visitor.line.scriptHeld;
};

const visit = async (visitor, random) => {
  let kind = kindOfPage(visitor, random);
  await visitor.opens(...kind);
  for (let pages = random.from(1, 4); pages > 0; pages -= 1) {
    for (let calls = random.from(0, 3); calls > 0; calls -= 1) {
      await visitor.measures(someKinds(random));
      await visitor.stays(random.from(0, 3_000) / calls);
    }
    if (pages === 1) break;
    const way = random.next();
    if (way < 0.2) await visitor.measures(someKinds(random), true);
    else if (way < 0.35) await visitor.reloads(kind[1]);
    else {
      kind = kindOfPage(visitor, random);
      await visitor.goes(...kind);
    }
  }
  // without the script there is nothing yet that could keep anything
  if (random.chance(0.3) && (await visitor.hasScript())) {
    await visitor.livesOn(random.from(0, 800));
    await visitor.crashes();
  } else await visitor.closes();
};
