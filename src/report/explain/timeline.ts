/** Where on the time axis a stage waited and was served, as one line of blocks. */
import type { ExplainedStep } from "../../sim/explain/result.ts";
import type { Screen } from "../style.ts";

const SERVICE = "█";
const WAIT = "░";
/** Something happened here, too short for a block. */
const SHORT = "▏";

/** `width` columns from 0 to `latencyNs`. */
export function timelineText(
  screen: Screen,
  steps: readonly ExplainedStep[],
  latencyNs: number,
  width: number,
): string {
  const served = new Float64Array(width);
  const waited = new Float64Array(width);
  const touched = new Uint8Array(width);
  for (const { start_ns: start, wait_ns: wait, service_ns: service } of steps) {
    cover(waited, touched, start, start + wait, latencyNs);
    cover(served, touched, start + wait, start + wait + service, latencyNs);
  }
  let text = "";
  for (let column = 0; column < width; column += 1) {
    text += blockOf(screen, served[column] as number, waited[column] as number, touched[column] === 1);
  }
  return text.trimEnd();
}

function blockOf({ colors }: Screen, served: number, waited: number, touched: boolean): string {
  if (served + waited >= 0.5) return served >= waited ? colors.cyan(SERVICE) : colors.yellow(WAIT);
  return touched ? colors.cyan(SHORT) : " ";
}

/** Adds to each column the share of it that [start, end) covers. */
function cover(shares: Float64Array, touched: Uint8Array, start: number, end: number, total: number): void {
  if (end <= start || total <= 0) return;
  const scale = shares.length / total;
  const from = start * scale;
  const to = Math.min(end * scale, shares.length);
  const last = Math.max(Math.ceil(to), Math.floor(from) + 1);
  for (let column = Math.floor(from); column < Math.min(last, shares.length); column += 1) {
    const covered = Math.min(to, column + 1) - Math.max(from, column);
    shares[column] = (shares[column] as number) + covered;
    touched[column] = 1;
  }
}

/** Axis above the bars: 0, the middle and the end. */
export function axisText(latencyNs: number, width: number, format: (ns: number) => string): string {
  const middle = format(latencyNs / 2);
  const end = format(latencyNs);
  const left = `0${" ".repeat(Math.max(1, Math.floor(width / 2) - 1))}${middle}`;
  return `${left}${end.padStart(Math.max(end.length + 1, width - left.length))}`;
}
