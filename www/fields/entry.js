// oaiq.fields.min.js: attribution into forms. It fills hidden fields with where the visitor came from and with the IDs that the
// pixel sends, and measures an event when a form is submitted, with the ID that stands in the form.

import { append, each } from "../consent/lists.js";
import { createUrlRedactor } from "../consent/redact-url.js";
import {
  CONSENT_CHANGED,
  FORM_SUBMITTED,
  STATE_LOADED,
} from "../pixel/debug-events.gen.js";
import { now, setTimer, tryOr, uuid } from "../pixel/safe-builtins.js";
import { DATA_TYPES } from "./data-types.gen.js";
import { findControl, optionOf, watchForms } from "./forms.js";
import { eventIn, fieldNames } from "./options.js";
import { mergeTouches, publicUrl, readTouch } from "./touches.js";

/** localStorage key: the visitor's touches, as `mergeTouches` returns them. */
const TOUCHES_KEY = "oaiq_touches";

/**
 * The value of the newest cookie of this name.
 *
 * @param {string} name
 */
const cookie = (name) =>
  tryOr(() => {
    const parts = `; ${document.cookie}`.split(`; ${name}=`);
    return parts[1]
      ? decodeURIComponent(parts[parts.length - 1].split(";")[0])
      : "";
  }, "");

/** @type {import("../types/internal.js").StartIntegration} */
const start = (option, _hooks, trace, observers, mayStore, records) => {
  const { redactPath, fields } = window.oaiq.config;
  const redact = createUrlRedactor(redactPath || [], () => {});
  const defaultEvent = eventIn(option);

  const touch = readTouch(
    // what the browser has requested: a page may have changed its URL since, and cannot see a text fragment in it
    tryOr(
      () => performance.getEntriesByType("navigation")[0].name,
      location.href,
    ),
    tryOr(() => document.referrer, ""),
    now(),
    redact,
  );
  /** The touches of this page alone. */
  const ownTouches = mergeTouches("", touch);
  let touches = ownTouches;
  let isStored = false;
  /** Whether storage may be used. If so, the touches are read and stored once. */
  const syncTouches = () => {
    if (!mayStore()) return false;
    if (!isStored)
      tryOr(() => {
        touches = mergeTouches(localStorage.getItem(TOUCHES_KEY) ?? "", touch);
        localStorage.setItem(TOUCHES_KEY, `${touches}`);
      });
    isStored = true;
    return true;
  };

  /** The ID of the next event. All forms of the page have it, so the steps of a form share it. */
  let nextId = uuid();
  /**
   * The IDs of the forms that have been submitted.
   *
   * @type {WeakMap<HTMLFormElement, string>}
   */
  const submittedIds = new WeakMap();

  const names = fieldNames(fields);
  /**
   * @param {string} field
   * @param {HTMLFormElement | null} form
   * @returns {string}
   */
  const valueFor = (field, form) => {
    if (field === "event_id") return (form && submittedIds.get(form)) || nextId;
    if (field === "conversion_page") return redact(publicUrl(location.href));
    const isAllowed = syncTouches();
    // the pixel has stored the click ID of this page's URL, too
    if (field === "oppref" || field === "obref")
      return isAllowed ? cookie(`__${field}`) : "";
    return touches.get(field) ?? "";
  };

  /**
   * What submits have measured, as event and ID.
   *
   * @type {Record<string, number>}
   */
  const measured = /** @type {any} */ ({ __proto__: null });
  /**
   * Ends the latest submit: measures its event, unless the page has refused the form.
   *
   * @type {(isLate: boolean) => void}
   */
  let settle = () => {};
  /**
   * The form of the latest submit, until it is reset.
   *
   * @type {HTMLFormElement | undefined}
   */
  let latestForm;

  /**
   * @param {SubmitEvent} event
   * @param {HTMLFormElement} form
   */
  const onSubmit = (event, form) => {
    const idField = findControl(form, (it) => it.name === names.event_id);
    const own = optionOf(form);
    const name =
      eventIn(own) ??
      // a form that neither asks for fields nor has the one for the ID is about something else
      (own === "off" || (own === undefined && !idField)
        ? undefined
        : defaultEvent);
    if (!name) return;
    const idAtSubmit = idField?.value ?? "";
    const wasInvalid = findControl(form, (it) => it.matches(":invalid"));
    let isSettled = false;
    latestForm = form;
    /** @param {boolean} isLate */
    const settleThis = (isLate) => {
      // once the page has prevented the submit, it may mark fields as invalid
      if (isSettled || (event.defaultPrevented && !isLate)) return;
      isSettled = true;
      const idNow = idField?.value;
      // a form that has been reset has the next ID
      const id =
        idNow && idNow !== valueFor("event_id", form) ? idNow : idAtSubmit;
      const key = `${name} ${id}`;
      if (
        event.defaultPrevented &&
        (wasInvalid ||
          findControl(form, (it) => it.matches("[aria-invalid=true]")))
      )
        return trace(FORM_SUBMITTED, `invalid ${key}`);
      if (id === nextId) {
        if (latestForm === form) submittedIds.set(form, id);
        nextId = uuid();
        fillAll();
      }
      if (id && measured[key]) return trace(FORM_SUBMITTED, `repeated ${key}`);
      measured[key] = 1;
      trace(FORM_SUBMITTED, `measured ${key}`);
      window.oaiq(
        "measure",
        /** @type {"lead_created"} */ (name),
        // without a type, the pixel rejects any other event, and says so
        {
          type: /** @type {Record<string, "customer_action">} */ (DATA_TYPES)[
            name
          ],
        },
        id ? { event_id: id } : undefined,
      );
    };
    settle = settleThis;
    setTimer(() => tryOr(() => settleThis(true)));
  };

  const fillAll = watchForms({
    names,
    valueFor,
    onSubmit,
    onSubmitted: (isLate) => tryOr(() => settle(isLate)),
    onReset: (form) => {
      submittedIds.delete(form);
      if (latestForm === form) latestForm = undefined;
      fillAll();
    },
  });
  let isDenied = false;
  const applyConsent = () => {
    // a denial may be taken back within the same task
    if (isDenied && !mayStore())
      tryOr(() => {
        isStored = false;
        touches = ownTouches;
        localStorage.removeItem(TOUCHES_KEY);
      });
    fillAll();
  };
  /** @type {import("../types/internal.js").Observer} */
  const observe = (event, detail) => {
    if (event === CONSENT_CHANGED) isDenied = detail === "denied";
    if (event === CONSENT_CHANGED || event === STATE_LOADED)
      setTimer(applyConsent);
  };
  // a denial that is stored may have been read before
  each(records, (it) => observe(it[0], it[1]));
  append(observers, observe);
};

tryOr(() => window.oaiq.__fields(start));
