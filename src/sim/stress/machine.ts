/** Random machines: a shipped one with other IOMMU modes, pools, queues and eras. */
import { Prng } from "../../base/prng.ts";
import type { Machine } from "../machine/description.ts";
import { resolveMachine } from "../machine/load.ts";
import type { Override } from "../override.ts";

/** A machine as it can be named on a command line and in a file. */
export interface MachineChoice {
  readonly machine: string;
  readonly set: readonly Override[];
}

/** Every other round takes the first: it has all paths. */
const FULL_MACHINE = "intel-vtd-2s";
const OTHERS = [
  "amd-epyc-2s",
  "arm-smmu-8nvme",
  "confidential-vm",
  "qemu-q35",
  "soc-30bit",
  "gpu-8-switch",
  "desktop-gpu-256m",
  "media-board",
];
/** Dynamic pools came with 6.6. */
const ERAS = ["4.1", "6.1", "6.12", "6.12", "7.x"];
const MACHINE_STREAM = 1_000_003;

/** The machine of a round; the same for the same (seed, round). */
export function chooseMachine(seed: number, round: number): MachineChoice {
  const prng = new Prng(seed, MACHINE_STREAM + round);
  const pick = <T>(values: readonly T[]): T => values[prng.below(values.length)] as T;
  const machine = round % 2 === 0 ? FULL_MACHINE : pick(OTHERS);
  const set: Override[] = [];
  const change = (path: string, value: string | number): void => void set.push({ path, value: String(value) });
  // Peers came with 4.20: every other of the full machines has all paths.
  const era = pick(round % 4 === 0 ? ERAS.slice(1) : ERAS);
  change("kernel.era", era);
  change("kernel.defects", "corrected");
  if (era !== "4.1" && era !== "6.1" && prng.below(3) === 0) change("swiotlb.dynamic", "true");
  if (machine === FULL_MACHINE) {
    change("cpus.sockets", 1);
    change("cpus.cores_per_socket", pick([1, 2, 4, 8]));
    change("cpus.threads_per_core", 1);
    change("swiotlb.size", pick(["2MiB", "16MiB", "64MiB"]));
    change("devices.nvme0.iommu_mode", pick(["strict", "lazy"]));
    change("devices.nvme1.iommu_mode", pick(["strict", "lazy"]));
    change("devices.nic0.untrusted", pick(["true", "false"]));
  }
  return { machine, set };
}

/** Reads and resolves a choice. Throws DmasimError for one that no machine can be made of. */
export function resolveChoice({ machine, set }: MachineChoice): Machine {
  return resolveMachine(machine, set);
}
