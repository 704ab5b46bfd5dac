import { useEffect, useRef, useState } from "preact/hooks";
import { NO_FILTER } from "../model/filter.js";
import { plural } from "../model/format.js";
import { VERDICT_LIST } from "../model/verdict.js";
import { visible } from "../model/visible.js";
import { transportName } from "./event-row.jsx";

/** Search and filters, and what is done with all that is in view. */
export const Toolbar = ({
  filter,
  setFilter,
  choices,
  store,
  total,
  shown,
  save,
  inert,
}) => {
  const search = useRef();
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const focusSearch = (press) => {
      const typing = press.target.closest?.(
        "input:not([type=checkbox]), select, textarea, dialog",
      );
      if (press.key !== "/" || typing || press.ctrlKey || press.metaKey) return;
      press.preventDefault();
      search.current.select();
      search.current.focus();
    };
    document.addEventListener("keydown", focusSearch);
    return () => document.removeEventListener("keydown", focusSearch);
  }, []);

  const change = (field, value) => setFilter({ ...filter, [field]: value });
  const active = ["verdict", "name", "transport", "pixel"].filter(
    (field) => filter[field] !== NO_FILTER[field],
  ).length;
  return (
    <div
      class="toolbar"
      role="group"
      aria-label="Find and filter"
      inert={inert}
    >
      <label class="search">
        <span class="unseen">Search events</span>
        <input
          ref={search}
          type="search"
          placeholder="Search name, id, page, amount …"
          autocomplete="off"
          spellcheck={false}
          aria-keyshortcuts="/"
          value={filter.text}
          onInput={({ target }) => change("text", target.value)}
        />
        <kbd aria-hidden="true">/</kbd>
      </label>
      <button
        type="button"
        class="filters-button"
        aria-expanded={open}
        aria-controls="filters"
        onClick={() => setOpen(!open)}
      >
        Filters{active > 0 && ` (${active})`}
      </button>
      <div id="filters" class="filters" data-open={open}>
        <Choice
          label="Verdict"
          all="All verdicts"
          value={filter.verdict}
          options={VERDICT_LIST.map(({ name, word }) => [name, word])}
          onChange={(value) => change("verdict", value)}
        />
        <Choice
          label="Event"
          all="All events"
          value={filter.name}
          options={choices.names.map((name) => [name, name])}
          onChange={(value) => change("name", value)}
        />
        <Choice
          label="Sent by"
          all="All transports"
          value={filter.transport}
          options={choices.transports.map((name) => [
            name,
            transportName(name),
          ])}
          onChange={(value) => change("transport", value)}
        />
        <Choice
          label="Pixel"
          all="All pixels"
          value={filter.pixel}
          options={choices.pixels.map((name) => [name, name])}
          onChange={(value) => change("pixel", value)}
        />
        <label
          class="check"
          title="Starts, session markers and settings. Refused calls always stay in view."
        >
          <input
            type="checkbox"
            checked={filter.internal}
            onChange={({ target }) => change("internal", target.checked)}
          />
          Internal
        </label>
      </div>
      <div class="buttons">
        <button
          type="button"
          aria-pressed={store.isPaused}
          onClick={() => (store.isPaused ? store.resume() : store.pause())}
        >
          {store.isPaused
            ? `Resume (${store.arrived.toLocaleString()} new)`
            : "Pause"}
        </button>
        <button
          type="button"
          disabled={shown === 0}
          title="Save the events in view, in the form of /events.json"
          onClick={save}
        >
          Export<span class="wide-only"> JSON</span>
        </button>
        <ClearButton store={store} total={total} />
      </div>
    </div>
  );
};

const Choice = ({ label, all, value, options, onChange }) => (
  <span class="select" data-set={value !== ""}>
    <select
      aria-label={label}
      value={value}
      onChange={({ target }) => onChange(target.value)}
    >
      <option value="">{all}</option>
      {/* A choice stays one while nothing here fits it any more. */}
      {value !== "" && !options.some(([name]) => name === value) && (
        <option value={value}>{visible(value, 60)}</option>
      )}
      {options.map(([name, words]) => (
        <option key={name} value={name}>
          {visible(words, 60)}
        </option>
      ))}
    </select>
  </span>
);

const ClearButton = ({ store, total }) => {
  const dialog = useRef();
  return (
    <>
      <button
        type="button"
        disabled={total === 0}
        onClick={() => dialog.current.showModal()}
      >
        Clear…
      </button>
      <dialog ref={dialog} aria-labelledby="clear-title">
        <h2 id="clear-title">Clear {plural(total, "event")}?</h2>
        <p>
          The collector forgets all of them, also those that the filter hides,
          for everyone who looks at it. They cannot be brought back: export them
          first if you need them.
        </p>
        <div class="dialog-buttons">
          <button
            type="button"
            autofocus
            onClick={() => dialog.current.close()}
          >
            Keep them
          </button>
          <button
            type="button"
            class="danger"
            onClick={() => {
              dialog.current.close();
              store.clear();
            }}
          >
            Clear
          </button>
        </div>
      </dialog>
    </>
  );
};
