/** @import { ComponentChild, ComponentChildren, JSX } from "preact" */
import { Component } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** Rows above and below the visible ones, so that quick scrolling shows no blank space. */
const OVERSCAN_ROWS = 8;

/** A row's height in rem, so that it follows the reader's font size: with one line and, where it is narrow, with two. */
const ROW_REM = 2.25;
const NARROW_ROW_REM = 3.75;
/** Below this width a row has two lines. styles/list.css has the same number. */
const NARROW_REM = 40;

/** @typedef {string | number} Key */
/** @typedef {JSX.HTMLAttributes<HTMLDivElement>} RowAttributes */

/**
 * A list that renders only the visible rows. All rows have the same height, so each one's place is known. New items
 * above do not move what is being read: the first visible row keeps its place, unless the list is at its very top and
 * does not `keepPosition`.
 *
 * @template Item
 * @param {object} props
 * @param {string} props.label
 * @param {ComponentChildren} props.head
 * @param {Item[]} props.items
 * @param {(item: Item) => Key} props.keyOf
 * @param {(item: Item, attributes: RowAttributes) => ComponentChild} props.row renders a row, with these attributes on
 *   its element
 * @param {(item: Item) => void} props.onOpen
 * @param {(item: Item) => void} [props.onMove] when the focus moves to another row
 * @param {Key | undefined} props.selected
 * @param {boolean} props.keepPosition
 * @param {boolean} [props.showNewCount] whether a button shows how many items are new above
 * @param {ComponentChildren} [props.footer]
 */
export const VirtualList = ({
  label,
  head,
  items,
  keyOf,
  row,
  onOpen,
  onMove,
  selected,
  keepPosition,
  showNewCount,
  footer,
}) => {
  /** @type {{ current: HTMLDivElement | null }} */
  const scroller = useRef(null);
  /** @type {{ current: HTMLDivElement | null }} */
  const spacer = useRef(null);
  const [size, setSize] = useState({ height: 0, rowHeight: 0, narrow: false });
  const [, renderAt] = useState(0);
  /** @type {[Key | undefined, (key: Key | undefined) => void]} */
  const [active, setActive] = useState();
  const shouldFocus = useRef(false);
  /** The first visible row, and how far it is scrolled out of view. */
  const anchor = useRef({
    key: /** @type {Key | undefined} */ (undefined),
    offset: 0,
  });
  /** What the last rendering showed. */
  const rendered = useRef({
    items: /** @type {Item[]} */ ([]),
    rowHeight: 0,
    selected: /** @type {Key | undefined} */ (undefined),
  });
  /** The newest item that the reader has seen. */
  const newestSeen = useRef(/** @type {Key | undefined} */ (undefined));
  const { height, rowHeight } = size;

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const measure = () => {
      const rem = parseFloat(
        getComputedStyle(document.documentElement).fontSize,
      );
      const { clientHeight, clientWidth } = element;
      const narrow = clientWidth < NARROW_REM * rem;
      setSize({
        height: clientHeight,
        rowHeight: Math.round((narrow ? NARROW_ROW_REM : ROW_REM) * rem),
        narrow,
      });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);

  /** @param {Key | undefined} key */
  const indexOf = (key) =>
    key === undefined ? -1 : items.findIndex((item) => keyOf(item) === key);

  const scrollTop = scroller.current?.scrollTop ?? 0;

  /** The scroll position that the list needs now, before it is painted. */
  const targetScrollTop = () => {
    const before = rendered.current;
    let target = scrollTop;
    const hasChanged = before.items !== items || before.rowHeight !== rowHeight;
    if (hasChanged && (scrollTop > 0 || keepPosition)) {
      const index = findNearest(items, keyOf, anchor.current.key);
      if (index !== -1) target = index * rowHeight + anchor.current.offset;
    }
    if (before.selected !== selected && rowHeight > 0) {
      const index = indexOf(selected);
      if (index !== -1)
        target = scrollIntoView(index, target, rowHeight, height);
    }
    return Math.max(0, Math.min(target, items.length * rowHeight - height));
  };
  const at = rowHeight > 0 ? targetScrollTop() : 0;

  useLayoutEffect(() => {
    if (rowHeight === 0 || !scroller.current) return;
    const found = indexOf(selected) === -1 ? undefined : selected;
    rendered.current = { items, rowHeight, selected: found };
    if (Math.abs(scroller.current.scrollTop - at) >= 1)
      scroller.current.scrollTop = at;
    remember(scroller.current.scrollTop);
    if (shouldFocus.current) {
      shouldFocus.current = false;
      /** @type {HTMLElement | null | undefined} */ (
        spacer.current?.querySelector('[tabindex="0"][role="row"]')
      )?.focus({ preventScroll: true });
    }
  });

  /** @param {number} top */
  const remember = (top) => {
    const index = Math.min(Math.floor(top / rowHeight), items.length - 1);
    const first = items[index];
    anchor.current = {
      key: first === undefined ? undefined : keyOf(first),
      offset: top - index * rowHeight,
    };
    if (top < 1 && items.length > 0) newestSeen.current = keyOf(items[0]);
  };

  const onScroll = () => {
    const top = scroller.current?.scrollTop ?? 0;
    remember(top);
    renderAt(top);
  };

  /** @param {number} top */
  const scrollTo = (top) => {
    if (scroller.current) scroller.current.scrollTop = top;
    renderAt(top);
  };

  const first = Math.max(0, Math.floor(at / rowHeight) - OVERSCAN_ROWS) || 0;
  const last = Math.min(
    items.length,
    Math.ceil((at + height) / rowHeight) + OVERSCAN_ROWS || 0,
  );
  const indexes = [];
  for (let i = first; i < last; i += 1) indexes.push(i);
  // The row with the focus is always rendered; otherwise the focus would be lost.
  const activeIndex = indexOf(active ?? selected);
  if (activeIndex >= last) indexes.push(activeIndex);
  else if (activeIndex !== -1 && activeIndex < first)
    indexes.unshift(activeIndex);
  const tabStop =
    activeIndex !== -1
      ? activeIndex
      : Math.min(Math.ceil(at / rowHeight) || 0, items.length - 1);

  /** @param {number} index */
  const moveTo = (index) => {
    const target = Math.max(0, Math.min(index, items.length - 1));
    const item = items[target];
    if (item === undefined) return;
    shouldFocus.current = true;
    setActive(keyOf(item));
    scrollTo(scrollIntoView(target, at, rowHeight, height));
    onMove?.(item);
  };

  /** @param {JSX.TargetedKeyboardEvent<HTMLDivElement>} press */
  const onKeyDown = (press) => {
    if (press.altKey || press.ctrlKey || press.metaKey) return;
    const page = Math.max(1, Math.floor(height / rowHeight) - 1);
    const moves = new Map([
      ["ArrowDown", tabStop + 1],
      ["ArrowUp", tabStop - 1],
      ["PageDown", tabStop + page],
      ["PageUp", tabStop - page],
      ["Home", 0],
      ["End", items.length - 1],
    ]);
    const target = moves.get(press.key);
    if (target !== undefined) {
      press.preventDefault();
      moveTo(target);
    } else if (
      (press.key === "Enter" || press.key === " ") &&
      press.target instanceof Element &&
      press.target.getAttribute("role") === "row"
    ) {
      press.preventDefault();
      const item = items[tabStop];
      if (item !== undefined) onOpen(item);
    }
  };

  // Rows are not rendered each time, so they call the latest handlers through this.
  /** @type {{ current: Handlers<Item> }} */
  const handlers = useRef({ row, onOpen, setActive });
  handlers.current = { row, onOpen, setActive };

  const above =
    showNewCount && at > 0 ? Math.max(0, indexOf(newestSeen.current)) : 0;

  return (
    <div class={`list ${size.narrow ? "narrow" : "wide"}`}>
      <div
        role="grid"
        aria-label={label}
        aria-rowcount={items.length + 1}
        class="grid"
        onKeyDown={onKeyDown}
      >
        {head}
        <div class="scroller" ref={scroller} onScroll={onScroll}>
          <div
            role="rowgroup"
            class="spacer"
            ref={spacer}
            style={{ height: `${items.length * rowHeight}px` }}
          >
            {rowHeight > 0 &&
              indexes.map((index) => {
                const item = items[index];
                const key = keyOf(item);
                return (
                  <Row
                    key={key}
                    id={key}
                    item={item}
                    index={index}
                    rowHeight={rowHeight}
                    isTabStop={index === tabStop}
                    isSelected={key === selected}
                    handlers={handlers}
                  />
                );
              })}
          </div>
        </div>
      </div>
      {footer}
      {above > 0 && (
        <button
          type="button"
          class="to-newest"
          onClick={() => {
            setActive(undefined);
            scrollTo(0);
          }}
        >
          <span aria-hidden="true">↑</span> {above.toLocaleString()} new
        </button>
      )}
    </div>
  );
};

