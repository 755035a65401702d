/** Tables of what ships with the package. */
import type { Machine } from "../sim/machine/description.ts";
import type { Profile } from "../sim/profile/job.ts";
import { describeLoad } from "./load.ts";
import type { Screen } from "./style.ts";
import { type Column, renderTable } from "./table.ts";

const MACHINE_COLUMNS: readonly Column[] = [
  { head: "machine", align: "left" },
  { head: "Linux", align: "left" },
  { head: "IOMMU", align: "left" },
  { head: "CPUs", align: "right" },
  { head: "devices", align: "right" },
  { head: "what it is", align: "left" },
];

/** One row a machine: era, IOMMU, CPUs, devices, title. */
export function renderMachineList(screen: Screen, machines: readonly Machine[]): string {
  const rows = machines.map((machine) => [
    machine.name,
    machine.era,
    machine.iommu.kind === "none" ? "none" : `${machine.iommu.kind} ${machine.iommu.mode}`,
    String(machine.cpus.count),
    String(machine.devices.length),
    machine.title,
  ]);
  return renderNamed(screen, MACHINE_COLUMNS, rows);
}

const PROFILE_COLUMNS: readonly Column[] = [
  { head: "profile", align: "left" },
  { head: "machine", align: "left" },
  { head: "jobs", align: "right" },
  { head: "load", align: "left" },
  { head: "what it is", align: "left" },
];

/** One row a profile: machine, jobs, what they do, title. */
export function renderProfileList(screen: Screen, profiles: readonly Profile[]): string {
  const rows = profiles.map((profile) => [
    profile.name,
    profile.machine ?? "any",
    String(profile.jobs.length),
    describeLoad({ jobs: profile.jobs }),
    profile.title,
  ]);
  return renderNamed(screen, PROFILE_COLUMNS, rows);
}

function renderNamed(screen: Screen, columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = renderTable(screen, columns, rows, (cell, _row, column) =>
    column === 0 ? screen.colors.bold(cell) : cell,
  );
  return `${lines.join("\n")}\n`;
}
