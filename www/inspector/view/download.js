import { element } from "./element.js";

/** Saves `text` as a file on the developer's machine. */
export function downloadJson(text, fileName) {
  const address = URL.createObjectURL(
    new Blob([text], { type: "application/json" }),
  );
  element("a", { href: address, download: fileName }).click();
  // The download has taken hold of the data by the next task.
  setTimeout(() => URL.revokeObjectURL(address));
}
