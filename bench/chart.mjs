// The chart of docs/figures.md: bytes, start and call side by side, as an SVG that needs nothing else.
import { ELSEWHERE, kilobytes, number } from "./report.mjs";

const ROW = 28;
const BAR = 16;
const LABELS = 290;
const PANEL = 220;
/** The longest bar; the rest of a panel is for its figure. */
const LONGEST = 150;
const TOP = 64;

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const STYLE = `
  svg { --paper: #ffffff; --ink: #1f2328; --faint: #59636e; --bar: #9aa4af; --ours: #0b6bcb; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --ink: #e6edf3; --faint: #9198a1; --bar: #6e7681; --ours: #58a6ff; }
  }
  rect.paper { fill: var(--paper); }
  rect.bar { fill: var(--bar); }
  rect.ours { fill: var(--ours); }
  rect.elsewhere { fill: none; stroke: var(--bar); stroke-dasharray: 3 2; }
  text { fill: var(--ink); font: 13px system-ui, sans-serif; }
  text.head, text.strong { font-weight: 600; }
  text.unit { fill: var(--faint); font-size: 12px; }`;

const PANELS = [
  {
    head: "Download",
    unit: "kB, brotli",
    value: ({ size }) => size.brotli / 1000,
    text: ({ size }) => kilobytes(size.brotli),
  },
  {
    head: "Start",
    unit: "parts of the fixed work",
    value: ({ startRatio }) => startRatio,
  },
  {
    head: "One call",
    unit: "µs per ms of fixed work",
    value: ({ callRatio }) => callRatio,
  },
];

/** The chart's text. */
export const chart = (results) => {
  const rows = [
    ...results.map(({ name, ours, size, full }) => ({
      name,
      kind: ours ? "ours" : "",
      size,
      startRatio: full.startRatio.median,
      callRatio: full.callRatio.median,
    })),
    { ...ELSEWHERE, kind: "elsewhere" },
  ];
  const width = LABELS + PANELS.length * PANEL + 8;
  const height = TOP + rows.length * ROW + 12;
  const middle = (row) => TOP + row * ROW + ROW / 2;
  const figure = ({ value, text }, row) =>
    text ? text(row) : number(value(row));

  const labels = rows.map(
    ({ name, kind }, i) =>
      `  <text x="${LABELS - 12}" y="${middle(i)}" text-anchor="end" dominant-baseline="central"${kind === "ours" ? ' class="strong"' : ""}>${escape(name)}</text>`,
  );
  const panels = PANELS.flatMap((panel, p) => {
    const left = LABELS + p * PANEL;
    const most = Math.max(...rows.map(panel.value));
    return [
      `  <text x="${left}" y="28" class="head">${panel.head}</text>`,
      `  <text x="${left}" y="46" class="unit">${panel.unit}</text>`,
      ...rows.flatMap((row, i) => {
        const length = Math.max(1, (panel.value(row) / most) * LONGEST);
        const strong = row.kind === "ours" ? ' class="strong"' : "";
        return [
          `  <rect class="bar ${row.kind}" x="${left}" y="${middle(i) - BAR / 2}" width="${length.toFixed(1)}" height="${BAR}" />`,
          `  <text x="${(left + length + 6).toFixed(1)}" y="${middle(i)}" dominant-baseline="central"${strong}>${figure(panel, row)}</text>`,
        ];
      }),
    ];
  });
  const told = rows
    .map(
      (row) =>
        `${row.name}: ${PANELS.map((panel) => `${panel.head.toLowerCase()} ${figure(panel, row)} ${panel.unit}`).join("; ")}.`,
    )
    .join(" ");

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">
  <title id="title">Bytes, start and call of each script; shorter is better</title>
  <desc id="description">${escape(told)}</desc>
  <style>${STYLE}
  </style>
  <rect class="paper" width="${width}" height="${height}" />
${[...labels, ...panels].join("\n")}
</svg>
`;
};
