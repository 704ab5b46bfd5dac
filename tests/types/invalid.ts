// Calls that must not compile: tsc fails if one of them does.
import oaiq, { type Config, type Item, type User } from "oaiq";
import { minorUnits } from "oaiq/helpers";
import { type OaiqProps, useMeasure } from "oaiq/react";

// --- the event's name

// @ts-expect-error: no event has this name
oaiq("measure", "ordered", { type: "contents" });

// @ts-expect-error: for server events only
oaiq("measure", "app_installed", { type: "contents" });

// @ts-expect-error: an internal event of the pixel
oaiq("measure", "openai::sdk_init", { type: "sdk_lifecycle" });

// @ts-expect-error: the name is missing
oaiq("measure");

// --- the data's type

// @ts-expect-error: the data is missing
oaiq("measure", "page_viewed");

// @ts-expect-error: null is not an object
oaiq("measure", "page_viewed", null);

// @ts-expect-error: a string is not an object
oaiq("measure", "page_viewed", "contents");

// @ts-expect-error: the type is missing
oaiq("measure", "page_viewed", {});

// @ts-expect-error: the type is missing
oaiq("measure", "order_created", { amount: 100, currency: "EUR" });

// @ts-expect-error: the type of another shape
oaiq("measure", "order_created", { type: "customer_action" });

// @ts-expect-error: the type of another shape
oaiq("measure", "lead_created", { type: "contents" });

// @ts-expect-error: the type of another shape
oaiq("measure", "trial_started", { type: "custom" });

// @ts-expect-error: no such shape
oaiq("measure", "page_viewed", { type: "content" });

const options = { custom_event_name: "quiz" };

// @ts-expect-error: the type of another shape
oaiq("measure", "custom", { type: "plan_enrollment" }, options);

// --- the data's fields

// @ts-expect-error: the shape contents has no plan_id
oaiq("measure", "order_created", { type: "contents", plan_id: "yearly" });

// @ts-expect-error: the shape customer_action has no contents
oaiq("measure", "lead_created", { type: "customer_action", contents: [] });

// @ts-expect-error: the shape customer_action has no plan_id
oaiq("measure", "lead_created", { type: "customer_action", plan_id: "yearly" });

// @ts-expect-error: no such field
oaiq("measure", "trial_started", { type: "plan_enrollment", plan: "yearly" });

// @ts-expect-error: the event ID is an option
oaiq("measure", "order_created", { type: "contents", event_id: "order_1" });

const planned = { type: "contents", plan_id: "yearly" } as const;

// @ts-expect-error: the shape contents has no plan_id, in a variable either
oaiq("measure", "order_created", planned);

// @ts-expect-error: a plan ID is a string
oaiq("measure", "trial_started", { type: "plan_enrollment", plan_id: 7 });

// --- money

// @ts-expect-error: an amount needs a currency
oaiq("measure", "order_created", { type: "contents", amount: 2599 });

// @ts-expect-error: an amount needs a currency
oaiq("measure", "lead_created", { type: "customer_action", amount: 2599 });

// @ts-expect-error: an amount needs a currency
oaiq("measure", "trial_started", { type: "plan_enrollment", amount: 2599 });

// @ts-expect-error: an amount needs a currency
oaiq("measure", "custom", { type: "custom", amount: 2599 }, options);

declare const unknownCurrency: string | undefined;
const unsure = { amount: 2599, currency: unknownCurrency };

// @ts-expect-error: an amount needs a currency that cannot be undefined
oaiq("measure", "order_created", { type: "contents", ...unsure });

const text = { amount: "25.99", currency: "EUR" };

// @ts-expect-error: an amount is a number
oaiq("measure", "order_created", { type: "contents", ...text });

const none = { amount: null, currency: "EUR" };

// @ts-expect-error: null is not an amount
oaiq("measure", "order_created", { type: "contents", ...none });

// @ts-expect-error: a currency is its alphabetic code
oaiq("measure", "order_created", { type: "contents", currency: 978 });

// --- items

// @ts-expect-error: contents is an array, even with one item
oaiq("measure", "order_created", { type: "contents", contents: { id: "a" } });

// @ts-expect-error: an item is an object
oaiq("measure", "order_created", { type: "contents", contents: ["a"] });

// @ts-expect-error: an item's amount needs its own currency or the event's
oaiq.measure("items_added", { type: "contents", contents: [{ amount: 1 }] });

const plan = { type: "plan_enrollment", contents: [{ amount: 1 }] } as const;

// @ts-expect-error: an item's amount needs a currency in a plan too
oaiq("measure", "trial_started", plan);

// @ts-expect-error: no such field
oaiq.measure("items_added", { type: "contents", contents: [{ sku: "a" }] });

// @ts-expect-error: no such field
export const priced: Item = { id: "a", price: 2599 };

// @ts-expect-error: a quantity is a number
export const counted: Item = { quantity: "2" };

// @ts-expect-error: an ID is a string
export const numbered: Item = { id: 7 };

// @ts-expect-error: a content type is a string
export const typed: Item = { content_type: 7 };

// --- options

// @ts-expect-error: no such option
oaiq("measure", "page_viewed", { type: "contents" }, { id: "page_1" });

