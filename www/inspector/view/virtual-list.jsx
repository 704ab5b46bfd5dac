import { Component } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** Rows above and below those in view, so that a quick scroll does not show blank space. */
const MORE_ROWS = 8;

/** A row's height in rem, so that it follows the reader's font size: wide, and narrow where it has two lines. */
const ROW_REM = 2.25;
const NARROW_ROW_REM = 3.75;
/** Below this width, in rem, a row has two lines. The style sheet has the same number. */
const NARROW_REM = 40;

/**
 * A list of which only the rows in view are in the page. All rows are of one height, so that it is known where each one is.
 * What arrives above moves nothing that is being read: the first row in view stays where it is, unless the list is at its
 * very top and nobody `holds` it.
 *
 * `items` with `keyOf(item)`; `row(item, attributes)` gives the element, which has to take the attributes; `onOpen(item)`.
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
  holds,
  counts,
  end,
}) => {
  const scroller = useRef();
  const spacer = useRef();
  const [size, setSize] = useState({ height: 0, rowHeight: 0, narrow: false });
  const [, renderAt] = useState(0);
  const [active, setActive] = useState();
  const focusActive = useRef(false);
  const anchor = useRef({ key: undefined, offset: 0 });
  const shown = useRef({ items: [], rowHeight: 0, selected: undefined });
  const newest = useRef();
  const { height, rowHeight } = size;

  useLayoutEffect(() => {
    const measure = () => {
      const rem = parseFloat(
        getComputedStyle(document.documentElement).fontSize,
      );
      const { clientHeight, clientWidth } = scroller.current;
      const narrow = clientWidth < NARROW_REM * rem;
      setSize({
        height: clientHeight,
        rowHeight: Math.round((narrow ? NARROW_ROW_REM : ROW_REM) * rem),
        narrow,
      });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(scroller.current);
    measure();
    return () => observer.disconnect();
  }, []);

  const indexOf = (key) =>
    key === undefined ? -1 : items.findIndex((item) => keyOf(item) === key);

  const top = scroller.current?.scrollTop ?? 0;

  /** Where the list has to stand now, before it is painted. */
  const place = () => {
    const before = shown.current;
    let wanted = top;
    if (before.items !== items || before.rowHeight !== rowHeight) {
      if (top > 0 || holds) {
        const index = indexNear(items, keyOf, anchor.current.key);
        if (index !== -1) wanted = index * rowHeight + anchor.current.offset;
      }
    }
    if (
      before.selected !== selected &&
      selected !== undefined &&
      rowHeight > 0
    ) {
      const index = indexOf(selected);
      if (index !== -1) wanted = inView(index, wanted, rowHeight, height);
    }
    return Math.max(0, Math.min(wanted, items.length * rowHeight - height));
  };
  const at = rowHeight > 0 ? place() : 0;

  useLayoutEffect(() => {
    if (rowHeight === 0) return;
    const found =
      selected === undefined || indexOf(selected) !== -1 ? selected : undefined;
    shown.current = { items, rowHeight, selected: found };
    if (Math.abs(scroller.current.scrollTop - at) >= 1)
      scroller.current.scrollTop = at;
    remember(scroller.current.scrollTop);
    if (focusActive.current) {
      focusActive.current = false;
      spacer.current
        .querySelector('[tabindex="0"][role="row"]')
        ?.focus({ preventScroll: true });
    }
  });

  const remember = (scrollTop) => {
    const index = Math.min(Math.floor(scrollTop / rowHeight), items.length - 1);
    const first = items[index];
    anchor.current = {
      key: first === undefined ? undefined : keyOf(first),
      offset: scrollTop - index * rowHeight,
    };
    if (scrollTop < 1 && items.length > 0) newest.current = keyOf(items[0]);
  };

  const onScroll = () => {
    const { scrollTop } = scroller.current;
    remember(scrollTop);
    renderAt(scrollTop);
  };

  const scrollTo = (scrollTop) => {
    scroller.current.scrollTop = scrollTop;
    renderAt(scrollTop);
  };

  const first = Math.max(0, Math.floor(at / rowHeight) - MORE_ROWS) || 0;
  const last = Math.min(
    items.length,
    Math.ceil((at + height) / rowHeight) + MORE_ROWS || 0,
  );
  const indexes = [];
  for (let i = first; i < last; i += 1) indexes.push(i);
  // The row with the focus stays in the page, else the focus is lost.
  const activeIndex = indexOf(active ?? selected);
  if (activeIndex >= last) indexes.push(activeIndex);
  else if (activeIndex !== -1 && activeIndex < first)
    indexes.unshift(activeIndex);
  const tabStop =
    activeIndex !== -1
      ? activeIndex
      : Math.min(Math.ceil(at / rowHeight) || 0, items.length - 1);

  const moveTo = (index) => {
    const target = Math.max(0, Math.min(index, items.length - 1));
    if (items[target] === undefined) return;
    focusActive.current = true;
    setActive(keyOf(items[target]));
    scrollTo(inView(target, at, rowHeight, height));
    onMove?.(items[target]);
  };

  const onKeyDown = (press) => {
    if (press.altKey || press.ctrlKey || press.metaKey) return;
    const page = Math.max(1, Math.floor(height / rowHeight) - 1);
    const moves = {
      ArrowDown: tabStop + 1,
      ArrowUp: tabStop - 1,
      PageDown: tabStop + page,
      PageUp: tabStop - page,
      Home: 0,
      End: items.length - 1,
    };
    if (Object.hasOwn(moves, press.key)) {
      press.preventDefault();
      moveTo(moves[press.key]);
    } else if (
      (press.key === "Enter" || press.key === " ") &&
      press.target.getAttribute("role") === "row"
    ) {
      press.preventDefault();
      if (items[tabStop] !== undefined) onOpen?.(items[tabStop]);
    }
  };

  // The rows outlive a rendering, so what they call has to be there in each.
  const handlers = useRef({});
  handlers.current = { row, onOpen, setActive };

  const above = counts && at > 0 ? Math.max(0, indexOf(newest.current)) : 0;

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
      {end}
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

/** What a row looks like depends on these alone; while a list is scrolled, most rows stay as they are. */
const LOOKS = ["item", "index", "rowHeight", "isTabStop", "isSelected"];

class Row extends Component {
  shouldComponentUpdate(next) {
    return LOOKS.some((prop) => next[prop] !== this.props[prop]);
  }

  render({ id, item, index, rowHeight, isTabStop, isSelected, handlers }) {
    return handlers.current.row(item, {
      role: "row",
      tabIndex: isTabStop ? 0 : -1,
      "aria-rowindex": index + 2,
      "aria-selected": isSelected,
      style: { top: `${index * rowHeight}px`, height: `${rowHeight}px` },
      onFocusIn: () => handlers.current.setActive(id),
      onClick: (click) => {
        // A click on a link in the row goes where the link goes.
        if (!click.target.closest("a")) handlers.current.onOpen?.(item);
      },
    });
  }
}

/** The scroll position nearest to `top` at which that row is seen whole. */
const inView = (index, top, rowHeight, height) => {
  const start = index * rowHeight;
  if (start < top) return start;
  const least = start + rowHeight - height;
  return least > top ? least : top;
};

/** The index of that key or, where keys are numbers and it has gone, of the next smaller one; else -1. */
const indexNear = (items, keyOf, key) => {
  const index = items.findIndex((item) => keyOf(item) === key);
  if (index !== -1 || typeof key !== "number") return index;
  return items.findIndex((item) => keyOf(item) < key);
};
