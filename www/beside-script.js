// Where the files beside the script are, for a script that a page embeds.

/** The script's own element. */
export const element = document.currentScript;

export const nonce = element?.nonce ?? "";
export const addressOf = (file) => new URL(file, element?.src ?? location.href);
