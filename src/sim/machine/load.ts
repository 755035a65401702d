/** Finds, reads and checks machines: the shipped ones of `profiles/machines/` and any file of a user. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { closestWord } from "../../base/closest.ts";
import { DmasimError } from "../../base/errors.ts";
import { packagePath } from "../../base/package_root.ts";
import type { DocumentPath, Override } from "../override.ts";
import { formatPath, readYamlDocument } from "../yaml_document.ts";
import { checkDevices } from "./check_device.ts";
import { checkIommu } from "./check_iommu.ts";
import { checkMemory } from "./check_memory.ts";
import { checkSwiotlb } from "./check_swiotlb.ts";
import { checkTree } from "./check_tree.ts";
import type { Machine } from "./description.ts";
import type { MachineFault } from "./fault.ts";
import { resolveDocument } from "./resolve.ts";
import { machineSchema } from "./schema.ts";

/** Name and one-line description of a shipped machine. */
export interface ShippedMachine {
  readonly name: string;
  readonly title: string;
}

/** Package root, seen from dist/src/sim/machine/. */
const MACHINE_DIRECTORY = packagePath("profiles", "machines");
const YAML_ENDING = /\.ya?ml$/;

/** The machine that the YAML file at `path` describes. Throws one `DmasimError` (exit code 2) for wrong input. */
export function loadMachine(path: string, overrides: readonly Override[] = []): Machine {
  const { value, locate } = readYamlDocument(path, machineSchema, { kind: "machine", overrides });
  const refuse = (fault: MachineFault | undefined): void => {
    if (fault !== undefined) throw faultError(fault, locate);
  };
  refuse(checkTree(value));
  const machine = resolveDocument(value, path);
  refuse(checkMemory(machine) ?? checkSwiotlb(machine, value) ?? checkIommu(machine, value) ?? checkDevices(machine));
  return machine;
}

function faultError(
  fault: MachineFault,
  locate: (path: DocumentPath) => NonNullable<DmasimError["parts"]["at"]>,
): DmasimError {
  return new DmasimError({ ...fault, path: formatPath(fault.path), at: locate(fault.path) });
}

/** A machine of `profiles/machines/` by its name. */
export function loadShippedMachine(name: string, overrides: readonly Override[] = []): Machine {
  if (!shippedNames().includes(name)) throw unknownMachine(name);
  return loadMachine(join(MACHINE_DIRECTORY, `${name}.yaml`), overrides);
}

/** Shipped machines by name. */
export function listShippedMachines(): ShippedMachine[] {
  return shippedNames().map((name) => ({ name, title: loadShippedMachine(name).title }));
}

/** A shipped machine by name, else the file at that path: anything with a `/` or a YAML ending is a path. */
export function resolveMachine(nameOrPath: string, overrides: readonly Override[] = []): Machine {
  return isMachinePath(nameOrPath) ? loadMachine(nameOrPath, overrides) : loadShippedMachine(nameOrPath, overrides);
}

/** True of words that mean a file, not a shipped machine. */
export function isMachinePath(name: string): boolean {
  return /[\\/]/.test(name) || YAML_ENDING.test(name);
}

function shippedNames(): string[] {
  return readdirSync(MACHINE_DIRECTORY)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => file.slice(0, -".yaml".length))
    .sort();
}

function unknownMachine(name: string): DmasimError {
  const known = shippedNames();
  const closest = closestWord(name, known);
  return new DmasimError({
    code: "DMASIM_MACHINE_UNKNOWN",
    what: "no shipped machine has this name",
    value: name,
    limit: `shipped: ${known.join(", ")}`,
    remedy: closest === undefined ? "take one of these, or give the path of a .yaml file" : `did you mean ${closest}?`,
  });
}
