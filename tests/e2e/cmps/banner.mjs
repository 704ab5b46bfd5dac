// A banner for consent managers that have none of their own.

/**
 * Adds a banner, hidden until `show(true)`.
 *
 * @param {(accepts: boolean) => void} onAnswer
 */
export const banner = (onAnswer) => {
  const element = document.createElement("div");
  element.hidden = true;
  /**
   * @param {string} name
   * @param {boolean} accepts
   */
  const addButton = (name, accepts) => {
    const button = document.createElement("button");
    button.textContent = name;
    button.onclick = () => onAnswer(accepts);
    element.append(button);
  };
  addButton("Accept all", true);
  addButton("Reject all", false);
  document.body.append(element);
  return {
    show: (/** @type {boolean} */ isShown) => {
      element.hidden = !isShown;
    },
  };
};

/**
 * Adds the button that opens the privacy settings.
 *
 * @param {() => void} onClick
 */
export const settingsButton = (onClick) => {
  const button = document.createElement("button");
  button.textContent = "Privacy settings";
  button.onclick = onClick;
  document.body.append(button);
};
