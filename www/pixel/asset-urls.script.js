// Where the files beside the script are, for a script that a page embeds.

import { attempt } from "./safe-builtins.js";

/** A module script has no other way to find its element than by the address of the code that runs. */
const runs = ({ src }) => src && Error().stack.includes(src);

/** The script's own element. */
export const element =
  document.currentScript ?? attempt(() => [].find.call(document.scripts, runs));

export const nonce = element?.nonce ?? "";
export const addressOf = (file) =>
  new URL(file, element?.src ?? location.href).href;
