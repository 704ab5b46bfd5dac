/**
 * Any JSON value as text. `String` does not work for all of them: it throws for `{"toString": 1}` and for very deeply
 * nested arrays.
 *
 * @param {unknown} value
 * @returns {string}
 */
export const toText = (value) => {
  if (typeof value === "string") return value;
  if (value === null || typeof value !== "object") return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return "(nested too deeply)";
  }
};
