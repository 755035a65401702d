/** Whether a run can carry the faults of its profile: devices that exist, and a clock under which they mean something. */
import { DmasimError } from "../base/errors.ts";
import type { RunOptions } from "./run_options.ts";
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
  for (const [index, { device, fault, rate }] of faults.entries()) {
    if (clock === "wall" && (rate === null || !WALL_FAULTS.includes(fault))) {
      const limit = `wall clock: ${WALL_FAULTS.join(", ")}, by rate`;
      refuse(index, "this fault happens in simulated time", fault, limit, "use --clock virtual, or dmasim stress");
    }
    if (device !== null && !names.includes(device))
      refuse(index, `${machine.name} has no such device`, device, names.join(", "), "name a device of the machine");
  }
  if (faults.length > 0 && verify !== undefined)
    refuse(0, "faults and a power cut do not go together", verify, "one of both", "leave one out");
}
