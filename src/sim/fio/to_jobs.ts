/** fio's sections become jobs: inheritance from `[global]`, option names, fio's defaults and verification. */
import { basename, extname } from "node:path";
import { DmasimError } from "../../base/errors.ts";
import { resolveBuffers } from "../profile/buffers.ts";
import { FIO_DEFAULT_ENGINE } from "../profile/engines.ts";
import type { JobSpec, Profile } from "../profile/job.ts";
import type { Dialect } from "../profile/job_io.ts";
import { OptionSet, type OptionValue, optionError } from "../profile/option_set.ts";
import { closestOption, type FioOption, findOption, isNeutral, mayStandAlone } from "../profile/options.ts";
import { fioSizeParser } from "../profile/quantities.ts";
import { checkJobs, DEFAULT_SEED, type JobPlacement, resolveJob } from "../profile/resolve.ts";
import type { JobFile, JobFileOption, JobFileSection } from "./job_file.ts";

const FIO_DIALECT: Dialect = Object.freeze({
  syntax: "fio",
  defaultEngine: FIO_DEFAULT_ENGINE,
  // fio's default is buffered I/O.
  defaultDirect: false,
});

/** The profile of a job file. Throws one `DmasimError` at the first wrong line. */
export function jobFileToProfile(jobFile: JobFile): Profile {
  const global: OptionValue[] = [];
  const jobs: JobSpec[] = [];
  for (const section of jobFile.sections) {
    const options = section.options.map((option) => nameOption(section, option));
    // A job takes what the global sections above it say; a later one adds to them for the jobs below.
    if (section.isGlobal) global.push(...options);
    else jobs.push(sectionToJob(section, global, options));
  }
  checkJobs(jobFile.file, jobs);
  return {
    name: basename(jobFile.file, extname(jobFile.file)),
    title: titleOf(global, jobs),
    file: jobFile.file,
    machine: null,
    seed: DEFAULT_SEED,
    jobs,
  };
}

/** Names of jobs that a title lists one by one. */
const TITLE_JOBS_MAX = 4;

function titleOf(global: readonly OptionValue[], jobs: readonly JobSpec[]): string {
  const description = global.findLast((option) => option.name === "description")?.text;
  if (description !== undefined) return description;
  return jobs.length > TITLE_JOBS_MAX ? `${jobs.length} jobs` : jobs.map((job) => job.name).join(", ");
}

function sectionToJob(section: JobFileSection, global: readonly OptionValue[], own: readonly OptionValue[]): JobSpec {
  const given = [...global, ...own];
  checkRefused(given);
  const options = new OptionSet(given, fioSizeParser(kbBase(given)));
  return resolveJob({
    // The section's name replaces a name from [global]; a name of the section itself replaces both.
    name: own.findLast((option) => option.name === "name")?.text ?? section.name,
    at: section.at,
    options,
    dialect: FIO_DIALECT,
    placement: placementOf(options),
    notes: ignoredNotes(given),
  });
}

/** The option under its canonical name; unknown names and missing values are errors. */
function nameOption(section: JobFileSection, option: JobFileOption): OptionValue {
  const path = `${section.name}.${option.name}`;
  const known = findOption(option.name);
  if (known === undefined) throw unknownOption(option, path);
  if (option.value === null && !mayStandAlone(known)) {
    throw new DmasimError({
      code: "DMASIM_PROFILE_OPTION",
      what: `option "${option.name}" needs a value`,
      remedy: `write ${option.name}=VALUE`,
      path,
      at: option.at,
    });
  }
  return { name: known.name, text: option.value ?? "1", at: option.at, path };
}

function unknownOption(option: JobFileOption, path: string): DmasimError {
  const closest = closestOption(option.name);
  return new DmasimError({
    code: "DMASIM_PROFILE_OPTION_UNKNOWN",
    what: `unknown option "${option.name}"`,
    remedy: closest === undefined ? "remove it; see fio's HOWTO for the options" : `did you mean "${closest}"?`,
    path,
    at: option.at,
    ...(option.value === null ? {} : { value: option.value }),
  });
}

function lastOfEach(given: readonly OptionValue[]): Iterable<readonly [FioOption, OptionValue]> {
  const last = new Map<FioOption, OptionValue>();
  for (const option of given) {
    const known = findOption(option.name);
    if (known !== undefined) last.set(known, option);
  }
  return last;
}

function checkRefused(given: readonly OptionValue[]): void {
  for (const [known, option] of lastOfEach(given)) {
    if (known.meaning !== "refused" || isNeutral(option.text)) continue;
    throw optionError(option, `fio's ${known.name} (${known.reason}) is not modelled`, known.remedy ?? "remove it");
  }
}

function ignoredNotes(given: readonly OptionValue[]): string[] {
  const ignored = [...lastOfEach(given)].filter(([known]) => known.meaning === "ignored");
  return ignored.map(([known]) => `${known.name} (${known.reason})`);
}

function kbBase(given: readonly OptionValue[]): 1000 | 1024 {
  const option = given.findLast((candidate) => candidate.name === "kb_base");
  if (option === undefined || option.text === "1024") return 1024;
  if (option.text === "1000") return 1000;
  throw optionError(option, "unknown prefix base", "write kb_base=1024 or kb_base=1000", "allowed: 1000, 1024");
}

function placementOf(options: OptionSet): JobPlacement {
  return {
    // Data that arrive are always checked; fio's verify adds the pass that reads back what was written.
    verify: true,
    verifyPass: hasVerifyPass(options),
    device: null,
    target: "ram",
    workingSetBytes: null,
    source: "ram",
    pagelessTarget: null,
    sg: resolveBuffers(options),
    map: "per-io",
  };
}

const VERIFY_METHODS =
  /^(0|none|null|meta|pattern(_hdr)?|md5|crc(64|32|32c|32c-intel|16|7)|sha(1|256|512)|sha3-(224|256|384|512)|xxhash)$/;

/** `verify=METHOD`, or `verify_pattern` without it; `verify=0`, `verify=null` and `do_verify=0` read nothing back. */
function hasVerifyPass(options: OptionSet): boolean {
  const method = options.get("verify");
  if (method !== undefined && !VERIFY_METHODS.test(method.text)) {
    throw optionError(method, "unknown verify method", "write e.g. verify=crc32c, or verify=0 for none");
  }
  const isOn =
    method === undefined ? options.get("verify_pattern") !== undefined : !/^(0|none|null)$/.test(method.text);
  return isOn && options.flag("do_verify", true) && /write|rw/i.test(options.text("rw") ?? "read");
}
