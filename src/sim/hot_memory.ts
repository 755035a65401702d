/** Memory that a profile's events add to a machine: part of the address space from the start, used from its event on. */
import { DmasimError } from "../base/errors.ts";
import { checkMemory } from "./machine/check_memory.ts";
import type { Machine, MemoryRegion } from "./machine/description.ts";
import type { HotAddEvent } from "./profile/events.ts";
import type { Profile } from "./profile/job.ts";

/** The machine with a region for every `hot_add`, marked `hot`. Throws a DmasimError when one does not fit the map. */
export function withHotMemory(machine: Machine, profile: Profile): Machine {
  const added = (profile.events ?? []).filter((event): event is HotAddEvent => event.kind === "hot_add");
  checkRemoved(machine, profile, added);
  if (added.length === 0) return machine;
  const regions = added.map((event): MemoryRegion => {
    const { name, start, bytes, node } = event;
    return { name, kind: "ram", start, bytes, node, memmap: "ram", hot: true };
  });
  const grown = { ...machine, memory: [...machine.memory, ...regions] };
  const fault = checkMemory(grown);
  if (fault === undefined) return grown;
  throw new DmasimError({ ...fault, path: `events: ${fault.path.join(".")}`, at: { file: profile.file } });
}

function checkRemoved(machine: Machine, profile: Profile, added: readonly HotAddEvent[]): void {
  for (const event of profile.events ?? []) {
    if (event.kind === "truncate") checkTruncated(profile, event.name);
    if (event.kind !== "hot_remove" || added.some(({ name, atNs }) => name === event.name && atNs <= event.atNs))
      continue;
    throw new DmasimError({
      code: "DMASIM_EVENT_REGION",
      what: `no event before this one adds memory of this name to ${machine.name}`,
      value: event.name,
      limit: added.length === 0 ? "nothing is added" : `added: ${added.map(({ name }) => name).join(", ")}`,
      remedy: "name a region of a hot_add event with an earlier time",
      at: { file: profile.file },
    });
  }
}

function checkTruncated(profile: Profile, name: string): void {
  if (profile.jobs.some((job) => job.name === name && job.file !== undefined)) return;
  const files = profile.jobs.filter(({ file }) => file !== undefined).map((job) => job.name);
  throw new DmasimError({
    code: "DMASIM_EVENT_FILE",
    what: "no job of this name has a DAX file to truncate",
    value: name,
    limit: files.length === 0 ? "no job has file" : `jobs with a file: ${files.join(", ")}`,
    remedy: "give the job file: fsdax and a pmem region as target",
    at: { file: profile.file },
  });
}
