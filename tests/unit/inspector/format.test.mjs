import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatShortTime,
  formatDuration,
  formatTime,
  joinWords,
  plural,
} from "../../../www/inspector/model/format.js";

/**
 * A local time in ms since the epoch.
 *
 * @param {number} year
 * @param {number} month from 0
 * @param {...number} others day, hours, minutes, seconds, milliseconds
 */
const at = (year, month, ...others) =>
  new Date(year, month, ...others).getTime();
const NOW = at(2026, 10, 25, 18);

test("a time of another day has its date, and fits into a row", () => {
  const today = at(2026, 10, 25, 9, 5, 7, 89);
  assert.equal(formatTime(today, NOW), "09:05:07.089");
  assert.equal(formatShortTime(today, NOW), "09:05:07.089");
  const day = at(2026, 10, 22, 9, 5, 7, 89);
  assert.match(formatTime(day, NOW), /22.*2026.*09:05:07\.089/);
  assert.match(formatShortTime(day, NOW), /22.*09:05:07$/);
  assert.ok(formatShortTime(day, NOW).length <= 16);
  assert.equal(formatShortTime(at(2025, 0, 2, 9, 5), NOW), "2025-01-02 09:05");
});

test("durations, lists and plurals read naturally", () => {
  assert.deepEqual(
    [1500, 60_000, 150_000, 2 * 86_400_000].map(formatDuration),
    ["1.5 seconds", "1 minute", "3 minutes", "2 days"],
  );
  assert.equal(joinWords(["a"]), "a");
  assert.equal(joinWords(["a", "b", "c"]), "a, b and c");
  assert.equal(plural(1, "event"), "1 event");
  assert.equal(plural(2, "more diagnostic"), "2 more diagnostics");
});
