/**
 * Makes an element. Children that are strings become text, never markup: event data may hold anything.
 * Attribute names are always ours; attributes that are undefined, null or false are left out.
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** Text for screen readers alone, where sighted readers have a column or a shape. */
export function unseen(text) {
  return element("span", { class: "unseen" }, text);
}
