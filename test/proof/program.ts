/** What a protocol's file in programs/ gives: how the arena begins, what each thread does, and how an end is called. */
import type { Arena } from "#dmasim/shm/arena.js";
import type { WordRange } from "./control.ts";

/** A body's hands: a watched view of the arena, and what it does besides production code. */
export interface World {
  readonly arena: Arena;
  readonly thread: number;
  /** Reports a number to `judge`; results begin as 0 and all threads share them. */
  put(index: number, value: number): void;
  get(index: number): number;
  /** A point of the schedule without an operation: work that takes time. */
  step(): void;
  /** One turn of a waiting loop. */
  rest(): void;
}

export interface Program {
  /** Word ranges whose plain accesses race by design; they become points of the schedule. */
  readonly racy?: readonly WordRange[];
  /** Brings the arena to its first state; once. */
  setUp(arena: Arena): void;
  readonly roles: Readonly<Record<string, (world: World) => void>>;
  /** Name of the outcome of a schedule that came to its end. */
  judge(arena: Arena, results: Float64Array): string;
}
