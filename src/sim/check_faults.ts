/** Whether a run can carry the faults of its profile: devices that exist, and a clock under which they mean something. */
import { DmasimError } from "../base/errors.ts";
import type { Machine } from "./machine/description.ts";
import type { FaultSpec } from "./profile/faults.ts";
import type { RunOptions } from "./run_options.ts";
import { iommuModeOf } from "./system.ts";
import { WALL_FAULTS } from "./wall/engine_faults.ts";

/** Throws one DmasimError for the first fault that the run cannot have. */
export function checkFaults({ clock, profile, machine }: RunOptions): void {
  const { faults = [], file, verify } = profile;
  const refuse = (index: number, what: string, value: unknown, limit: string, remedy: string): never => {
    throw new DmasimError({
      code: "DMASIM_FAULTS",
      what,
      value,
      limit,
      remedy,
      path: `faults[${index}]`,
      at: { file },
    });
  };
  const names = machine.devices.map(({ name }) => name);
  for (const [index, spec] of faults.entries()) {
    const { device, fault, rate } = spec;
    if (clock === "wall" && (rate === null || !WALL_FAULTS.includes(fault))) {
      const limit = `wall clock: ${WALL_FAULTS.join(", ")}, by rate`;
      refuse(index, "this fault happens in simulated time", fault, limit, "use --clock virtual, or dmasim stress");
    }
    if (device !== null && !names.includes(device))
      refuse(index, `${machine.name} has no such device`, device, names.join(", "), "name a device of the machine");
    const lacking = lackOf(spec, machine);
    if (lacking !== null) refuse(index, lacking.what, fault, machine.name, lacking.remedy);
  }
  if (faults.length > 0 && verify !== undefined)
    refuse(0, "faults and a power cut do not go together", verify, "one of both", "leave one out");
}

/** What the machine does not have that the fault takes away; null = it has it. */
function lackOf({ fault, device }: FaultSpec, machine: Machine): { what: string; remedy: string } | null {
  if (fault === "pool-full" || fault === "pool-leaked") {
    if (machine.swiotlb.bytes === 0) return { what: "there is no bounce pool to fill", remedy: "set swiotlb.size" };
    if (machine.swiotlb.dynamic)
      return { what: "a bounce pool that grows is never full", remedy: "set swiotlb.dynamic=false" };
  }
  if (fault === "pmem-poison" && !machine.memory.some(({ kind }) => kind === "pmem"))
    return { what: "there is no persistent memory to lose a line of", remedy: "use a machine with pmem" };
  if (fault === "table-exhaustion" && device !== null)
    return { what: "memory for page tables is the machine's, not a device's", remedy: "leave device out" };
  if (fault !== "iova-exhaustion" && fault !== "table-exhaustion") return null;
  const translated = machine.devices.some((each) => {
    const mode = iommuModeOf(machine, each);
    return (device === null || each.name === device) && mode !== "off" && mode !== "passthrough";
  });
  const remedy = "use a machine with an IOMMU whose domains are strict or lazy";
  return translated ? null : { what: "no IOMMU translates what the device uses", remedy };
}
