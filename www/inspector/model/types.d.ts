/** The shapes that the inspector works with. The collector's docs describe the records: docs/collector.md. */

/** How a request was sent. */
export type Transport = "fetch" | "beacon" | "image" | "server";

/** What the collector decides about an event. */
export type VerdictName =
  "counted" | "duplicate" | "refused" | "internal" | "valid";

/** One rule that an event breaks. */
export interface Violation {
  /** The kind of violation; stable, unlike the words. */
  code?: string;
  /** The path, such as `data.contents[1].amount`. */
  field?: string;
  /** What the event has there; never an identifier. */
  given?: string;
  /** What it must be. */
  expected?: string;
  /** What to do about it. */
  advice?: string;
}

/** What an accepted server event should do differently. */
export interface Warning {
  field: string;
  /** The current name, where `field` is an older one. */
  use?: string;
  message?: string;
}

/** A value that counts in another form than the one that was sent. */
export interface Normalized {
  field: string;
  value: string;
}

/** An event as its page or server sent it: any of these can be missing, or hold any value. */
export interface SentEvent {
  type?: unknown;
  id?: unknown;
  custom_event_name?: unknown;
  timestamp_ms?: unknown;
  source_url?: unknown;
  referrer_url?: unknown;
  action_source?: unknown;
  opt_out?: unknown;
  data?: unknown;
  /** Conversions API only. */
  user?: unknown;
  oppref?: unknown;
  obref?: unknown;
}

/** One record of `/events.json`: an event, its request, and its verdict. Records never change. */
export interface EventRecord {
  /** The collector's number for it; later records have larger ones. */
  seq: number;
  /** The number of the request that it came with. */
  batch: number;
  received_ms: number;
  pixel?: string;
  transport: Transport;
  /** Size of the request's body; 0 for an image tag. */
  bytes?: number;
  /** How many events the request has. */
  batch_size?: number;
  /** Whether the request has no browser ID, no click ID and no user data. */
  stripped?: boolean;
  /** The request's browser ID. */
  obref?: string;
  /** The request's click ID. */
  oppref?: string;
  /** The request's user data: `in` is what the site gives, `fm`, `js` and `ht` are what the pixel has read from the page. */
  user?: unknown;
  referer?: string;
  integration_source?: string;
  /** What `oaiq-relay` says about the event: `browser`, `backend` or `both`, and how it has found the click, such as `+obref`. */
  relay?: string;
  request_id?: string;
  /** The HTTP status that the collector answered. */
  status?: number;
  /** Null where the request could not be read. */
  event?: SentEvent | null;
  verdict?: VerdictName;
  /** The `seq` of the event that this one duplicates. */
  duplicate_of?: number;
  faults?: Violation[];
  warnings?: Warning[];
  normalized?: Normalized[];
  /** Why the whole request was rejected. */
  error?: string;
}

/** What a check says: Lighthouse's audits are the model. */
export type CheckState =
  /** It is as it should be. */
  | "pass"
  /** Nothing has arrived yet from which to tell. */
  | "pending"
  /** A person has to decide. */
  | "review"
  /** It is wrong. */
  | "fail";

/** The result of one check. */
export interface CheckResult {
  id: string;
  title: string;
  state: CheckState;
  /** What was seen, as sentences. */
  found: string;
  /** What to do, as sentences. */
  todo?: string;
  /** Events that show it. */
  seqs?: number[];
}

/** What checks examine. */
export interface CheckInput {
  /** Newest first. */
  entries: EventRecord[];
  visits: Visit[];
  conversions: Conversion[];
  repeats: Repeats;
  /** The pixel IDs that the collector was started with, if any. */
  pixels: string[];
}

export type Check = (input: CheckInput) => CheckResult;

/** Each repeated event, with the earlier event that it repeats. */
export interface Repeats {
  /** Measured twice within a second on one page. */
  doubleFires: Map<EventRecord, EventRecord>;
  /** Measured again by a reload of the page, under another generated id. */
  reloads: Map<EventRecord, EventRecord>;
}

/** What can only be found by looking at all events. */
export interface Analysis extends Repeats {
  /** For each diagnostic that reports rejected calls: the page they were made on. */
  pages: Map<EventRecord, RejectionPage>;
  /** Browser events whose id a server has sent too. */
  confirmed: Set<EventRecord>;
}

/** The page on which calls were rejected. */
export interface RejectionPage {
  url: string;
  /** False where it is a guess from the browser's previous event. */
  isCertain: boolean;
}

/** What OpenAI counts as one conversion: events with one pixel, name and id. */
export interface Conversion {
  key: string;
  /** The `seq` of its first event. */
  first: number;
  pixel?: string;
  name: string;
  id: string;
  /** Its events from browsers, oldest first. */
  browser: EventRecord[];
  /** Its events from servers, oldest first. */
  server: EventRecord[];
  /** The event that counts, if it is here. */
  counted?: EventRecord;
  /** A conversion from the other source that may be the same purchase under another id. */
  probableDuplicate?: Conversion;
  /** What identifies the visitor of both: "click ID", "browser ID" and the like. */
  shared?: string[];
}

/** Which sources sent a conversion. */
export type Sources = "both" | "browser" | "server";

/** All events of one visitor. */
export interface Visit {
  /** A browser ID, or one of the two constants of timeline.js. */
  visitor: string;
  /** The smallest `seq` in it. */
  first: number;
  from: number;
  to: number;
  pages: VisitedPage[];
}

/** The events of one load of a page, by time. */
export interface VisitedPage {
  url: unknown;
  /** The smallest `seq` in it. */
  first: number;
  entries: EventRecord[];
  /** Milliseconds since the previous page's last event, where a new session begins. */
  pause?: number;
}

/** A row of the timeline. */
export type TimelineRow =
  | { kind: "visit"; key: string; visit: Visit }
  | { kind: "pause"; key: string; ms: number; time: number }
  | { kind: "page"; key: string; page: VisitedPage }
  | { kind: "click"; key: string; click?: string; before?: string }
  | { kind: "event"; key: number; entry: EventRecord };

/** Something to say about an event besides its verdict. */
export interface Remark {
  id: string;
  /** For a row of the list. */
  short?: string;
  /** For the details; a link to the event `seq` may follow. */
  words: string;
  seq?: number;
}

/** One kind of rejected call that a diagnostic reports. */
export interface Rejection {
  count: number;
  reason?: string;
  code?: string;
  field?: string;
  /** The event's name, where the diagnostic's counts leave only one possible. */
  name?: string;
  /** What is wrong, to follow "was rejected: ". */
  words: string;
}

/** Which events are shown. Empty texts let all pass. */
export interface Filter {
  text: string;
  verdict: string;
  name: string;
  transport: string;
  pixel: string;
  /** Whether pixel status is shown. */
  internal: boolean;
  /** The `seq` after which a test starts, or 0. */
  since: number;
  /** Conversions view: "all", "both", "apart" or "one". */
  kind: string;
  /** Conversions view: whether page and product views are shown. */
  views: boolean;
}

export type ViewName = "events" | "timeline" | "conversions" | "checklist";

/** What the page's URL says. */
export interface Route {
  view: ViewName;
  seq?: number;
  filter: Filter;
}

/** `/inspector/facts.json`: how the collector was started. */
export interface CollectorInfo {
  version?: string;
  pixels?: string[];
}

export type ConnectionState = "connecting" | "live" | "lost" | "clear-failed";
