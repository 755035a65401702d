/** A validated YAML profile becomes jobs through the same option conversion as fio's job files. */
import { basename, extname } from "node:path";
import type { Override } from "../override.ts";
import { formatPath, readYamlDocument, type YamlDocument } from "../yaml_document.ts";
import { USER_PAGES } from "./buffers.ts";
import { resolveEvents } from "./events.ts";
import type { JobSpec, Profile, SgShape } from "./job.ts";
import type { Dialect } from "./job_io.ts";
import { OptionSet, type OptionValue, optionError } from "./option_set.ts";
import { standardSizeParser } from "./quantities.ts";
import { checkJobs, DEFAULT_SEED, type JobPlacement, resolveJob } from "./resolve.ts";
import { type JobDocument, type JobKeys, type ProfileDocument, profileSchema } from "./schema.ts";

const YAML_DIALECT: Dialect = Object.freeze({
  syntax: "yaml",
  defaultEngine: "io_uring",
  defaultDirect: true,
});

/** Keys that are not fio options: they place the job instead. */
const PLACEMENT_KEYS: ReadonlySet<string> = new Set([
  "name",
  "verify",
  "verify_pass",
  "device",
  "target",
  "source",
  "pageless_target",
  "working_set",
  "sg",
  "map",
  "ring",
  "persist",
  "pin",
  "file",
]);

/** The profile of a YAML file. Throws exactly one `DmasimError` for wrong input. */
export function loadYamlProfile(file: string, overrides: readonly Override[] = []): Profile {
  const document = readYamlDocument(file, profileSchema, {
    kind: "profile",
    overrides,
  });
  const { value } = document;
  const jobs = value.jobs.map((job, index) => documentToJob(document, value.global ?? {}, job, index));
  checkJobs(file, jobs);
  return {
    name: value.name ?? basename(file, extname(file)),
    title: value.title ?? "",
    file,
    machine: value.machine ?? null,
    seed: value.seed ?? DEFAULT_SEED,
    ...(value.events === undefined ? {} : { events: resolveEvents(value.events, document.locate) }),
    ...(value.verify === undefined ? {} : { verify: value.verify }),
    jobs,
    ...(value.p2p === undefined ? {} : { p2p: value.p2p }),
  };
}

function documentToJob(
  document: YamlDocument<ProfileDocument>,
  global: JobKeys,
  job: JobDocument,
  index: number,
): JobSpec {
  const given = [...optionsOf(document, global, ["global"]), ...optionsOf(document, job, ["jobs", index])];
  const options = new OptionSet(given, standardSizeParser);
  const at = document.locate(["jobs", index]);
  const name = { name: "name", text: job.name, at, path: `jobs[${index}].rw` };
  if (options.get("rw") === undefined) {
    throw optionError(name, "this job has no rw", "add rw: read, write, randread, randwrite, rw, randrw or copy");
  }
  const merged: JobKeys = { ...global, ...job };
  const memory = new OptionSet(
    [...entriesOf(document, global, ["global"]), ...entriesOf(document, job, ["jobs", index])].filter(
      ({ name: key }) => key === "ring" || key === "working_set",
    ),
    standardSizeParser,
  );
  const sg = resolveSg([
    ...entriesOf(document, global.sg ?? {}, ["global", "sg"]),
    ...entriesOf(document, job.sg ?? {}, ["jobs", index, "sg"]),
  ]);
  return resolveJob({
    name: job.name,
    at,
    options,
    dialect: YAML_DIALECT,
    placement: placementOf(
      merged,
      sg,
      memory.size("ring", PAGE_BYTES, RING_BYTES_MAX),
      memory.size("working_set", PAGE_BYTES, RING_BYTES_MAX),
    ),
    notes: [],
  });
}

function optionsOf(
  document: YamlDocument<ProfileDocument>,
  keys: JobKeys,
  parent: readonly (string | number)[],
): OptionValue[] {
  return entriesOf(document, keys, parent).filter((option) => !PLACEMENT_KEYS.has(option.name));
}

function entriesOf(
  document: YamlDocument<ProfileDocument>,
  keys: object,
  parent: readonly (string | number)[],
): OptionValue[] {
  return Object.entries(keys)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const path = [...parent, name];
      return {
        name,
        text: textOf(value),
        at: document.locate(path),
        path: formatPath(path),
      };
    });
}

/** A value in fio's text form: lists of sizes as `bssplit`, maps of directions as `read,write`. */
function textOf(value: unknown): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  if (Array.isArray(value)) return value.map(splitEntryText).join(":");
  if (typeof value !== "object" || value === null) return String(value);
  const { read = "", write = "" } = value as {
    read?: string | number;
    write?: string | number;
  };
  return `${read},${write}`;
}

function splitEntryText(entry: { readonly bs: string | number; readonly percent?: number | undefined }): string {
  return entry.percent === undefined ? String(entry.bs) : `${entry.bs}/${entry.percent}`;
}

function placementOf(
  keys: JobKeys,
  sg: SgShape,
  ringBytes: number | null,
  workingSetBytes: number | null,
): JobPlacement {
  return {
    verify: keys.verify ?? true,
    verifyPass: keys.verify_pass ?? false,
    device: keys.device ?? null,
    target: keys.target ?? "ram",
    source: keys.source ?? "ram",
    pagelessTarget: keys.pageless_target ?? null,
    workingSetBytes,
    sg,
    map: keys.map ?? "per-io",
    ...(ringBytes === null ? {} : { ringBytes }),
    ...(keys.persist === "flush" ? { persist: keys.persist } : {}),
    ...(keys.pin === "longterm" ? { pin: keys.pin } : {}),
    ...(keys.file === undefined ? {} : { file: keys.file }),
  };
}

const PAGE_BYTES = 4096;
const ENTRY_BYTES_MAX = 2 ** 30;
const RING_BYTES_MAX = 2 ** 31;

/** A job's own keys of `sg` count before the inherited ones, key by key. */
function resolveSg(given: readonly OptionValue[]): SgShape {
  const options = new OptionSet(given, standardSizeParser);
  return {
    entryBytes: options.size("entry", 1, ENTRY_BYTES_MAX) ?? USER_PAGES.entryBytes,
    offsetBytes: options.size("offset", 0, PAGE_BYTES - 1) ?? USER_PAGES.offsetBytes,
    pagelessShare: options.decimal("pageless_share", { min: 0, max: 1 }) ?? USER_PAGES.pagelessShare,
    scatter: options.flag("scatter", USER_PAGES.scatter),
  };
}
