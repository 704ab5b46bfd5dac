// Whether the document has changed since the last scan. What a scan finds out about forms and fields holds until then.

import { tryOr } from "../pixel/safe-builtins.js";

let isChanged = true;

/**
 * Undefined where the page has broken it; then the document counts as changed at each scan.
 *
 * @type {any}
 */
const observer = tryOr(
  () =>
    new MutationObserver(() => {
      // one change is enough, and further ones of a busy page cost it nothing
      stopWatching();
    }),
);

/** Whether the document may have changed since the last call. From now on, changes are noticed. */
export const takeChanges = () =>
  tryOr(() => {
    const result = observer.takeRecords().length > 0 || isChanged;
    if (result)
      observer.observe(document, {
        subtree: true,
        childList: true,
        attributes: true,
        characterData: true,
      });
    isChanged = false;
    return result;
  }, true);

export const stopWatching = () => {
  isChanged = true;
  tryOr(() => observer.disconnect());
};
