/** `dmasim list WHAT`: what ships with the package. */
import { Argument, type Command } from "commander";
import { renderArchList } from "../report/arch_list.ts";
import { renderMachineList, renderProfileList } from "../report/listing.ts";
import { listShippedMachines, loadShippedMachine } from "../sim/machine/load.ts";
import { listShippedProfiles, loadShippedProfile } from "../sim/profile/load.ts";
import { present } from "./output.ts";
import { JSON_FLAG, type Session } from "./session.ts";

interface ListFlags {
  readonly json?: string;
}

/** Adds `dmasim list machines`, `list profiles` and `list archs`; `--json` writes the same as data. */
export function addListCommand(program: Command, session: Session): void {
  program
    .command("list")
    .description("list the machines and load profiles that ship with dmasim, or the architectures it knows")
    .addArgument(new Argument("<what>", "what to list").choices(["machines", "profiles", "archs"]))
    .option(...JSON_FLAG)
    .action(async (what: string, flags: ListFlags) => {
      if (what === "machines") listMachines(session, flags);
      else if (what === "profiles") listProfiles(session, flags);
      else await listArchs(session, flags);
    });
}

function listMachines({ output }: Session, flags: ListFlags): void {
  const machines = listShippedMachines().map(({ name }) => loadShippedMachine(name));
  const value = machines.map((machine) => ({
    name: machine.name,
    title: machine.title,
    era: machine.era,
    iommu: { kind: machine.iommu.kind, mode: machine.iommu.mode },
    cpus: machine.cpus.count,
    devices: machine.devices.map((device) => device.name),
  }));
  present(output, flags.json, value, renderMachineList(output.screen, machines));
}

function listProfiles({ output }: Session, flags: ListFlags): void {
  const profiles = listShippedProfiles().map(({ name }) => loadShippedProfile(name));
  const value = profiles.map((profile) => ({
    name: profile.name,
    title: profile.title,
    machine: profile.machine,
    jobs: profile.jobs.map((job) => job.name),
  }));
  present(output, flags.json, value, renderProfileList(output.screen, profiles));
}

async function listArchs({ output }: Session, flags: ListFlags): Promise<void> {
  const { ARCHITECTURES } = await import("../host/arch/table.ts");
  const value = ARCHITECTURES.map(({ ops: _ops, defaults: _defaults, ...row }) => row);
  present(output, flags.json, value, renderArchList(output.screen, ARCHITECTURES));
}
