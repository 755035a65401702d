/**
 * The one shared buffer and this thread's views of it.
 *
 * The coordinator creates it, workers attach to it; both must come from the same build with the
 * same layout, else {@link Arena.attach} refuses.
 */
import { readFileSync } from "node:fs";
import { assert } from "../base/assert.ts";
import { DmasimError, EXIT } from "../base/errors.ts";
import { packagePath } from "../base/package_root.ts";
import { instantiate, load, store, type WasmOps } from "./atomics.ts";
import { ARENA_BYTES, ARENA_PAGES } from "./capacities.ts";
import { HEADER, REGIONS } from "./layout.ts";
import { layoutHash } from "./layout_hash.ts";

/** What crosses to a worker thread: both parts are shared, not copied. */
export interface ArenaHandle {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
}

const MAGIC = 0x444d4153;

/** Views of the whole buffer in every width the layout uses; each thread has its own, over the same bytes. */
export class Arena {
  readonly handle: ArenaHandle;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  readonly u8: Uint8Array;
  readonly ops: WasmOps;

  private constructor(handle: ArenaHandle) {
    this.handle = handle;
    const buffer = handle.memory.buffer;
    assert(buffer.byteLength === ARENA_BYTES, "the arena has its fixed size");
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.u8 = new Uint8Array(buffer);
    this.ops = instantiate(handle.module, handle.memory);
  }

  /** A new arena, all zero but for its identity. Costs address space only: pages are committed when touched. */
  static create(): Arena {
    const memory = new WebAssembly.Memory({ shared: true, initial: ARENA_PAGES, maximum: ARENA_PAGES });
    const module = new WebAssembly.Module(readFileSync(packagePath("dist", "src", "shm", "arena.wasm")));
    const arena = new Arena({ memory, module });
    const header = REGIONS.header.word;
    store(arena.i32, header + HEADER.layoutHash, hashWord(layoutHash(), 0));
    const build = buildId();
    for (let i = 0; i < 4; i += 1) store(arena.i32, header + HEADER.buildId + i, hashWord(build, i));
    store(arena.i32, header + HEADER.iovaNodeNext, 1);
    store(arena.i32, header + HEADER.magazineNext, 1);
    store(arena.i32, header + HEADER.mediaNext, 1);
    store(arena.i32, header + HEADER.sgNext, 1);
    store(arena.i32, header + HEADER.magic, MAGIC);
    return arena;
  }

  /** This thread's view of an arena that another thread created. */
  static attach(handle: ArenaHandle): Arena {
    const arena = new Arena(handle);
    const header = REGIONS.header.word;
    checkIdentity("arena", load(arena.i32, header + HEADER.magic), MAGIC);
    checkIdentity("layout", load(arena.i32, header + HEADER.layoutHash), hashWord(layoutHash(), 0));
    const build = buildId();
    for (let i = 0; i < 4; i += 1) {
      checkIdentity("build", load(arena.i32, header + HEADER.buildId + i), hashWord(build, i));
    }
    return arena;
  }
}

/** Hash of everything a thread of this build executes (written by the build). */
export function buildId(): string {
  return readFileSync(packagePath("dist", "build-id"), "utf8").trim();
}

function hashWord(hash: string, index: number): number {
  return Number.parseInt(hash.slice(index * 8, index * 8 + 8), 16) | 0;
}

function checkIdentity(what: string, seen: number, expected: number): void {
  if (seen === expected) return;
  throw new DmasimError({
    code: "DMASIM_ARENA_MISMATCH",
    what: `a worker of another ${what} tried to attach`,
    value: `0x${(seen >>> 0).toString(16)}`,
    limit: `expected 0x${(expected >>> 0).toString(16)}`,
    remedy: "rebuild (npm run build) so that all threads run the same code",
    exitCode: EXIT.internal,
  });
}
