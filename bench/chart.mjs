// Renders the chart of docs/figures.md, size, start and call side by side, as a self-contained SVG.
import { formatKilobytes, formatNumber, VENDOR_BASELINE } from "./report.mjs";

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {"ours" | "vendor" | ""} kind
 * @property {{ brotli: number }} size
 * @property {number} startRatio
 * @property {number} callRatio
 *
 * @typedef {object} Panel
 * @property {string} head
 * @property {string} unit
 * @property {(row: Row) => number} value
 * @property {(row: Row) => string} [text] of the value, if not as `formatNumber` writes it
 */

const ROW = 28;
const BAR = 16;
const LABELS = 290;
const PANEL = 220;
/** The length of the longest bar; the rest of a panel is for its figure. */
const MAX_BAR = 150;
const TOP = 64;

/** @param {string} text */
const escapeXml = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const STYLE = `
  svg { --paper: #ffffff; --ink: #1f2328; --faint: #59636e; --bar: #9aa4af; --ours: #0b6bcb; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --ink: #e6edf3; --faint: #9198a1; --bar: #6e7681; --ours: #58a6ff; }
  }
  rect.paper { fill: var(--paper); }
  rect.bar { fill: var(--bar); }
  rect.ours { fill: var(--ours); }
  rect.vendor { fill: none; stroke: var(--bar); stroke-dasharray: 3 2; }
  text { fill: var(--ink); font: 13px system-ui, sans-serif; }
  text.head, text.strong { font-weight: 600; }
  text.unit { fill: var(--faint); font-size: 12px; }`;

/** @type {Panel[]} */
const PANELS = [
  {
    head: "Download",
    unit: "kB, brotli",
    value: ({ size }) => size.brotli / 1000,
    text: ({ size }) => formatKilobytes(size.brotli),
  },
  {
    head: "Start",
    unit: "relative to the calibration",
    value: ({ startRatio }) => startRatio,
  },
  {
    head: "One call",
    unit: "µs per ms of calibration",
    value: ({ callRatio }) => callRatio,
  },
];

/**
 * The chart as SVG.
 *
 * @param {import("./report.mjs").Result[]} results
 */
export const renderChart = (results) => {
  /** @type {Row[]} */
  const rows = [
    ...results.map(
      /** @returns {Row} */ ({ name, ours, size, full }) => ({
        name,
        kind: ours ? "ours" : "",
        size,
        startRatio: full.startRatio.median,
        callRatio: full.callRatio.median,
      }),
    ),
    { ...VENDOR_BASELINE, kind: "vendor" },
  ];
  const width = LABELS + PANELS.length * PANEL + 8;
  const height = TOP + rows.length * ROW + 12;
  /** @param {number} index */
  const middle = (index) => TOP + index * ROW + ROW / 2;
  /**
   * @param {Panel} panel
   * @param {Row} row
   */
  const figure = ({ value, text }, row) =>
    text ? text(row) : formatNumber(value(row));

  const labels = rows.map(
    ({ name, kind }, i) =>
      `  <text x="${LABELS - 12}" y="${middle(i)}" text-anchor="end" dominant-baseline="central"${kind === "ours" ? ' class="strong"' : ""}>${escapeXml(name)}</text>`,
  );
  const panels = PANELS.flatMap((panel, p) => {
    const left = LABELS + p * PANEL;
    const max = Math.max(...rows.map(panel.value));
    return [
      `  <text x="${left}" y="28" class="head">${panel.head}</text>`,
      `  <text x="${left}" y="46" class="unit">${panel.unit}</text>`,
      ...rows.flatMap((row, i) => {
        const length = Math.max(1, (panel.value(row) / max) * MAX_BAR);
        const strong = row.kind === "ours" ? ' class="strong"' : "";
        return [
          `  <rect class="bar ${row.kind}" x="${left}" y="${middle(i) - BAR / 2}" width="${length.toFixed(1)}" height="${BAR}" />`,
          `  <text x="${(left + length + 6).toFixed(1)}" y="${middle(i)}" dominant-baseline="central"${strong}>${figure(panel, row)}</text>`,
        ];
      }),
    ];
  });
  const description = rows
    .map(
      (row) =>
        `${row.name}: ${PANELS.map((panel) => `${panel.head.toLowerCase()} ${figure(panel, row)} ${panel.unit}`).join("; ")}.`,
    )
    .join(" ");

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">
  <title id="title">Size, start and call of each script; shorter is better</title>
  <desc id="description">${escapeXml(description)}</desc>
  <style>${STYLE}
  </style>
  <rect class="paper" width="${width}" height="${height}" />
${[...labels, ...panels].join("\n")}
</svg>
`;
};
