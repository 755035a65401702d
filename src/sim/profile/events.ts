/** What happens to the machine while a load runs: memory comes and goes, the power fails. */
import { z } from "zod";
import { alignDown, PAGE_BYTES } from "../../base/addr.ts";
import { DmasimError, type SourceLocation } from "../../base/errors.ts";
import { parseSizeBytes } from "../../base/units.ts";
import type { HotAddMemmap } from "../../memory/memory_block.ts";
import type { DocumentPath } from "../override.ts";
import { parseTimeNs } from "./quantities.ts";

/** RAM that comes online; addresses and sizes in bytes. */
export interface HotAddEvent {
  readonly kind: "hot_add";
  readonly atNs: number;
  readonly name: string;
  readonly start: number;
  readonly bytes: number;
  readonly node: number;
  /** Where its struct pages lie. */
  readonly memmap: HotAddMemmap;
}

/** RAM of that name goes; waits up to `waitNs` for pinned pages, then gives up with -EBUSY. */
export interface HotRemoveEvent {
  readonly kind: "hot_remove";
  readonly atNs: number;
  readonly name: string;
  readonly waitNs: number;
}

/** The DAX file behind a job's buffers is truncated; waits up to `waitNs` for pinned pages, then gives up with -EBUSY. */
export interface TruncateEvent {
  readonly kind: "truncate";
  readonly atNs: number;
  /** Job. */
  readonly name: string;
  readonly waitNs: number;
}

/** The power fails: what is not in the persistence domain is gone. */
export interface PowerCutEvent {
  readonly kind: "power_cut";
  readonly atNs: number;
}

/** An event of a run, in order of time. */
export type MachineEvent = HotAddEvent | HotRemoveEvent | TruncateEvent | PowerCutEvent;

const scalar = z.union([z.number().min(0), z.string().min(1)]);

const hotAddSchema = z.strictObject({
  name: z.string().min(1).max(63).describe("name of the region, as jobs and hot_remove name it"),
  start: scalar.describe("first physical address, a multiple of the memory block"),
  size: scalar.describe("bytes, or text such as 1GiB; whole memory blocks"),
  node: z.int().min(0).max(63).optional().describe("NUMA node; default 0"),
  memmap: z
    .enum(["ram", "block"])
    .optional()
    .describe("where its struct pages lie: RAM that is there, or each block itself (memmap_on_memory); default ram"),
});

/** The profile's `events` key. */
export const eventsSchema = z
  .array(
    z.strictObject({
      at: scalar.describe("virtual time: a number of seconds, or text such as 5ms"),
      hot_add: hotAddSchema.optional().describe("RAM comes online; jobs with target ram move their buffers there"),
      hot_remove: z.string().min(1).optional().describe("hot-added RAM goes offline; buffers move back first"),
      truncate: z
        .string()
        .min(1)
        .optional()
        .describe("the DAX file of this job (file: fsdax) is truncated; its buffers move to RAM first"),
      wait: scalar
        .optional()
        .describe("hot_remove, truncate: how long to wait for pinned pages; default 1s, 0 = give up at once"),
      power_cut: z.literal(true).optional().describe("the power fails and the run ends; with verify: after-power-cut"),
    }),
  )
  .max(64)
  .describe("what happens to the machine during the run (virtual clock)");

/** `events` as written. */
export type EventsDocument = z.infer<typeof eventsSchema>;

const WAIT_DEFAULT_NS = 1e9;

/** Resolves the key. Throws one DmasimError for the first event that is wrong. */
export function resolveEvents(
  documents: EventsDocument,
  locate: (path: DocumentPath) => SourceLocation,
): readonly MachineEvent[] {
  const events = documents.map((document, index) => {
    const wrong = (key: string, what: string, value: unknown, remedy: string) =>
      new DmasimError({
        code: "DMASIM_EVENT_INVALID",
        what,
        value,
        remedy,
        path: `events[${index}].${key}`,
        at: locate(["events", index]),
      });
    return resolveEvent(document, wrong);
  });
  return events.sort((a, b) => a.atNs - b.atNs);
}

type Wrong = (key: string, what: string, value: unknown, remedy: string) => DmasimError;

function resolveEvent(document: EventsDocument[number], wrong: Wrong): MachineEvent {
  const { at, hot_add: add, hot_remove: remove, truncate, wait, power_cut: cut } = document;
  const time = (key: string, value: string | number): number => {
    const ns = parseTimeNs(String(value), "s");
    if (ns === undefined) throw wrong(key, "this is no duration", value, "write it as 5ms, 20us or 0.5s");
    return ns;
  };
  const given = [add, remove, truncate, cut].filter((each) => each !== undefined).length;
  if (given !== 1)
    throw wrong("at", "an event is one of hot_add, hot_remove, truncate and power_cut", given, "give exactly one");
  const atNs = time("at", at);
  const waitNs = wait === undefined ? WAIT_DEFAULT_NS : time("wait", wait);
  if (remove !== undefined) return { kind: "hot_remove", atNs, name: remove, waitNs };
  if (truncate !== undefined) return { kind: "truncate", atNs, name: truncate, waitNs };
  if (add === undefined) return { kind: "power_cut", atNs };
  const whole = (key: string, value: string | number): number => {
    const bytes = parseSizeBytes(String(value));
    if (bytes !== undefined && bytes > 0 && alignDown(bytes, PAGE_BYTES) === bytes) return bytes;
    throw wrong(`hot_add.${key}`, "this is no multiple of 4 KiB", value, "write it as 0x140000000 or 1GiB");
  };
  const { name, node = 0, memmap = "ram" } = add;
  return {
    kind: "hot_add",
    atNs,
    name,
    node,
    memmap,
    start: whole("start", add.start),
    bytes: whole("size", add.size),
  };
}
