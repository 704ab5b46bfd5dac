/** By which way an event came that a relay has forwarded, and what the relay has added. */
/** @import { EventRecord } from "./types.d.ts" */
import { isServer, userOf } from "./event.js";

/** @type {Record<string, string>} */
const WAYS = {
  browser: "from the page, through the relay",
  backend: "from your server, through the relay",
  both: "from the page and your server, merged by the relay",
};

/** @type {Record<string, string>} */
const LINKS = {
  event_id: "the same event ID",
  obref: "the browser ID",
  external_id: "the customer ID",
  email: "the email address",
  phone: "the phone number",
};

/** @param {EventRecord} entry */
const wordsOf = ({ relay }) => String(relay ?? "").split("+");

/**
 * Who has measured an event: a page, a server, or both, if a relay has merged their events.
 *
 * @param {EventRecord} entry
 * @returns {("browser" | "server")[]}
 */
export const sendersOf = (entry) => {
  if (!isServer(entry)) return ["browser"];
  const [sender] = wordsOf(entry);
  if (sender === "both") return ["browser", "server"];
  return [sender === "browser" ? "browser" : "server"];
};

/**
 * @param {EventRecord} entry
 * @returns {{ way: string, added: string[] } | undefined} undefined if no relay has forwarded it
 */
export const relayed = (entry) => {
  if (entry.integration_source !== "oaiq-relay") return undefined;
  const [sender, link] = wordsOf(entry);
  const way = Object.hasOwn(WAYS, sender) ? WAYS[sender] : "through a relay";
  const added = [];
  if (link !== undefined && Object.hasOwn(LINKS, link))
    added.push(`the click, found by ${LINKS[link]}`);
  // a page sends neither
  if (sender === "browser" || sender === "both") {
    const user = userOf(entry);
    if (user.ip_address !== undefined) added.push("the visitor's address");
    if (user.user_agent !== undefined) added.push("the user agent");
  }
  return { way, added };
};