// @ts-expect-error: an ID is a string
oaiq("measure", "page_viewed", { type: "contents" }, { event_id: 7 });

// @ts-expect-error: an ID is a string under its alias too
oaiq("measure", "page_viewed", { type: "contents" }, { eventId: 7 });

// @ts-expect-error: a boolean
oaiq("measure", "page_viewed", { type: "contents" }, { opt_out: "true" });

// @ts-expect-error: options are an object
oaiq("measure", "page_viewed", { type: "contents" }, "page_1");

const action = { type: "customer_action" } as const;

// @ts-expect-error: a custom name is only for the event `custom`
oaiq("measure", "lead_created", action, { custom_event_name: "quiz" });

// @ts-expect-error: a custom name is only for the event `custom`, in a variable either
oaiq("measure", "page_viewed", { type: "contents" }, options);

// @ts-expect-error: the event `custom` needs a name
oaiq("measure", "custom", { type: "custom" });

// @ts-expect-error: the event `custom` needs a name
oaiq("measure", "custom", { type: "custom" }, {});

// @ts-expect-error: the event `custom` needs a name
oaiq("measure", "custom", { type: "custom" }, null);

// @ts-expect-error: the name is a string
oaiq("measure", "custom", { type: "custom" }, { custom_event_name: 7 });

// --- measureSingle

// @ts-expect-error: the pixel is missing
oaiq("measureSingle", "page_viewed", { type: "contents" });

// @ts-expect-error: the pixel ID is a string
oaiq("measureSingle", 7, "page_viewed", { type: "contents" });

// @ts-expect-error: the type of another shape
oaiq("measureSingle", "PIXEL", "page_viewed", { type: "customer_action" });

// @ts-expect-error: the event `custom` needs a name
oaiq("measureSingle", "PIXEL", "custom", { type: "custom" });

// @ts-expect-error: an amount needs a currency
oaiq.measureSingle("P", "order_created", { type: "contents", amount: 2599 });

// --- init, consent and unknown commands

// @ts-expect-error: the options are missing
oaiq("init");

// @ts-expect-error: the pixel ID is in an object
oaiq("init", "PIXEL");

// @ts-expect-error: the pixel ID is a string
oaiq("init", { pixelId: 7 });

// @ts-expect-error: the name is pixelId
oaiq("init", { pixelID: "PIXEL" });

// @ts-expect-error: a boolean
oaiq("init", { pixelId: "PIXEL", debug: "true" });

// @ts-expect-error: a grant is oaiq("consent", true)
oaiq("init", { pixelId: "PIXEL", consent: true });

// @ts-expect-error: endpoints are set in oaiq.config
oaiq("init", { pixelId: "PIXEL", endpoint: "/v1/sdk/events" });

// @ts-expect-error: the name is email_sha256
export const mailed: User = { email: "test@example.com" };

// @ts-expect-error: a phone number is a string
export const phoned: User = { phone_number_sha256: 491701234567 };

// @ts-expect-error: the answer is missing
oaiq("consent");

// @ts-expect-error: a boolean
oaiq("consent", "granted");

// @ts-expect-error: no such command
oaiq("track", "page_viewed", { type: "contents" });

// --- methods and properties

// @ts-expect-error: the type of another shape
oaiq.measure("order_created", { type: "customer_action" });

// @ts-expect-error: an amount needs a currency
oaiq.measure("order_created", { type: "contents", amount: 2599 });

// @ts-expect-error: the event `custom` needs a name
oaiq.measure("custom", { type: "custom" });

// @ts-expect-error: the pixel is missing
oaiq.measureSingle("order_created", { type: "contents" });

// @ts-expect-error: the event `custom` needs a name
oaiq.measureSingle("PIXEL", "custom", { type: "custom" });

// @ts-expect-error: the name is pixelId
oaiq.init({ id: "PIXEL" });

// @ts-expect-error: a boolean
oaiq.consent("granted");

// @ts-expect-error: an endpoint is a string
window.oaiq.config.endpoint = new URL("https://www.example.com/");

// @ts-expect-error: loaded is read-only
oaiq.loaded = true;

// @ts-expect-error: no such property
oaiq.pixels;

// --- return values

// @ts-expect-error: a call returns nothing
export const id: string = oaiq.measure("page_viewed", { type: "contents" });

// --- the data layer and the helpers

// @ts-expect-error: no event has this name
const unknownEvent: Config = { layerEvents: { quiz_done: "quiz" } };
void unknownEvent;

// @ts-expect-error: the currency is missing
minorUnits(5);

// @ts-expect-error: there may be no exact amount
const amount: number = minorUnits("5", "USD");
void amount;

// --- form fields, page views and React

// @ts-expect-error: a form cannot measure an event that needs contents
const orderForm: Config = { fields: "order_created" };
void orderForm;

// @ts-expect-error: there is no such field
const unknownField: Config = { fields: { utm_id: "id" } };
void unknownField;

// @ts-expect-error: there is no such option
const views: Config = { pageViews: "hash" };
void views;

// @ts-expect-error: the pixel ID is missing
const withoutPixel: OaiqProps = { pageViews: true };
void withoutPixel;

// @ts-expect-error: the type is that of another event
useMeasure()("lead_created", { type: "contents" });
