// What the values of options mean.

/**
 * An attribute without a value is set, and so is `oaiq.config.cors: true`.
 *
 * @param {unknown} value
 */
export const isSet = (value) => value != null && value !== false;
/** @param {unknown} value */
export const isOff = (value) => value === false || value === "off";
