/** The file of a shrunk finding: what `dmasim stress --replay FILE` runs. */
import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { DmasimError } from "../../base/errors.ts";
import { packageVersion } from "../../base/version.ts";
import { FAULT_NAMES, type FaultName } from "./faults/table.ts";
import type { MachineChoice } from "./machine.ts";
import { CELLS, type StressOp, TRANSFER_BYTES_MAX } from "./operation.ts";

/** Schema word of the file. */
export const REPLAY_SCHEMA = "dmasim/stress-replay@1";

/** What the file holds. */
export interface ReplayFile extends MachineChoice {
  readonly seed: number;
  readonly worker: number;
  readonly workers: number;
  /** What was found, for people. */
  readonly finding: string;
  readonly operations: readonly StressOp[];
}

const FILE_BYTES_MAX = 64 * 2 ** 20;
const OPERATIONS_MAX = 1_000_000;
const PIECES_MAX = 8192;

const count = (max: number) => z.number().int().min(0).max(max);

const operationSchema = z.strictObject({
  id: count(Number.MAX_SAFE_INTEGER),
  device: count(1023),
  path: count(4),
  call: z.enum(["sg", "phys", "iova"]),
  dir: count(2),
  attrs: count(2 ** 20),
  cpu: count(255),
  pieces: z
    .array(
      z.strictObject({
        area: count(255),
        offset: z
          .number()
          .int()
          .min(64)
          .max(2 * TRANSFER_BYTES_MAX),
        bytes: z.number().int().min(1).max(TRANSFER_BYTES_MAX),
      }),
    )
    .min(1)
    .max(PIECES_MAX),
  reuse: z.boolean(),
  hold: count(CELLS - 2),
  fault: z.enum(FAULT_NAMES as [FaultName, ...FaultName[]]).nullable(),
});

const fileSchema = z.strictObject({
  schema: z.literal(REPLAY_SCHEMA),
  version: z.string().max(100),
  seed: count(2 ** 32 - 1),
  worker: count(62),
  workers: z.number().int().min(1).max(63),
  machine: z.string().max(1000),
  set: z.array(z.strictObject({ path: z.string().max(1000), value: z.string().max(1000) })).max(100),
  finding: z.string().max(10_000),
  operations: z.array(operationSchema).min(1).max(OPERATIONS_MAX),
});

/** Text of the file. */
export function replayText({ machine, set, seed, worker, workers, finding, operations }: ReplayFile): string {
  const head = { schema: REPLAY_SCHEMA, version: packageVersion(), seed, worker, workers, machine, set, finding };
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "operations": [\n${operations
    .map((op) => `    ${JSON.stringify(op)}`)
    .join(",\n")}\n  ]\n}\n`;
}

/** Reads a file of {@link replayText}. Throws DMASIM_REPLAY_FILE for anything else. */
export function readReplayFile(path: string): ReplayFile {
  const parsed = fileSchema.safeParse(parse(path));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw wrongFile(path, issue?.message ?? "not a replay file", issue?.path.map(String).join("."));
}

function parse(path: string): unknown {
  try {
    if (statSync(path).size > FILE_BYTES_MAX) throw new Error(`larger than ${FILE_BYTES_MAX} bytes`);
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw wrongFile(path, error instanceof Error ? error.message : String(error));
  }
}

function wrongFile(path: string, what: string, key?: string): DmasimError {
  return new DmasimError({
    code: "DMASIM_REPLAY_FILE",
    what: `this is no replay file: ${what}`,
    ...(key === undefined || key === "" ? {} : { path: key }),
    at: { file: path },
    remedy: "take a file that dmasim stress has saved",
  });
}
