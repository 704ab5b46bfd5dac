/**
 * Adds an item to the list of a key.
 *
 * @template Key, Item
 * @param {Map<Key, Item[]>} lists
 * @param {Key} key
 * @param {Item} item
 */
export const addTo = (lists, key, item) => {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
};
