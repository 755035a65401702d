/**
 * dmatest's patterns and figures (drivers/dma/dmatest.c).
 *
 * ```
 * bit 7 source   bit 6 to be copied   bit 5 to be overwritten   bits 4:0 inverted index
 * ```
 */

const SOURCE = 0x80;
const COPY = 0x40;
const OVERWRITE = 0x20;
const INDEX_MASK = 0x1f;
const FIXED_POINT_BITS = 8n;
const US_PER_S = 1_000_000n;

/** Where a transfer lies in its buffer, bytes. */
export interface TransferRange {
  readonly offset: number;
  readonly bytes: number;
}

/** Byte `index` of a source buffer whose bytes in `range` are to be copied. */
export function sourceByte(index: number, range: TransferRange): number {
  return SOURCE | (isInside(index, range) ? COPY : 0) | (~index & INDEX_MASK);
}

/** Byte `index` of a destination buffer before the transfer overwrites `range`. */
export function destinationByte(index: number, range: TransferRange): number {
  return (isInside(index, range) ? OVERWRITE : 0) | (~index & INDEX_MASK);
}

/** Byte `index` of a destination buffer after a good copy of `source` to `range`. */
export function copiedByte(index: number, range: TransferRange, source: TransferRange): number {
  if (!isInside(index, range)) return destinationByte(index, range);
  return sourceByte(index - range.offset + source.offset, source);
}

/** What one thread did until its summary; the runtime excludes filling and comparing. */
export interface TestTotals {
  readonly tests: number;
  readonly failures: number;
  readonly runtimeUs: number;
  readonly bytes: number;
}

/** Figures of the summary line as the kernel computes them: truncated, iops with 8 fractional bits. */
export interface TestSummary {
  /** Tests a second, two decimals. */
  readonly iopsText: string;
  readonly kBytesPerS: number;
}

/** Figures of a thread's summary line. */
export function summarise(totals: TestTotals): TestSummary {
  const iops = perSecond(totals.runtimeUs, totals.tests);
  const hundredths = ((iops & 0xffn) * 100n) >> FIXED_POINT_BITS;
  return {
    iopsText: `${iops >> FIXED_POINT_BITS}.${hundredths.toString().padStart(2, "0")}`,
    kBytesPerS: Number(perSecond(totals.runtimeUs, Math.floor(totals.bytes / 1024)) >> FIXED_POINT_BITS),
  };
}

/** `THREAD: summary T tests, F failures I.FF iops K KB/s (RET)`. */
export function summaryLine(thread: string, totals: TestTotals, ret = 0): string {
  const { iopsText, kBytesPerS } = summarise(totals);
  const { tests, failures } = totals;
  return `${thread}: summary ${tests} tests, ${failures} failures ${iopsText} iops ${kBytesPerS} KB/s (${ret})`;
}

function isInside(index: number, range: TransferRange): boolean {
  return index >= range.offset && index < range.offset + range.bytes;
}

/** Fixed-point rate of `count` in `runtimeUs`, truncated; 0 without a runtime. */
function perSecond(runtimeUs: number, count: number): bigint {
  const runtime = BigInt(Math.trunc(runtimeUs));
  if (runtime <= 0n) return 0n;
  return ((US_PER_S * BigInt(count)) << FIXED_POINT_BITS) / runtime;
}
