/** @import { Filter } from "../model/types.d.ts" */
/** @import { filterOptions } from "../model/filter.js" */
/** @import { SetFilter } from "./hooks.js" */
/** @import { Store } from "./store.js" */
import { useEffect, useRef, useState } from "preact/hooks";
import { escapeInvisible } from "../model/escape-invisible.js";
import { activeFilterCount } from "../model/filter.js";
import { plural } from "../model/format.js";
import { VERDICTS } from "../model/verdict.js";
import { transportLabel } from "./event-row.jsx";

/**
 * Search, filters, and actions on the events that are shown.
 *
 * @param {object} props
 * @param {Filter} props.filter
 * @param {SetFilter} props.setFilter
 * @param {ReturnType<typeof filterOptions>} props.options
 * @param {Store} props.store
 * @param {number} props.total how many events there are
 * @param {number} props.shown how many of them are shown
 * @param {() => void} props.save
 * @param {boolean} props.inert
 */
export const Toolbar = ({
  filter,
  setFilter,
  options,
  store,
  total,
  shown,
  save,
  inert,
}) => {
  /** @type {{ current: HTMLInputElement | null }} */
  const search = useRef(null);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    /** @param {KeyboardEvent} press */
    const focusSearch = (press) => {
      const isTyping =
        press.target instanceof Element &&
        press.target.closest(
          "input:not([type=checkbox]), select, textarea, dialog",
        );
      if (press.key !== "/" || isTyping || press.ctrlKey || press.metaKey)
        return;
      press.preventDefault();
      search.current?.select();
      search.current?.focus();
    };
    document.addEventListener("keydown", focusSearch);
    return () => document.removeEventListener("keydown", focusSearch);
  }, []);

  /** @param {Partial<Filter>} part */
  const change = (part) => setFilter({ ...filter, ...part });
  const active = activeFilterCount(filter);
  const left = total - shown;
  return (
    <div
      class="toolbar"
      role="group"
      aria-label="Search and filters"
      inert={inert}
    >
      <label class="search">
        <span class="visually-hidden">Search events</span>
        <input
          ref={search}
          type="search"
          placeholder="Search name, ID, page, amount, time …"
          autocomplete="off"
          spellcheck={false}
          aria-keyshortcuts="/"
          value={filter.text}
          onInput={({ currentTarget }) => change({ text: currentTarget.value })}
        />
        <kbd aria-hidden="true">/</kbd>
      </label>
      <button
        type="button"
        class="filters-button"
        aria-expanded={isOpen}
        aria-controls="filters"
        onClick={() => setOpen(!isOpen)}
      >
        Filters{active > 0 && ` (${active})`}
      </button>
      <div id="filters" class="filters" data-open={isOpen}>
        <FilterSelect
          label="Verdict"
          all="All verdicts"
          value={filter.verdict}
          options={VERDICTS.map(({ name, word }) => [name, word])}
          onChange={(verdict) => change({ verdict })}
        />
        <FilterSelect
          label="Event"
          all="All events"
          value={filter.name}
          options={options.names.map((name) => [name, name])}
          onChange={(name) => change({ name })}
        />
        <FilterSelect
          label="Sent by"
          all="All transports"
          value={filter.transport}
          options={options.transports.map((name) => [
            name,
            transportLabel(name),
          ])}
          onChange={(transport) => change({ transport })}
        />
        <FilterSelect
          label="Pixel"
          all="All pixels"
          value={filter.pixel}
          options={options.pixels.map((name) => [name, name])}
          onChange={(pixel) => change({ pixel })}
        />
        <label
          class="check"
          title="Starts, session markers and pixel config, which are not conversions. Reports of rejected calls are always shown."
        >
          <input
            type="checkbox"
            checked={filter.internal}
            onChange={({ currentTarget }) =>
              change({ internal: currentTarget.checked })
            }
          />
          Pixel status
        </label>
        {filter.since > 0 && (
          <button
            type="button"
            class="since"
            title="Also show the events from before “Test starts here”"
            onClick={() => change({ since: 0 })}
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
            ? `Resume (${store.newSincePause.toLocaleString()} new)`
            : "Pause"}
        </button>
        <button
          type="button"
          disabled={shown === 0}
          title={
            left === 0
              ? "Save all events as JSON"
              : `Save the events that match the filters as JSON, without ${plural(left, "other")}`
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

/**
 * @param {object} props
 * @param {string} props.label
 * @param {string} props.all what the menu says where it filters nothing
 * @param {string} props.value
 * @param {[string, string][]} props.options each value with its label
 * @param {(value: string) => void} props.onChange
 */
const FilterSelect = ({ label, all, value, options, onChange }) => (
  <span class="select" data-set={value !== ""}>
    <select
      aria-label={label}
      value={value}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
    >
      <option value="">{all}</option>
      {/* The chosen value stays an option when no event has it any more. */}
      {value !== "" && !options.some(([name]) => name === value) && (
        <option value={value}>{escapeInvisible(value, 60)}</option>
      )}
      {options.map(([name, words]) => (
        <option key={name} value={name}>
          {escapeInvisible(words, 60)}
        </option>
      ))}
    </select>
  </span>
);

/** @param {{ store: Store, total: number }} props */
const ClearButton = ({ store, total }) => {
  /** @type {{ current: HTMLDialogElement | null }} */
  const dialog = useRef(null);
  return (
    <>
      <button
        type="button"
        disabled={total === 0}
        onClick={() => dialog.current?.showModal()}
      >
        Clear…
      </button>
      <dialog ref={dialog} aria-labelledby="clear-title">
        <h2 id="clear-title">Clear {plural(total, "event")}?</h2>
        <p>
          The collector deletes all its events, including those that the filters
          hide, for everyone who uses it. This cannot be undone. Export the
          events first if you need them.
        </p>
        <div class="dialog-buttons">
          <button
            type="button"
            autofocus
            onClick={() => dialog.current?.close()}
          >
            Keep them
          </button>
          <button
            type="button"
            class="danger"
            onClick={() => {
              dialog.current?.close();
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
