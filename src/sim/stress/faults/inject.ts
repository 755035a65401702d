/** Injects the fault of an operation and names its outcome. */
import type { Executor } from "../executor.ts";
import { FindingError } from "../finding.ts";
import type { StressOp } from "../operation.ts";
import { exhaustIovas, exhaustTables, fillPool, fragmentPool, leakPool } from "./exhaust.ts";
import { completionTimeout, linkDown, lostInterrupt, poisonedTlp, replayStorm, unplug } from "./link.ts";
import type { FaultLog } from "./log.ts";
import { exhaustArena, poisonMedia, removeMemory } from "./media.ts";
import {
  forgetErrorCheck,
  leakMapping,
  mapTwice,
  REFUSED,
  touchOwned,
  unmapTwice,
  unmapWrongDirection,
  unmapWrongSize,
} from "./misuse.ts";
import type { FaultName } from "./table.ts";
import { forgetInvalidation, useAfterUnmap, writeReadOnly } from "./translation.ts";
import { revokeWindow } from "./window.ts";

type Injection = (executor: Executor, op: StressOp) => string;

const INJECTIONS: Readonly<Partial<Record<FaultName, Injection>>> = {
  "iova-exhaustion": exhaustIovas,
  "table-exhaustion": exhaustTables,
  "pool-full": fillPool,
  "pool-fragmented": fragmentPool,
  "pool-leaked": leakPool,
  "mapping-leak": leakMapping,
  "double-map": mapTwice,
  "double-unmap": unmapTwice,
  "unmap-size": unmapWrongSize,
  "unmap-direction": unmapWrongDirection,
  "missing-error-check": forgetErrorCheck,
  "cpu-touch": touchOwned,
  "use-after-unmap": useAfterUnmap,
  "iotlb-not-invalidated": forgetInvalidation,
  "pte-permission": writeReadOnly,
  "surprise-link-down": linkDown,
  "replay-storm": replayStorm,
  "completion-timeout": completionTimeout,
  "poisoned-tlp": poisonedTlp,
  "lost-interrupt": lostInterrupt,
  "device-unplugged": unplug,
  "pmem-poison": poisonMedia,
  "window-revoked": revokeWindow,
  "memory-removed": removeMemory,
  "arena-exhausted": exhaustArena,
};

/** Runs the operation's fault; throws a finding when its outcome was not declared. */
export function inject(executor: Executor, op: StressOp, log: FaultLog): void {
  const name = op.fault;
  const injection = name === null ? undefined : INJECTIONS[name];
  if (name === null || injection === undefined) return;
  const { ctx, counters } = executor.parts;
  ctx.cpu = op.cpu;
  const startNs = performance.now() * 1e6;
  const outcome = injection(executor, op);
  // Something else had run out meanwhile: nothing was injected.
  if (outcome === REFUSED) return;
  counters.faulted();
  if (log.add(name, outcome, performance.now() * 1e6 - startNs) !== "unexplained") return;
  throw new FindingError("unexplained fault", `${name} ended in "${outcome}" (operation ${op.id})`);
}
