import { useEffect, useRef, useState } from "preact/hooks";
import { NO_FILTER } from "../model/filter.js";
import { plural } from "../model/format.js";
import { VERDICT_LIST } from "../model/verdict.js";
import { visible } from "../model/escape-invisible.js";
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
  const active = [
    ...["verdict", "name", "transport", "pixel"],
    ...["internal", "since"],
  ].filter((field) => filter[field] !== NO_FILTER[field]).length;
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
          placeholder="Search name, id, page, amount, time …"
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
          title="Starts, session markers and pixel config (not conversions). Reports of refused calls are always in view."
        >
          <input
            type="checkbox"
            checked={filter.internal}
            onChange={({ target }) => change("internal", target.checked)}
          />
          Pixel status
        </label>
        {filter.since > 0 && (
          <button
            type="button"
            class="since"
            title="Show the events before the marker “Test starts here” too"
            onClick={() => change("since", 0)}
          >
            Only after #{filter.since} <span aria-hidden="true">×</span>
          </button>
        )}
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
          title={
            shown === total
              ? "Save all events as JSON"
              : `Save the events that match the filters as JSON; ${plural(total - shown, "other")} ${total - shown === 1 ? "is" : "are"} left out`
          }
          onClick={save}
        >
          Export {plural(shown, "event")}
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
      {/* A choice stays one while no event here matches it any more. */}
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
          The collector deletes every event that it keeps, also those that the
          filters hide, for everyone who uses it. This cannot be undone. Export
          the events first if you need them.
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
