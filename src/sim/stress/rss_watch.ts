/**
 * Does a long stress run keep its memory? Resident set of this process, once a second: the second minute (the first one
 * warms up) against the last.
 */

/** What the samples say; bytes. */
export interface RssVerdict {
  /** Medians of a minute each. */
  readonly secondMinuteBytes: number;
  readonly lastMinuteBytes: number;
  /** What the last minute may take: the second, 5 % and 16 MiB. */
  readonly limitBytes: number;
  readonly holds: boolean;
}

const MINUTE_S = 60;
const GROWTH_SHARE = 0.05;
const GROWTH_BYTES = 16 * 2 ** 20;

/** Samples of one run; keeps two minutes of them. */
export class RssWatch {
  readonly #readBytes: () => number;
  readonly #second: number[] = [];
  readonly #last: number[] = [];
  #lastS = -1;

  constructor(readBytes: () => number = () => process.memoryUsage.rss()) {
    this.#readBytes = readBytes;
  }

  /** Takes a sample unless the last one is less than a second old. */
  sample(elapsedS: number): void {
    if (elapsedS - this.#lastS < 1) return;
    this.#lastS = elapsedS;
    const bytes = this.#readBytes();
    if (elapsedS >= MINUTE_S && elapsedS < 2 * MINUTE_S) this.#second.push(bytes);
    this.#last.push(bytes);
    if (this.#last.length > MINUTE_S) this.#last.shift();
  }

  /** Null for a run without two whole minutes. */
  verdict(): RssVerdict | null {
    if (this.#lastS < 2 * MINUTE_S) return null;
    const secondMinuteBytes = median(this.#second);
    const lastMinuteBytes = median(this.#last);
    const limitBytes = Math.round(secondMinuteBytes * (1 + GROWTH_SHARE) + GROWTH_BYTES);
    return { secondMinuteBytes, lastMinuteBytes, limitBytes, holds: lastMinuteBytes <= limitBytes };
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
