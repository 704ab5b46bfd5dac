/** Small parts that several views share. */
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { addressOf } from "../model/route.js";
import { verdictOf } from "../model/verdict.js";
import { visible } from "../model/escape-invisible.js";
import { Query } from "./hooks.js";

/** Each verdict by its shape, so that it is known without its colour. */
const SHAPES = {
  counted: (
    <>
      <circle cx="8" cy="8" r="7" class="fill" />
      <path d="m4.8 8.2 2.2 2.2 4.2-4.6" class="on" />
    </>
  ),
  duplicate: (
    <>
      <rect x="1.8" y="1.8" width="9" height="9" rx="1.5" class="line" />
      <rect x="5.2" y="5.2" width="9" height="9" rx="1.5" class="fill" />
    </>
  ),
  refused: (
    <>
      <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" class="fill" />
      <path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" class="on" />
    </>
  ),
  internal: <circle cx="8" cy="8" r="2.2" class="fill" />,
  valid: (
    <>
      <circle cx="8" cy="8" r="6.2" class="line" />
      <path d="m4.8 8.2 2.2 2.2 4.2-4.6" class="line" />
    </>
  ),
  unknown: <circle cx="8" cy="8" r="6.2" class="line dashed" />,
  yes: (
    <>
      <circle cx="8" cy="8" r="7" class="fill" />
      <path d="m4.8 8.2 2.2 2.2 4.2-4.6" class="on" />
    </>
  ),
  open: <circle cx="8" cy="8" r="6.2" class="line" />,
  look: (
    <>
      <path d="M8 1.2 15 14H1z" class="fill" />
      <path d="M8 5.6v4M8 11.4v.8" class="on" />
    </>
  ),
  problem: (
    <>
      <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" class="fill" />
      <path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" class="on" />
    </>
  ),
};

export const Icon = ({ of }) => (
  <svg class="icon" viewBox="0 0 16 16" data-of={of} aria-hidden="true">
    {SHAPES[of]}
  </svg>
);

export const Verdict = ({ entry }) => {
  const { name, word } = verdictOf(entry);
  return (
    <span class="verdict-word" data-of={name}>
      <Icon of={name} />
      {word}
    </span>
  );
};

/** What a page sent, as text: every character of it is visible, and none of them acts. */
export const Sent = ({ value, longest = 200 }) => (
  <bdi class="sent">{visible(value, longest)}</bdi>
);

export const Code = ({ value, longest = 300 }) => (
  <code>{visible(value, longest)}</code>
);

/** A link to an event. */
export const EventLink = ({ seq, view = "events", ...attributes }) => (
  <a
    href={addressOf(view, seq, useContext(Query))}
    class="event-link"
    {...attributes}
  >
    #{seq}
  </a>
);

/** A button that copies a text, and says so. `text()` gives it. Where the browser forbids it, the text is shown. */
export const CopyButton = ({ text, children, ...attributes }) => {
  const [copied, setCopied] = useState(false);
  const [byHand, setByHand] = useState();
  const timer = useRef();
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    clearTimeout(timer.current);
    try {
      // missing where the page came neither by https nor from localhost
      await navigator.clipboard.writeText(text());
      setCopied(true);
      timer.current = setTimeout(() => setCopied(false), 2500);
    } catch {
      setByHand(text());
    }
  };
  return (
    <>
      <button type="button" onClick={copy} {...attributes}>
        {copied ? "Copied" : children}
      </button>
      <span role="status" class="unseen">
        {copied && "Copied"}
      </span>
      {byHand !== undefined && (
        <textarea
          class="by-hand"
          readOnly
          rows={6}
          aria-label="The browser does not allow copying here: copy this by hand"
          value={byHand}
          ref={(area) => area?.select()}
        />
      )}
    </>
  );
};

/** Nothing to show, and why. */
export const Empty = ({ title, children }) => (
  <section class="empty">
    <h2>{title}</h2>
    {children}
  </section>
);

/** One line of a `dl`. */
export const Fact = ({ name, children }) => (
  <div class="fact">
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);
