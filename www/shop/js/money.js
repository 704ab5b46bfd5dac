/** The shop's one currency. All amounts are integers in its minor unit (cents): 2650 is 26.50 EUR. */
export const currency = "EUR";

const format = new Intl.NumberFormat("en-IE", { style: "currency", currency });

/** Cents as a visitor reads them; the only place that divides. */
export const formatMoney = (cents) => format.format(cents / 100);
