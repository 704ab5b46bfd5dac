// Array operations without the methods and iterators of arrays, which a page may have replaced.

/**
 * @template T
 * @param {ArrayLike<T>} list
 * @param {(item: T, index: number) => void} work
 */
export const each = (list, work) => {
  for (let i = 0; i < list.length; i += 1) work(list[i], i);
};

/**
 * @template T
 * @param {T[]} list
 * @param {T} item
 */
export const append = (list, item) => {
  list[list.length] = item;
};

/**
 * @template T
 * @param {ArrayLike<T>} list
 * @param {(item: T) => unknown} isWanted
 */
export const filter = (list, isWanted) => {
  /** @type {T[]} */
  const found = [];
  each(list, (it) => {
    if (isWanted(it)) append(found, it);
  });
  return found;
};

/**
 * The index of the first match, or -1.
 *
 * @template T
 * @param {ArrayLike<T>} list
 * @param {(item: T) => unknown} isWanted
 */
export const findIndex = (list, isWanted) => {
  for (let i = 0; i < list.length; i += 1) if (isWanted(list[i])) return i;
  return -1;
};

/**
 * @param {ArrayLike<string>} list
 * @param {string} separator
 */
export const join = (list, separator) => {
  let text = "";
  each(list, (it, i) => {
    text += (i ? separator : "") + it;
  });
  return text;
};

/**
 * @param {unknown[]} list
 * @param {number} index
 */
export const removeAt = (list, index) => {
  for (let i = index; i + 1 < list.length; i += 1) list[i] = list[i + 1];
  list.length -= 1;
};