/**
 * @template Item
 * @typedef {object} Handlers
 * @property {(item: Item, attributes: RowAttributes) => ComponentChild} row
 * @property {(item: Item) => void} onOpen
 * @property {(key: Key) => void} setActive
 */

/**
 * @template Item
 * @typedef {object} RowProps
 * @property {Key} id
 * @property {Item} item
 * @property {number} index
 * @property {number} rowHeight
 * @property {boolean} isTabStop
 * @property {boolean} isSelected
 * @property {{ current: Handlers<Item> }} handlers
 */

/**
 * A row, which renders only when what it shows changes: while the list scrolls, most rows stay as they are.
 *
 * @template Item
 * @extends {Component<RowProps<Item>>}
 */
class Row extends Component {
  /** @param {RowProps<Item>} next */
  shouldComponentUpdate(next) {
    const { props } = this;
    return (
      next.item !== props.item ||
      next.index !== props.index ||
      next.rowHeight !== props.rowHeight ||
      next.isTabStop !== props.isTabStop ||
      next.isSelected !== props.isSelected
    );
  }

  render() {
    const { id, item, index, rowHeight, isTabStop, isSelected, handlers } =
      this.props;
    return handlers.current.row(item, {
      role: "row",
      tabIndex: isTabStop ? 0 : -1,
      "aria-rowindex": index + 2,
      "aria-selected": isSelected,
      style: { top: `${index * rowHeight}px`, height: `${rowHeight}px` },
      onFocusIn: () => handlers.current.setActive(id),
      onClick: ({ target }) => {
        // a link in the row is followed instead
        if (!(target instanceof Element && target.closest("a")))
          handlers.current.onOpen(item);
      },
    });
  }
}

/**
 * The scroll position nearest to `top` at which a row is completely visible.
 *
 * @param {number} index
 * @param {number} top
 * @param {number} rowHeight
 * @param {number} height
 */
const scrollIntoView = (index, top, rowHeight, height) => {
  const start = index * rowHeight;
  if (start < top) return start;
  const least = start + rowHeight - height;
  return least > top ? least : top;
};

/**
 * The index of the item with that key or, where keys are numbers and it is gone, with the next smaller one; else -1.
 *
 * @template Item
 * @param {Item[]} items
 * @param {(item: Item) => Key} keyOf
 * @param {Key | undefined} key
 */
const findNearest = (items, keyOf, key) => {
  const index = items.findIndex((item) => keyOf(item) === key);
  if (index !== -1 || typeof key !== "number") return index;
  return items.findIndex((item) => Number(keyOf(item)) < key);
};
