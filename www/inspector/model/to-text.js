/**
 * Any value that JSON can hold, as text. `String` would not do: of `{"toString": 1}` it makes an exception, and of a list in
 * a list in a list, nested deeply enough, as well.
 */
export const textOf = (value) => {
  if (typeof value === "string") return value;
  if (value === null || typeof value !== "object") return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return "(nested too deeply)";
  }
};
