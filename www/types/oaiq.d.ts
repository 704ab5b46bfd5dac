// The types of `import oaiq from "oaiq"`, and of `window.oaiq`. tests/types/ holds them to the table in src/schema/events.rs.
//
// What a type cannot say stands in the comments: amounts are whole numbers, strings are not empty. Such a call
// compiles, and is refused when it is made.

/** `amount` and `currency`, where there is a currency. */
interface WithCurrency {
  /**
   * A whole number in the currency's minor unit ([ISO 4217](https://www.iso.org/iso-4217-currency-codes.html)): `2599`
   * is USD 25.99, `500` is JPY 500. An event with a fraction or a string here is not measured.
   */
  amount?: number | undefined;
  /** Three letters, such as `"EUR"`. An event with anything else here is not measured. */
  currency: string;
}

/** Without a currency no amount can be read. */
interface WithoutCurrency {
  amount?: undefined;
  currency?: undefined;
}

/** An `amount`, which needs its `currency`. */
export type Money = WithCurrency | WithoutCurrency;

/** One of `contents`. An item that breaks a rule makes its whole event one that is not measured. */
export interface Item {
  /** Not empty. */
  id?: string | undefined;
  /** Not empty. */
  name?: string | undefined;
  /** Not empty; such as `"product"`. */
  content_type?: string | undefined;
  /** A whole number. */
  quantity?: number | undefined;
  /** Of one such item, in the minor unit of its own currency, else of the event's. One of the two must be there. */
  amount?: number | undefined;
  /** Three letters; left out, it is the event's. */
  currency?: string | undefined;
}

/** Money of the event, and items, whose amounts need the event's currency or their own. */
type MoneyAndContents =
  | (WithCurrency & { contents?: readonly Item[] | undefined })
  | (WithoutCurrency & { contents?: readonly (Item & Money)[] | undefined });

/** Things viewed, added or bought. */
export type ContentsData = MoneyAndContents & {
  type: "contents";
  plan_id?: never;
};

/** Something that a customer did. */
export type CustomerActionData = Money & {
  type: "customer_action";
  plan_id?: never;
  contents?: never;
};

/** A plan begun. */
export type PlanEnrollmentData = MoneyAndContents & {
  type: "plan_enrollment";
  /** Not empty. */
  plan_id?: string | undefined;
};

/** Whatever the site calls by a name of its own, which is `custom_event_name` of {@link CustomOptions}. */
export type CustomData = MoneyAndContents & {
  type: "custom";
  /** Not empty. */
  plan_id?: string | undefined;
};

/** Each event, and what its data looks like. */
interface Events {
  page_viewed: ContentsData;
  contents_viewed: ContentsData;
  items_added: ContentsData;
  checkout_started: ContentsData;
  order_created: ContentsData;
  lead_created: CustomerActionData;
  registration_completed: CustomerActionData;
  appointment_scheduled: CustomerActionData;
  subscription_created: PlanEnrollmentData;
  trial_started: PlanEnrollmentData;
  custom: CustomData;
}

/** What can be measured. A call with another name is refused. */
export type EventName = keyof Events;

/** The data of the event with that name. `type` is required; another shape's `type` or fields are refused. */
export type EventData<Name extends EventName = EventName> = Events[Name];

interface CommonOptions {
  /**
   * Your own id of the event, such as the order's number; not empty. OpenAI counts the first event of each pixel, name
   * and id. Left out, a UUID is made up.
   */
  event_id?: string | undefined;
  /** Another name of `event_id`, which wins where both are given. */
  eventId?: string | undefined;
  /** Sent with the event as it is given. */
  opt_out?: boolean | undefined;
}

/** The options of every event but `custom`. */
export interface Options extends CommonOptions {
  /** For the event `custom` alone. */
  custom_event_name?: undefined;
}

/** The options of the event `custom`. */
export interface CustomOptions extends CommonOptions {
  /**
   * 1 to 64 letters, digits, `_` and `-`, with a letter or digit at both ends, and no standard event's name; otherwise
   * the event is not measured.
   */
  custom_event_name: string;
}

/** The last argument of `measure` for that event, as a rest parameter: `custom` must have it. */
export type OptionsArgument<Name extends EventName> = Name extends "custom"
  ? [options: CustomOptions]
  : [options?: Options | null | undefined];

