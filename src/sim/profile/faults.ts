/** Faults that a profile injects into its run: by rate, or at a time. */
import { z } from "zod";
import { DmasimError, type SourceLocation } from "../../base/errors.ts";
import type { DocumentPath } from "../override.ts";
import { parseTimeNs } from "./quantities.ts";

/** Names of the faults that a profile can inject; those of `dmasim stress`. */
export const PROFILE_FAULTS = [
  "surprise-link-down",
  "device-unplugged",
  "replay-storm",
  "completion-timeout",
  "poisoned-tlp",
  "lost-interrupt",
  "pool-full",
  "pool-leaked",
  "iova-exhaustion",
  "table-exhaustion",
  "pmem-poison",
] as const;

/** One of {@link PROFILE_FAULTS}. */
export type ProfileFault = (typeof PROFILE_FAULTS)[number];

/** One entry of `faults`. Exactly one of `rate` and `atNs` is set, for a storm `rate` always. */
export interface FaultSpec {
  readonly fault: ProfileFault;
  /** Name of the machine's device; null = every device that a job uses. */
  readonly device: string | null;
  /** Share of the commands that it hits, of a storm: of the TLPs; 0..1. */
  readonly rate: number | null;
  /** Virtual time from which on it hits the next command, or holds. */
  readonly atNs: number | null;
  /** How long it holds. */
  readonly forNs: number;
}

const scalar = z.union([z.number().min(0), z.string().min(1)]);

/** The profile's `faults` key. */
export const faultsSchema = z
  .array(
    z.strictObject({
      fault: z.enum(PROFILE_FAULTS).describe("what goes wrong; docs/stress.md has the table"),
      device: z.string().min(1).optional().describe("device that it happens to; default every device of the load"),
      rate: z
        .number()
        .min(0)
        .max(0.5)
        .optional()
        .describe("share of the commands that it hits, 0 to 0.5; of a replay storm: of the TLPs"),
      at: scalar
        .optional()
        .describe("virtual time: it hits the next command, or begins then (links, media, what runs out)"),
      for: scalar
        .optional()
        .describe("how long a link is down, a storm lasts, or a pool, IOVAs or table memory are taken; default 1s"),
    }),
  )
  .max(64)
  .describe(
    "faults of devices, links, media and what mappings need; every one ends in a declared outcome or the run fails",
  );

/** `faults` as written. */
export type FaultsDocument = z.infer<typeof faultsSchema>;

const FOR_DEFAULT_NS = 1e9;
const ONLY_AT: readonly ProfileFault[] = [
  "surprise-link-down",
  "device-unplugged",
  "pool-full",
  "pool-leaked",
  "iova-exhaustion",
  "table-exhaustion",
  "pmem-poison",
];
/** What they have done lasts: until the end of the run, or until a write. */
const NEVER_FOR: readonly ProfileFault[] = ["device-unplugged", "pool-leaked", "pmem-poison"];

/** Resolves the key. Throws one DmasimError for the first fault that is wrong. */
export function resolveFaults(
  documents: FaultsDocument,
  locate: (path: DocumentPath) => SourceLocation,
): readonly FaultSpec[] {
  return documents.map((document, index): FaultSpec => {
    const wrong = (key: string, what: string, value: unknown, remedy: string) =>
      new DmasimError({
        code: "DMASIM_FAULT_INVALID",
        what,
        value,
        remedy,
        path: `faults[${index}].${key}`,
        at: locate(["faults", index]),
      });
    const time = (key: "at" | "for"): number | null => {
      const value = document[key];
      if (value === undefined) return null;
      const ns = parseTimeNs(String(value), "s");
      if (ns === undefined) throw wrong(key, "this is no duration", value, "write it as 5ms, 20us or 0.5s");
      return ns;
    };
    const { fault, device = null, rate = null } = document;
    const atNs = time("at");
    const forNs = time("for") ?? FOR_DEFAULT_NS;
    if (fault === "replay-storm") {
      if (rate === null) throw wrong("rate", "a replay storm needs the share of TLPs that are damaged", "", "add rate");
    } else if ((rate === null) === (atNs === null)) {
      throw wrong(
        "rate",
        "a fault is injected by rate or at a time",
        document.fault,
        "give exactly one of rate and at",
      );
    }
    if (rate !== null && ONLY_AT.includes(fault)) {
      throw wrong("rate", `${fault} happens at a time, not to a share of the commands`, rate, "give at instead");
    }
    if (document.for !== undefined && NEVER_FOR.includes(fault))
      throw wrong("for", `${fault} does not end by time`, document.for, "leave for out");
    return { fault, device, rate, atNs, forNs };
  });
}
