// Which AI assistant a visitor comes from. Pure: nothing here needs a browser.

/**
 * Each pattern matches the hosts of an assistant, the name of its Android app (the host of an `android-app://` referrer), and what
 * the assistant or an advertiser writes as `utm_source`; `isMatch` adds the top-level domain.
 */
const ASSISTANTS = /** @type {const} */ ([
  ["ChatGPT", "(com.openai.)?chat-?gpt|(chat.)?openai"],
  ["Claude", "(com.anthropic.)?claude"],
  ["Perplexity", "perplexity|ai.perplexity.app.android"],
  ["Gemini", "(com.google.android.apps.)?(gemini|bard)(.google)?"],
  ["Copilot", "(com.microsoft.)?copilot(.cloud)?(.microsoft)?"],
  [
    "other",
    "meta.ai|you.com|poe.com|duck.ai|chat.z|kimi|phind|doubao|grok|(chat.)?(deepseek|mistral|qwen)",
  ],
]);
/** What advertisers write as `utm_medium` of an ad. */
const PAID = "cp[cm]|ppc|ads?|display|sponsored|paid.*";
const GOOGLE_SEARCH =
  "google(.[a-z]{2,3}){1,2}|com.google.android.googlequicksearchbox";

/**
 * @param {string} pattern
 * @param {string} text
 */
const isMatch = (pattern, text) =>
  new RegExp(`^(${pattern})(.ai|.com)?$`, "i").test(text);

/** @param {string} text */
const assistant = (text) => {
  for (let i = 0; i < ASSISTANTS.length; i += 1)
    if (isMatch(ASSISTANTS[i][1], text)) return ASSISTANTS[i][0];
};

/**
 * Returns "OpenAI Ads", the name of an assistant, "AI Overview", "other" for an assistant without a name of its own here, or "" for
 * a visitor who comes from none.
 *
 * What the browser reports comes before what a link says, because assistants also cite links with the parameters of other campaigns.
 *
 * @param {unknown} clickId - the parameter `oppref` of the URL
 * @param {string} source - `utm_source`
 * @param {string} medium - `utm_medium`
 * @param {string} referrerHost - without "www."
 * @param {boolean} hasTextFragment - whether the link points to a passage of text (https://wicg.github.io/scroll-to-text-fragment/)
 */
export const aiSource = (
  clickId,
  source,
  medium,
  referrerHost,
  hasTextFragment,
) => {
  const named = assistant(source);
  if (clickId || (named === "ChatGPT" && isMatch(PAID, medium)))
    return "OpenAI Ads";
  return (
    assistant(referrerHost) ??
    named ??
    // Google's answers link to the passage that they quote; its other results rarely do
    (hasTextFragment && isMatch(GOOGLE_SEARCH, referrerHost)
      ? "AI Overview"
      : "")
  );
};
