/** One panel as SVG: measured against predicted on like axes, with the line where they agree and the tolerance around it. */

/** A row of the panel. */
export interface ScatterPoint {
  readonly measured: number;
  readonly predicted: number;
  readonly within: boolean;
  /** What is shown on hovering. */
  readonly text: string;
}

/** A panel: its points, half the width of the band as a ratio, and how a value is written. */
export interface Scatter {
  readonly points: readonly ScatterPoint[];
  readonly tolerance: number;
  readonly format: (value: number) => string;
}

interface Axis {
  /** 0..1 of a value. */
  readonly place: (value: number) => number;
  /** The value there. */
  readonly at: (place: number) => number;
  readonly ticks: readonly number[];
}

const WIDTH = 300;
const HEIGHT = 262;
const LEFT = 66;
const TOP = 8;
const RIGHT = 18;
const BOTTOM = 36;
/** Points of the band's outline: it bends on a linear axis that does not begin at 0, and on none else. */
const BAND_STEPS = 24;
/** Share of the axis that stays free beyond the outermost points. */
const MARGIN = 0.06;
const DECADES_OF_LOG = 1;
const LOG_TICKS_MAX = 6;

/** The panel's `<svg>`; empty text when it has no points. */
export function renderScatter(scatter: Scatter): string {
  const values = scatter.points.flatMap(({ measured, predicted }) => [measured, predicted]);
  if (values.length === 0) return "";
  const axis = axisOf(values);
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="measured against predicted">`,
    band(axis, scatter.tolerance),
    ...axis.ticks.flatMap((value) => tick(axis, value, scatter.format)),
    `<line class="equal" x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}"/>`,
    `<rect class="frame" x="${x(0)}" y="${y(1)}" width="${x(1) - x(0)}" height="${y(0) - y(1)}"/>`,
    ...scatter.points.map((point) => dot(axis, point)),
    `<text class="axis" x="${(x(0) + x(1)) / 2}" y="${HEIGHT - 4}" text-anchor="middle">measured</text>`,
    `<text class="axis" transform="translate(10 ${(y(0) + y(1)) / 2}) rotate(-90)" text-anchor="middle">predicted</text>`,
    "</svg>",
  ].join("\n");
}

function x(place: number): number {
  return round(LEFT + place * (WIDTH - LEFT - RIGHT));
}

function y(place: number): number {
  return round(HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Logarithmic when the values are positive and span more than a decade, else linear. */
function axisOf(values: readonly number[]): Axis {
  const low = Math.min(...values);
  const high = Math.max(...values);
  return low > 0 && Math.log10(high / low) > DECADES_OF_LOG ? logAxis(low, high) : linearAxis(low, high);
}

function logAxis(low: number, high: number): Axis {
  const span = Math.log10(high / low);
  const start = Math.log10(low) - MARGIN * span;
  const length = span * (1 + 2 * MARGIN);
  const decades = Array.from({ length: Math.ceil(length) + 1 }, (_, i) => 10 ** (Math.floor(start) + i));
  // Few decades leave room for 2 and 5 times each of them.
  const steps = length < 1.6 ? [1, 2, 5] : length < 3 ? [1, 3] : [1];
  const inside = decades
    .flatMap((decade) => steps.map((step) => decade * step))
    .filter((value) => Math.log10(value) >= start && Math.log10(value) <= start + length);
  const skip = Math.ceil(inside.length / LOG_TICKS_MAX);
  return {
    place: (value) => (Math.log10(value) - start) / length,
    at: (place) => 10 ** (start + place * length),
    ticks: inside.filter((_, index) => index % skip === 0),
  };
}

function linearAxis(low: number, high: number): Axis {
  const pad = high > low ? (high - low) * MARGIN : Math.abs(high) * 0.2 || 1;
  const start = low - pad;
  const length = high - low + 2 * pad;
  const step = roundStep(length / 3);
  const first = Math.ceil(start / step);
  const count = Math.floor((start + length) / step) - first + 1;
  return {
    place: (value) => (value - start) / length,
    at: (place) => start + place * length,
    ticks: Array.from({ length: count }, (_, i) => (first + i) * step),
  };
}

/** 1, 2 or 5 times a power of ten, next to `rough`. */
function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const times = rough / power;
  if (times < 1.5) return power;
  if (times < 3.5) return 2 * power;
  return times < 7.5 ? 5 * power : 10 * power;
}

function band(axis: Axis, tolerance: number): string {
  const steps = Array.from({ length: BAND_STEPS + 1 }, (_, i) => i / BAND_STEPS);
  const edge = (factor: number) =>
    steps.map((place) => {
      const value = axis.place(axis.at(place) * factor);
      return `${x(place)},${y(Math.min(Math.max(Number.isFinite(value) ? value : 0, 0), 1))}`;
    });
  const outline = [...edge(1 + tolerance), ...edge(1 - tolerance).reverse()];
  return `<polygon class="band" points="${outline.join(" ")}"/>`;
}

function tick(axis: Axis, value: number, format: (value: number) => string): string[] {
  const place = axis.place(value);
  return [
    `<line class="grid" x1="${x(place)}" y1="${y(0)}" x2="${x(place)}" y2="${y(1)}"/>`,
    `<line class="grid" x1="${x(0)}" y1="${y(place)}" x2="${x(1)}" y2="${y(place)}"/>`,
    `<text class="tick" x="${x(place)}" y="${y(0) + 13}" text-anchor="middle">${escapeHtml(format(value))}</text>`,
    `<text class="tick" x="${x(0) - 4}" y="${y(place) + 3}" text-anchor="end">${escapeHtml(format(value))}</text>`,
  ];
}

function dot(axis: Axis, { measured, predicted, within, text }: ScatterPoint): string {
  const center = `cx="${x(axis.place(measured))}" cy="${y(axis.place(predicted))}"`;
  return `<circle class="${within ? "in" : "out"}" ${center} r="3.6"><title>${escapeHtml(text)}</title></circle>`;
}

/** Text that is safe in HTML, in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
