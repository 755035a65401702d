/**
 * dma-debug in a run (`--dma-debug`): every thread's session, and what all of them found.
 *
 * Shadow and error count lie in the arena and are shared; messages and the number of mappings are each thread's own and
 * add up at the end.
 */
import type { DebugError } from "../host/dma/debug/errors.ts";
import { type DmaDebug, debugCounters, isDebugOn, startDebug } from "../host/dma/debug/session.ts";
import { debugRelease } from "../host/dma/debug/shadow.ts";
import type { Arena } from "../shm/arena.ts";
import type { CheckedTransfer } from "./mismatch.ts";
import type { Profile } from "./profile/job.ts";
import type { DmaDebugResult } from "./result.ts";
import type { System } from "./system.ts";

/** Errors that are printed; the kernel's default is one (num_errors). All are counted. */
const MESSAGES_MAX = 16;

/** What one thread's session found, as structured clone carries it. */
export interface RunDebugPlain {
  readonly mappings: number;
  readonly messages: readonly string[];
}

/** One thread's session. */
export class RunDebug implements DmaDebug {
  readonly arena: Arena;
  readonly lockOwner: number;
  readonly report: (error: DebugError) => void;
  job = 0;
  io = 0;
  /** Mappings that this thread made. */
  mappings = 0;
  readonly #messages: string[] = [];

  constructor(arena: Arena, lockOwner: number, system: System, profile: Profile) {
    this.arena = arena;
    this.lockOwner = lockOwner;
    this.report = (error) => {
      if (error.printed) this.#messages.push(messageOf(system, profile, error));
    };
  }

  /** The next call is made for this transfer, and makes `mappings` mappings. */
  enter(what: CheckedTransfer, mappings: number): void {
    this.job = what.job;
    this.io = what.io;
    this.mappings += mappings;
  }

  plain(): RunDebugPlain {
    return { mappings: this.mappings, messages: this.#messages };
  }
}

/** Switches dma-debug on before a run, in an arena that nothing is mapped in. */
export function startRunDebug(arena: Arena): void {
  startDebug(arena, MESSAGES_MAX);
}

/** A thread's session; null when the run did not ask for dma-debug. */
export function attachRunDebug(arena: Arena, lockOwner: number, system: System, profile: Profile): RunDebug | null {
  return isDebugOn(arena) ? new RunDebug(arena, lockOwner, system, profile) : null;
}

/** The drivers let go of their devices at the end of a run: what is still mapped is an error. */
export function releaseDevices(debug: RunDebug | null, system: System): void {
  if (debug === null) return;
  for (const device of system.devices) debugRelease(debug, device);
}

/** Sum of all sessions, for the result. */
export function debugResult(arena: Arena, sessions: readonly RunDebugPlain[]): DmaDebugResult {
  const { errorCount, disabled, minFreeEntries, nrTotalEntries } = debugCounters(arena);
  return {
    errors: errorCount,
    mappings: sessions.reduce((sum, session) => sum + session.mappings, 0),
    entries_hiwater: nrTotalEntries - minFreeEntries,
    ...(disabled ? { disabled: true as const } : {}),
    first: sessions.flatMap(({ messages }) => messages).slice(0, MESSAGES_MAX),
  };
}

/** err_printk: `DMA-API: driver device: text`, and where the mapping was made that the call meets. */
function messageOf(system: System, profile: Profile, { device, text, mapped }: DebugError): string {
  const described = system.machine.devices[device];
  const maker = mapped === null ? "" : ` Mapped at: job ${profile.jobs[mapped.job]?.name ?? "?"}, I/O ${mapped.io}`;
  return `DMA-API: ${described?.class ?? "NULL"} ${described?.bdf ?? "NULL"}: ${text}${maker}`;
}