/** The options of the event with that name. */
export type EventOptions<Name extends EventName = EventName> =
  OptionsArgument<Name>[0];

/**
 * Who the visitor is; all of it optional. What is `…_sha256` is given raw or as 64 hexadecimal digits: a raw value is made
 * comparable and hashed with SHA-256 in the browser, and never leaves it. A value that is not usable, empty or longer
 * than 1024 characters is left out, and the rest still goes.
 */
export interface User {
  /** Your own id of the visitor. */
  external_id_sha256?: string | null | undefined;
  /** An email address of at most 254 characters. */
  email_sha256?: string | null | undefined;
  /** With its country code: 8 to 15 digits, in any of the usual spellings. */
  phone_number_sha256?: string | null | undefined;
  first_name_sha256?: string | null | undefined;
  last_name_sha256?: string | null | undefined;
  /** Sent as given. */
  country?: string | null | undefined;
  /** Sent as given. */
  city?: string | null | undefined;
  /** Sent as given. */
  region?: string | null | undefined;
  /** Sent as given. */
  postal_code?: string | null | undefined;
  /** Another name of `postal_code`, which wins where both are usable. */
  zip_code?: string | null | undefined;
}

/** What `init` takes. */
export interface InitOptions {
  /**
   * The pixel to start or to update; not empty. Left out, it is the page's first pixel, else `oaiq.config.pixelId`; with
   * none of these the call is refused.
   */
  pixelId?: string | undefined;
  /** Tells each step on the console. Left out, it stays as it is. */
  debug?: boolean | undefined;
  /** Replaces all that was said of the visitor before. Where the key is not there, that stays. */
  user?: User | null | undefined;
  /**
   * Nothing is stored, read from storage or sent before `oaiq("consent", …)`; calls wait in memory. Ignored once a pixel
   * has started or consent has been answered: the first call counts.
   */
  consent?: "pending" | undefined;
}

/** What a page may leave in `oaiq.config` before the script runs. */
export interface Config {
  /** Instead of the `pixelId` that the first `init` leaves out. */
  pixelId?: string | undefined;
  /** As in `init`. */
  debug?: boolean | undefined;
  /** The visitor, for pixels whose `init` says nothing of them. */
  user?: User | null | undefined;
  /** Where events go instead of to OpenAI: `https://…`, or an address on the page's own origin. */
  endpoint?: string | undefined;
  /** Where the pixels' settings are instead of at OpenAI: `https://…`, or an address on the page's own origin. */
  settings?: string | undefined;
  /** The endpoint of another origin allows its answers to be read (CORS, with credentials). */
  cors?: boolean | undefined;
  /** Nothing is stored, read from storage or sent before `oaiq("consent", …)`; calls wait in memory. */
  consent?: "pending" | undefined;
  /** Who answers for the visitor: `google`, `tcf`, `gpp`, `gpc`, one or several with spaces between. Implies `consent: "pending"`. */
  consentSource?: string | undefined;
  /** The name of Google's data layer, if it is not `dataLayer`. */
  googleDataLayer?: string | undefined;
  /** Where the visitor is, by ISO 3166-2: `DE`, or `US-CA`. For Google's defaults that apply to some regions only. */
  region?: string | undefined;
  /** The vendor of the TCF's list that must be allowed as well. */
  tcfVendor?: number | string | undefined;
  /**
   * Global Privacy Control counts: with `true` as a denial, with `"opt-out"` not as a denial, but each event is sent with
   * `opt_out: true`.
   */
  gpc?: true | "opt-out" | undefined;
  /** While the answer is pending, links and forms of the same origin carry the click reference to the next page. */
  clickPassthrough?: boolean | undefined;
  /**
   * What is taken out of the paths of the addresses that events carry: `"/account/*"`, a path from its beginning on whose `*`
   * are segments to take out, or a regular expression. Loads `oaiq.consent.min.js`.
   */
  redactPath?: string | RegExp | readonly (string | RegExp)[] | undefined;
  /** `false` sends no diagnostics while consent is denied. */
  diagnostics?: boolean | undefined;
  /** `false` takes the fallback at once, for a page whose policy forbids WebAssembly. */
  wasm?: boolean | undefined;
  /** `true` ignores all calls, for a site's own tests. */
  off?: boolean | undefined;
}

