// What the consent file does with arrays, without their methods and iterators: a page may have replaced any of them.

export const each = (list, work) => {
  for (let i = 0; i < list.length; i += 1) work(list[i], i);
};

export const add = (list, item) => {
  list[list.length] = item;
};

export const filtered = (list, isWanted) => {
  const found = [];
  each(list, (it) => {
    if (isWanted(it)) add(found, it);
  });
  return found;
};

/** The first place where that holds, or -1. */
export const placeOf = (list, isWanted) => {
  for (let i = 0; i < list.length; i += 1) if (isWanted(list[i])) return i;
  return -1;
};

export const joined = (list, separator) => {
  let text = "";
  each(list, (it, i) => {
    text += (i ? separator : "") + it;
  });
  return text;
};

/** Takes the item at that place out. */
export const removeAt = (list, place) => {
  for (let i = place; i + 1 < list.length; i += 1) list[i] = list[i + 1];
  list.length -= 1;
};
