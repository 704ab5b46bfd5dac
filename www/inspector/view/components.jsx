/** Small components that several views share. */
/** @import { ComponentChildren, JSX } from "preact" */
/** @import { EventRecord } from "../model/types.d.ts" */
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { escapeInvisible } from "../model/escape-invisible.js";
import { routeHref } from "../model/route.js";
import { verdictOf } from "../model/verdict.js";
import { QueryContext } from "./hooks.js";

const TICK = (
  <>
    <circle cx="8" cy="8" r="7" class="fill" />
    <path d="m4.8 8.2 2.2 2.2 4.2-4.6" class="on" />
  </>
);
const STOP = (
  <>
    <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" class="fill" />
    <path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" class="on" />
  </>
);

/**
 * A shape for each verdict and each state of a check, so that neither depends on colour.
 *
 * @type {Record<string, JSX.Element>}
 */
const SHAPES = {
  counted: TICK,
  duplicate: (
    <>
      <rect x="1.8" y="1.8" width="9" height="9" rx="1.5" class="line" />
      <rect x="5.2" y="5.2" width="9" height="9" rx="1.5" class="fill" />
    </>
  ),
  refused: STOP,
  internal: <circle cx="8" cy="8" r="2.2" class="fill" />,
  valid: (
    <>
      <circle cx="8" cy="8" r="6.2" class="line" />
      <path d="m4.8 8.2 2.2 2.2 4.2-4.6" class="line" />
    </>
  ),
  unknown: <circle cx="8" cy="8" r="6.2" class="line dashed" />,
  pass: TICK,
  pending: <circle cx="8" cy="8" r="6.2" class="line" />,
  review: (
    <>
      <path d="M8 1.2 15 14H1z" class="fill" />
      <path d="M8 5.6v4M8 11.4v.8" class="on" />
    </>
  ),
  fail: STOP,
};

/** @param {{ of: string }} props */
export const Icon = ({ of }) => (
  <svg class="icon" viewBox="0 0 16 16" data-of={of} aria-hidden="true">
    {SHAPES[of]}
  </svg>
);

/** @param {{ entry: EventRecord }} props */
export const VerdictBadge = ({ entry }) => {
  const { name, word } = verdictOf(entry);
  return (
    <span class="verdict-word" data-of={name}>
      <Icon of={name} />
      {word}
    </span>
  );
};

/**
 * Text from a page. Invisible characters are shown as escapes, and its writing direction does not affect its
 * surroundings.
 *
 * @param {{ value: unknown, longest?: number }} props
 */
export const UntrustedText = ({ value, longest = 200 }) => (
  <bdi class="untrusted">{escapeInvisible(value, longest)}</bdi>
);

/** @param {{ value: unknown, longest?: number }} props */
export const UntrustedCode = ({ value, longest = 300 }) => (
  <code>{escapeInvisible(value, longest)}</code>
);

/** @param {{ seq: number, view?: string } & JSX.HTMLAttributes<HTMLAnchorElement>} props */
export const EventLink = ({ seq, view = "events", ...attributes }) => (
  <a
    href={routeHref(view, seq, useContext(QueryContext))}
    class="event-link"
    {...attributes}
  >
    #{seq}
  </a>
);

/** How long the button says "Copied". */
const COPIED_MS = 2500;

/**
 * A button that copies a text. Where the browser forbids it, the text is shown.
 *
 * @param {{ text: () => string, children: ComponentChildren, class?: string }} props
 */
export const CopyButton = ({ text, children, class: className }) => {
  const [isCopied, setCopied] = useState(false);
  /** @type {[string | undefined, (text: string) => void]} */
  const [manual, setManual] = useState();
  /** @type {{ current: ReturnType<typeof setTimeout> | undefined }} */
  const timer = useRef();
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    clearTimeout(timer.current);
    try {
      // navigator.clipboard is missing unless the page is on https or localhost
      await navigator.clipboard.writeText(text());
      setCopied(true);
      timer.current = setTimeout(() => setCopied(false), COPIED_MS);
    } catch {
      setManual(text());
    }
  };
  return (
    <>
      <button type="button" class={className} onClick={copy}>
        {isCopied ? "Copied" : children}
      </button>
      <span role="status" class="visually-hidden">
        {isCopied && "Copied"}
      </span>
      {manual !== undefined && (
        <textarea
          class="manual-copy"
          readOnly
          rows={6}
          aria-label="The browser does not allow this page to copy. Copy the text from here."
          value={manual}
          ref={(area) => area?.select()}
        />
      )}
    </>
  );
};

/** @param {{ title: string, children: ComponentChildren }} props */
export const EmptyState = ({ title, children }) => (
  <section class="empty">
    <h2>{title}</h2>
    {children}
  </section>
);

/**
 * A name and its value in a `dl`.
 *
 * @param {{ name: string, children: ComponentChildren }} props
 */
export const DefinitionRow = ({ name, children }) => (
  <div class="definition">
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);
