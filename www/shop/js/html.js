/**
 * A template literal as DOM nodes: html`<p>${text}</p>`. Nodes and lists of nodes are placed as they
 * are, everything else is text and is escaped, in attributes too.
 */
export function html(strings, ...values) {
  const template = document.createElement("template");
  template.innerHTML = String.raw(
    { raw: strings },
    ...values.map((value, index) =>
      isNodes(value)
        ? `<template data-at="${index}"></template>`
        : escaped(value),
    ),
  );
  for (const place of template.content.querySelectorAll("template[data-at]")) {
    place.replaceWith(...[values[place.dataset.at]].flat());
  }
  return template.content;
}

const isNodes = (value) => value instanceof Node || Array.isArray(value);

const escapes = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escaped = (value) =>
  String(value).replace(/[&<>"']/g, (character) => escapes[character]);
