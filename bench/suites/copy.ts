/**
 * The copy primitive: the arena's wasm `memory.copy` beside the ways plain JavaScript has.
 *
 * Measured: one call a block, from one half of the footprint to the other, at the same pseudo-random block addresses for
 * every way; a full cycle visits every block.
 * Not measured: address translation and chunk look-up (suites translate and wall).
 */
import { Arena } from "../../src/shm/arena.ts";
import { CONTROL_BYTES } from "../../src/shm/capacities.ts";
import { type BenchGroup, type BenchSuite, type Effort, timed } from "../case.ts";

const BLOCKS: readonly (readonly [string, number])[] = [
  ["64 B", 64],
  ["512 B", 512],
  ["4 KiB", 4096],
  ["64 KiB", 65536],
  ["1 MiB", 1048576],
];
/** Source and destination together; far above any cache. */
const FOOTPRINT_BYTES = 2 ** 28;
const SMOKE_FOOTPRINT_BYTES = 2 ** 22;
const SAMPLE_BYTES = 2 ** 23;
const CALLS_MAX = 8192;
const CHECKED_CALLS = 64;

/** Copies the next `calls` blocks of a sequence; a class for each way, so that every call site has one target. */
abstract class Way {
  readonly arena: Arena;
  readonly blockBytes: number;
  /** Distance from a source block to its destination. */
  readonly distance: number;
  readonly #mask: number;
  #block = 0;

  constructor(arena: Arena, footprintBytes: number, blockBytes: number) {
    this.arena = arena;
    this.blockBytes = blockBytes;
    this.distance = footprintBytes / 2;
    this.#mask = this.distance / blockBytes - 1;
  }

  abstract run(calls: number): void;

  /** Arena byte of the next source block: a linear congruence of full period over a power of two of blocks. */
  protected next(): number {
    this.#block = (Math.imul(this.#block, 1664525) + 1013904223) & this.#mask;
    return CONTROL_BYTES + this.#block * this.blockBytes;
  }

  /** The blocks of the next calls arrive in cleared memory; null = they do. */
  check(): string | null {
    const start = this.#block;
    for (let i = 0; i < CHECKED_CALLS; i += 1) this.arena.ops.fill(this.next() + this.distance, 0, this.blockBytes);
    this.#block = start;
    this.run(CHECKED_CALLS);
    this.#block = start;
    for (let i = 0; i < CHECKED_CALLS; i += 1) {
      const at = this.next();
      const differs = this.arena.ops.compare(at + this.distance, at, this.blockBytes);
      if (differs >= 0) return `byte ${at + differs} was not copied`;
    }
    return null;
  }
}

class CopyWithin extends Way {
  override run(calls: number): void {
    const { u8 } = this.arena;
    for (let i = 0; i < calls; i += 1) {
      const at = this.next();
      u8.copyWithin(at + this.distance, at, at + this.blockBytes);
    }
  }
}

class SetSubarray extends Way {
  override run(calls: number): void {
    const { u8 } = this.arena;
    for (let i = 0; i < calls; i += 1) {
      const at = this.next();
      u8.set(u8.subarray(at, at + this.blockBytes), at + this.distance);
    }
  }
}

class MemoryCopy extends Way {
  override run(calls: number): void {
    const { ops } = this.arena;
    for (let i = 0; i < calls; i += 1) {
      const at = this.next();
      ops.copy(at + this.distance, at, this.blockBytes);
    }
  }
}

function* groups(effort: Effort): Generator<BenchGroup> {
  const footprint = effort.smoke ? SMOKE_FOOTPRINT_BYTES : FOOTPRINT_BYTES;
  const arena = Arena.create();
  arena.ops.patternFill(CONTROL_BYTES, footprint / 2, 1, 2, 0, 0, 0);
  arena.ops.fill(CONTROL_BYTES + footprint / 2, 0, footprint / 2);
  for (const [label, blockBytes] of BLOCKS) yield group(arena, footprint, label, blockBytes);
}

function group(arena: Arena, footprint: number, label: string, blockBytes: number): BenchGroup {
  const ways = [
    new CopyWithin(arena, footprint, blockBytes),
    new SetSubarray(arena, footprint, blockBytes),
    new MemoryCopy(arena, footprint, blockBytes),
  ];
  const names = [`copyWithin, ${label}`, `set(subarray), ${label}`, `memory.copy, ${label}`];
  const calls = Math.min(CALLS_MAX, SAMPLE_BYTES / blockBytes);
  return {
    title: `${label} at random addresses`,
    cases: ways.map((way, i) => ({
      name: names[i] as string,
      ...(i === 0 ? {} : { baseline: names[0] as string }),
      sample: () => timed(calls, () => way.run(calls)),
    })),
    check: () => ways.map((way) => way.check()).find((wrong) => wrong !== null) ?? null,
  };
}

export const COPY: BenchSuite = { name: "copy", title: "the copy primitive", groups };
