// What a visitor sees of a consent manager that brings no banner of its own.

/** A banner that calls back with the visitor's answer, hidden until `show`. */
export const banner = (answered) => {
  const element = document.createElement("div");
  element.hidden = true;
  const button = (name, answer) => {
    const made = document.createElement("button");
    made.textContent = name;
    made.onclick = () => answered(answer);
    element.append(made);
  };
  button("Accept all", true);
  button("Reject all", false);
  document.body.append(element);
  return {
    show: (shown) => {
      element.hidden = !shown;
    },
  };
};

/** The button by which a visitor who has answered is asked again. */
export const settingsButton = (clicked) => {
  const button = document.createElement("button");
  button.textContent = "Privacy settings";
  button.onclick = clicked;
  document.body.append(button);
};
