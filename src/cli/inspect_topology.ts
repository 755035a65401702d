/** `dmasim inspect topology MACHINE`: who reaches whose BAR, how, how fast; `--pair` shows the ways to map one. */
import { DmasimError } from "../base/errors.ts";
import { renderPair } from "../report/topology/pair.ts";
import { renderTopologySvg } from "../report/topology/svg.ts";
import { renderTopology } from "../report/topology/terminal.ts";
import type { Machine } from "../sim/machine/description.ts";
import { resolveMachine } from "../sim/machine/load.ts";
import type { Override } from "../sim/override.ts";
import { System } from "../sim/system.ts";
import { pairView, peerBar, surveyTopology } from "../sim/topology/pairs.ts";
import { compareWays } from "../sim/topology/ways.ts";
import { checkOutputs, deliver, present, STDOUT } from "./output.ts";
import type { Session } from "./session.ts";

/** Flags of the command. */
export interface TopologyFlags {
  readonly json?: string;
  readonly svg?: string;
  readonly pair?: string;
  readonly set?: readonly Override[];
}

/** Shows the machine's topology, or one pair of it. Throws DmasimError for a machine or device that does not exist. */
export function inspectTopology({ output }: Session, name: string | undefined, flags: TopologyFlags): void {
  if (name === undefined) {
    throw new DmasimError({
      code: "DMASIM_ARGUMENT_MISSING",
      what: "inspect topology needs the name of a machine",
      remedy: "give a name of: dmasim list machines, or the path of a .yaml file",
    });
  }
  checkOutputs({ "--json": flags.json, "--svg": flags.svg });
  const machine = resolveMachine(name, flags.set);
  if (flags.pair !== undefined) {
    showPair(output, machine, flags.pair, flags.json);
    return;
  }
  const view = surveyTopology(machine);
  const text = flags.svg === STDOUT ? "" : renderTopology(output.screen, machine, view);
  present(output, flags.json, view, text);
  if (flags.svg !== undefined) deliver(output, flags.svg, renderTopologySvg(view));
}

function showPair(output: Session["output"], machine: Machine, words: string, json: string | undefined): void {
  const [client = "", provider = ""] = words.split(",").map((word) => word.trim());
  const [from, to] = [pciDevice(machine, client), pciDevice(machine, provider)];
  const system = new System(machine);
  const pair = pairView(system, from, to);
  const device = machine.devices[to];
  const bar = device === undefined ? null : peerBar(device);
  const ways = bar === null ? null : compareWays(system, from, to, bar);
  present(output, json, { pair, ways }, renderPair(output.screen, pair, ways));
}

function pciDevice(machine: Machine, name: string): number {
  const index = machine.devices.findIndex(
    (device) => device.parent !== null && [device.name, device.bdf].includes(name),
  );
  if (index >= 0) return index;
  const known = machine.devices.filter(({ parent }) => parent !== null).map((device) => device.name);
  throw new DmasimError({
    code: "DMASIM_DEVICE_UNKNOWN",
    what: `machine ${machine.name} has no PCI device of this name`,
    value: name,
    limit: known.length === 0 ? "it has none" : `it has ${known.join(", ")}`,
    remedy: "give two of them: --pair CLIENT,PROVIDER",
  });
}
