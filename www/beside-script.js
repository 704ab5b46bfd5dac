// Where the files beside the script are, for a script that a page embeds.

const script = document.currentScript;

export const nonce = script?.nonce ?? "";
export const addressOf = (file) => new URL(file, script?.src ?? location.href);
