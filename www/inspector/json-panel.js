import { element, unseen } from "./element.js";

let panels = 0;

/**
 * A button that shows `value` as JSON, and the panel it shows it in. The panel is filled when first opened: most never are.
 * `about` says what the JSON is of, to those who hear the button out of its row.
 */
export function jsonPanel(value, about) {
  const id = `json-${++panels}`;
  const panel = element("pre", {
    class: "json",
    id,
    // It may scroll, so the keyboard has to reach it.
    tabindex: 0,
    role: "group",
    "aria-label": `JSON of ${about}`,
    hidden: true,
  });
  const button = element(
    "button",
    {
      type: "button",
      class: "json-button",
      "aria-expanded": "false",
      "aria-controls": id,
    },
    "JSON",
    unseen(` of ${about}`),
  );
  button.addEventListener("click", () => {
    if (!panel.hasChildNodes()) panel.textContent = asJson(value);
    panel.hidden = !panel.hidden;
    button.setAttribute("aria-expanded", String(!panel.hidden));
  });
  return { button, panel };
}

export function asJson(value) {
  return JSON.stringify(value, null, 2);
}
