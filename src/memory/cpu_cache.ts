/**
 * A write-back CPU cache of whole lines, as far as it matters beside a device that does not snoop: a dirty line that also holds
 * device bytes takes them back to what they were when it was read.
 *
 * Not a timing model; for showing what partial lines of a DMA buffer do (Documentation/core-api/dma-api.rst, cache lines).
 */
import { alignDown, type Phys } from "../base/addr.ts";
import type { Arena } from "../shm/arena.ts";
import { readByte, writeByte } from "./copy.ts";

/** Bytes of a line: dma_get_cache_alignment() of the machines modelled here. */
export const CACHE_LINE_BYTES = 64;

/** Lines of a buffer that hold somebody else's bytes as well: 0, 1 or 2. */
export function sharedLines(phys: Phys, bytes: number): number {
  const head = alignDown(phys, CACHE_LINE_BYTES) === phys ? 0 : 1;
  const tail = alignDown(phys + bytes, CACHE_LINE_BYTES) === phys + bytes ? 0 : 1;
  const oneLine = alignDown(phys, CACHE_LINE_BYTES) === alignDown(phys + bytes - 1, CACHE_LINE_BYTES);
  return oneLine ? Math.min(1, head + tail) : head + tail;
}

interface Line {
  readonly bytes: Uint8Array;
  dirty: boolean;
}

/** Lines that the CPU has read or written and not given back. */
export class CpuCache {
  readonly #arena: Arena;
  readonly #lines = new Map<Phys, Line>();

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** What the CPU sees: its line, read from memory when it has none. */
  load(phys: Phys): number {
    const line = this.#lineOf(phys);
    return line.bytes[phys - alignDown(phys, CACHE_LINE_BYTES)] as number;
  }

  store(phys: Phys, value: number): void {
    const line = this.#lineOf(phys);
    line.bytes[phys - alignDown(phys, CACHE_LINE_BYTES)] = value;
    line.dirty = true;
  }

  /** Writes dirty lines of the range back and drops all of them (what an unmap for the CPU needs before its invalidate). */
  flush(phys: Phys, bytes: number): void {
    this.#each(phys, bytes, (at, line) => {
      if (line.dirty) for (const [i, value] of line.bytes.entries()) writeByte(this.#arena, at + i, value);
    });
  }

  /** Drops the lines of the range; what was dirty in them is lost, the neighbours' bytes with it. */
  invalidate(phys: Phys, bytes: number): void {
    this.#each(phys, bytes, () => {});
  }

  #each(phys: Phys, bytes: number, use: (at: Phys, line: Line) => void): void {
    for (let at = alignDown(phys, CACHE_LINE_BYTES); at < phys + bytes; at += CACHE_LINE_BYTES) {
      const line = this.#lines.get(at);
      if (line !== undefined) use(at, line);
      this.#lines.delete(at);
    }
  }

  #lineOf(phys: Phys): Line {
    const at = alignDown(phys, CACHE_LINE_BYTES);
    const known = this.#lines.get(at);
    if (known !== undefined) return known;
    const bytes = Uint8Array.from({ length: CACHE_LINE_BYTES }, (_, i) => readByte(this.#arena, at + i));
    const line = { bytes, dirty: false };
    this.#lines.set(at, line);
    return line;
  }
}
