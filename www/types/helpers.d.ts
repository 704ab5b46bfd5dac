// The types of `import { … } from "oaiq/helpers"`. docs/helpers.md explains the functions.

/** The IDs that the pixel has stored in cookies: text that identifies no person, only a click and a browser. */
export interface Ids {
  /** The click ID: which ad click has led to this visit. */
  oppref?: string;
  /** The browser ID, a v4 UUID. */
  obref?: string;
}

/**
 * Converts an amount in a currency's major unit to its minor unit by ISO 4217, exactly: `minorUnits("129.99", "USD")` is `12999`,
 * `minorUnits(8.7, "EUR")` is `870`, `minorUnits(500, "JPY")` is `500`.
 *
 * Returns `undefined` if `currency` is not three letters, or if the amount is no amount, has more decimals than the currency, or
 * means different amounts in different countries, as `"1.299"` does.
 */
export function minorUnits(
  amount: number | string,
  currency: string,
): number | undefined;

/** Returns a random event ID, a v4 UUID, for an event that the page and your server both report. */
export function eventId(): string;

/**
 * Returns the IDs that the pixel has stored. Without consent, and on a page where the pixel has not loaded yet, there are none. On
 * a server there are never any.
 */
export function ids(): Ids;

/**
 * Returns a copy of the options of a `fetch` to your own server, with the IDs in the headers `x-oaiq-oppref` (encoded by
 * `encodeURIComponent`) and `x-oaiq-obref`. Headers of these names that are already there stay.
 */
export function withIds(init?: RequestInit): RequestInit;
