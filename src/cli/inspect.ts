/** `dmasim inspect WHAT`: what the program decided on its own: byte positions, resolved machines. */
import { Argument, type Command } from "commander";
import { closestWord } from "../base/closest.ts";
import { DmasimError } from "../base/errors.ts";
import { renderConstants } from "../report/inspect/constants.ts";
import { type LayoutView, renderLayout, renderRecord } from "../report/inspect/layout.ts";
import { renderMachine } from "../report/inspect/machine.ts";
import { renderMemory } from "../report/inspect/memory.ts";
import { ARENA_BYTES, CONTROL_BYTES } from "../shm/capacities.ts";
import { REGIONS } from "../shm/layout.ts";
import { layoutHash } from "../shm/layout_hash.ts";
import type { Region } from "../shm/record.ts";
import type { Machine } from "../sim/machine/description.ts";
import { resolveMachine } from "../sim/machine/load.ts";
import { memoryView } from "../sim/machine/memory_view.ts";
import { machineConstants } from "../sim/machine_constants.ts";
import type { Override } from "../sim/override.ts";
import { inspectTopology, type TopologyFlags } from "./inspect_topology.ts";
import { present } from "./output.ts";
import { collectOverride } from "./overrides.ts";
import { JSON_FLAG, type Session } from "./session.ts";

interface InspectFlags extends TopologyFlags {
  readonly json?: string;
  readonly set?: readonly Override[];
}

/** Adds `dmasim inspect`. Throws DmasimError for a record, region or machine that does not exist. */
export function addInspectCommand(program: Command, session: Session): void {
  program
    .command("inspect")
    .description(
      "show the shared buffer's layout, a machine with every default and its timing constants, its memory, or who reaches whose BAR",
    )
    .addArgument(new Argument("<what>", "what to show").choices(["layout", "machine", "memory", "topology"]))
    .argument("[name]", "layout: a record or region; machine, memory, topology: a shipped name or a file")
    .option("--set <path=value>", "machine, memory, topology: change a key (repeatable)", collectOverride)
    .option("--pair <client,provider>", "topology: one pair, and three ways to map the provider's BAR")
    .option("--svg <file>", "topology: draw the matrix (- = stdout)")
    .option(...JSON_FLAG)
    .action((what: string, name: string | undefined, flags: InspectFlags) => {
      if (what === "topology") inspectTopology(session, name, flags);
      else if (what === "machine") inspectMachine(session, name, flags);
      else if (what === "memory") inspectMemory(session, name, flags);
      else if (name === undefined) inspectLayout(session, flags);
      else inspectRecord(session, name, flags);
    });
}

function inspectMachine({ output }: Session, name: string | undefined, flags: InspectFlags): void {
  const machine = namedMachine("machine", name, flags);
  const constants = machineConstants(machine);
  const text = `${renderMachine(output.screen, machine)}\n${renderConstants(output.screen, constants)}`;
  present(output, flags.json, { ...machine, constants }, text);
}

/** Sections, padding of namespaces, cost of struct pages, reach of devices. */
function inspectMemory({ output }: Session, name: string | undefined, flags: InspectFlags): void {
  const view = memoryView(namedMachine("memory", name, flags));
  present(output, flags.json, view, renderMemory(output.screen, view));
}

function namedMachine(what: string, name: string | undefined, flags: InspectFlags): Machine {
  if (name !== undefined) return resolveMachine(name, flags.set);
  throw new DmasimError({
    code: "DMASIM_ARGUMENT_MISSING",
    what: `inspect ${what} needs the name of a machine`,
    remedy: "give a name of: dmasim list machines, or the path of a .yaml file",
  });
}

function inspectLayout({ output }: Session, flags: InspectFlags): void {
  const view: LayoutView = {
    controlBytes: CONTROL_BYTES,
    arenaBytes: ARENA_BYTES,
    hash: layoutHash(),
    regions: Object.values(REGIONS),
  };
  present(output, flags.json, view, renderLayout(output.screen, view));
}

function inspectRecord({ output }: Session, name: string, flags: InspectFlags): void {
  const regions = regionsNamed(name);
  const record = regions[0]?.record;
  if (record === undefined) throw unknownRecord(name);
  present(output, flags.json, { regions, record }, renderRecord(output.screen, regions, record));
}

/** Regions that have this name, or whose record has it. */
function regionsNamed(name: string): readonly Region[] {
  return Object.values<Region>(REGIONS).filter((region) => region.name === name || region.record.name === name);
}

function unknownRecord(name: string): DmasimError {
  const known = Object.values<Region>(REGIONS).flatMap((region) => [region.name, region.record.name]);
  const closest = closestWord(name, known);
  return new DmasimError({
    code: "DMASIM_RECORD_UNKNOWN",
    what: "no record or region has this name",
    value: name,
    remedy: closest === undefined ? "see the names: dmasim inspect layout" : `did you mean "${closest}"?`,
  });
}
