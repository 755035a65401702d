/** Steps through a list of operations: begins each, keeps it mapped as long as it says, finishes it. */
import type { DmaDomain } from "../../host/dma/device.ts";
import { flushDue } from "../../host/iommu/flush_queue.ts";
import { growPools } from "../../host/swiotlb/grown.ts";
import { Executor, type ExecutorParts } from "./executor.ts";
import { inject } from "./faults/inject.ts";
import type { FaultLog } from "./faults/log.ts";
import type { Live } from "./live.ts";
import { CELLS, type StressOp } from "./operation.ts";

/** Operations between two looks at flush queues and pools. */
const HOUSEKEEPING_EVERY = 256;

/** One worker's mappings. Not to be used any more after it threw. */
export class OpRunner {
  readonly #executor: Executor;
  readonly #log: FaultLog;
  readonly #lives: (Live | null)[] = Array.from({ length: CELLS }, () => null);
  readonly #lazyDomains: readonly DmaDomain[];
  #steps = 0;

  constructor(parts: ExecutorParts, log: FaultLog) {
    this.#executor = new Executor(parts);
    this.#log = log;
    this.#lazyDomains = parts.system.devices.flatMap(({ domain }) => (domain?.mode === "lazy" ? [domain] : []));
  }

  /** Finishes what is due before `op`, then begins it. `nowNs` is the age that flush queues see. */
  step(op: StressOp, nowNs: number): void {
    for (let i = 0; i < CELLS; i += 1) {
      const live = this.#lives[i];
      if (live !== null && live !== undefined && live.op.id + live.op.hold < op.id) this.#finish(i, live);
    }
    this.#steps += 1;
    if (this.#steps % HOUSEKEEPING_EVERY === 0) this.#keepHouse(nowNs);
    if (op.fault !== null) inject(this.#executor, op, this.#log);
    else this.#lives[op.id & (CELLS - 1)] = this.#executor.begin(op);
  }

  /** Finishes everything that is still mapped. */
  end(): void {
    for (let i = 0; i < CELLS; i += 1) {
      const live = this.#lives[i];
      if (live !== null && live !== undefined) this.#finish(i, live);
    }
  }

  #finish(slot: number, live: Live): void {
    this.#lives[slot] = null;
    this.#executor.finish(live);
  }

  #keepHouse(nowNs: number): void {
    const { ctx, system } = this.#executor.parts;
    ctx.nowNs = nowNs;
    for (const domain of this.#lazyDomains) flushDue(ctx, domain);
    if (system.pool !== null) growPools(ctx, system.pool);
  }
}