/** The answer about consent: what it is, and who has given it or is waited for. */
export interface ConsentState {
  state: "pending" | "granted" | "denied";
  /** `call` for `oaiq("consent", …)`, the names of sources, `another tab`, or `forget` for `oaiq("forget")`. */
  source: string;
}

/** What `oaiq.debug()` returns. IDs are shortened. */
export interface DebugState {
  debug: boolean | string;
  pixels: { id: string; config: string; delivered: number }[];
  consent: string;
  clickId: string;
  browserId: string;
  waitingForConsent: number;
  queued: number;
  inFlight: number;
  delivered: number;
  rejected: number;
  ignored: number;
  lost: number;
  /** What these numbers do not include. */
  notRecorded: string;
}

/**
 * The pixel. No call throws or returns anything: what is wrong with a call is told on the console, and counted. On a
 * server every call does nothing.
 *
 * ```ts
 * import oaiq from "oaiq";
 *
 * oaiq("init", { pixelId: "YOUR-PIXEL-ID" });
 * oaiq("measure", "order_created", { type: "contents", amount: 2599, currency: "EUR" }, { event_id: "order_12345" });
 * ```
 */
export interface Oaiq {
  /** Starts a pixel, or updates one. */
  (command: "init" | "initialize", options: InitOptions): void;
  /** The visitor's answer. A denial stops everything and deletes the cookies. */
  (command: "consent", granted: boolean): void;
  /**
   * Deletes everything that the pixel has stored on this origin, the answer about consent included, and measures nothing
   * more on this page.
   */
  (command: "forget"): void;
  /** Measures an event with that one pixel. An event of a pixel that has not started is dropped. */
  <Name extends EventName>(
    command: "measureSingle",
    pixelId: string,
    name: Name,
    data: EventData<Name>,
    ...options: OptionsArgument<Name>
  ): void;
  // the last overload is the one that TypeScript's errors speak of
  /** Measures an event with every pixel started so far; before any `init`, with the first one that starts. */
  <Name extends EventName>(
    command: "measure",
    name: Name,
    data: EventData<Name>,
    ...options: OptionsArgument<Name>
  ): void;

  /** The same as `oaiq("init", …)`. */
  init(options: InitOptions): void;
  /** The same as `oaiq("consent", …)`. */
  consent(granted: boolean): void;
  /** The same as `oaiq("measure", …)`. */
  measure<Name extends EventName>(
    name: Name,
    data: EventData<Name>,
    ...options: OptionsArgument<Name>
  ): void;
  /** The same as `oaiq("measureSingle", …)`. */
  measureSingle<Name extends EventName>(
    pixelId: string,
    name: Name,
    data: EventData<Name>,
    ...options: OptionsArgument<Name>
  ): void;

  /** The calls that wait for the script, each an array-like of arguments; always empty once it has run. */
  q: ArrayLike<unknown>[];
  /** The same array as `q`. */
  queue: ArrayLike<unknown>[];
  /** Read once, when the script runs. */
  config: Config;
  /** `true` once the script has run; not there before that, nor on a server. */
  readonly loaded?: true | undefined;
  /** The version of the protocol, such as `"0.1.41"`; there once the script has run. */
  readonly version?: string | undefined;
  /** The version of this script, such as `"0.2.0"`. Set once the script has run. */
  readonly build?: string | undefined;
  /**
   * Prints each step on the console from now on, or with `false` no more. Without an argument it also prints the state as
   * tables. It returns the state as one object, which is filled as soon as the debug file has been loaded, and kept up to
   * date. There once the script has run.
   */
  readonly debug?: ((on?: boolean) => Partial<DebugState>) | undefined;
  /** Only where the page lets the pixel wait for an answer. */
  readonly consentState?: Readonly<ConsentState> | undefined;
}

declare global {
  interface Window {
    /** The pixel. Until its script has run this is the install snippet's stub, which takes calls but has no methods. */
    oaiq: Oaiq;
  }
}

declare const oaiq: Oaiq;
export default oaiq;
