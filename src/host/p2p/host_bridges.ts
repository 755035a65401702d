/** Which hosts forward requests between peers: drivers/pci/p2pdma.c, cpu_supports_p2pdma and host_bridge_whitelist. */
import type { PortNode } from "../../pcie/topology.ts";

/** Host CPU, asked for AMD Zen, whose root ports forward peer requests. */
export interface HostCpu {
  readonly vendor: string;
  readonly family: number;
}

/** Who allows the way through the host: the CPU, the list of host bridges, or nobody. */
export type HostAllowance = "cpu" | "host-bridge" | null;

/** Root devices by vendor:device (pci_p2pdma_whitelist); true = only within the same bridge. */
const HOST_BRIDGES: ReadonlyMap<string, boolean> = new Map([
  ["8086:3c00", true],
  ["8086:3c01", true],
  ["8086:2f00", true],
  ["8086:2f01", true],
  ["8086:2030", false],
  ["8086:2031", false],
  ["8086:2032", false],
  ["8086:2033", false],
  ["8086:2020", false],
  ["8086:09a2", false],
]);
/** Every root device of this vendor is on the list. */
const GOOGLE_VENDOR = "1ae0:";
const AMD_ZEN_FAMILY = 0x17;

/** Whether requests may turn around in, or cross, the host bridges `a` and `b`. */
export function hostAllows(cpu: HostCpu, a: PortNode, b: PortNode): HostAllowance {
  if (cpu.vendor === "amd" && cpu.family >= AMD_ZEN_FAMILY) return "cpu";
  const ruleA = sameBridgeOnly(a.id);
  const ruleB = sameBridgeOnly(b.id);
  if (ruleA === undefined || ruleB === undefined) return null;
  return a.name === b.name || (!ruleA && !ruleB) ? "host-bridge" : null;
}

/** `not on the list`, `on the list`, `on the list within itself`: the rule of one host bridge in words. */
export function hostBridgeRule(id: string | null): string {
  const rule = sameBridgeOnly(id);
  if (rule === undefined) return "not on the list";
  return rule ? "on the list within itself" : "on the list";
}

/** True = forwards within itself only, false = to other listed bridges too; undefined = not on the list. */
function sameBridgeOnly(id: string | null): boolean | undefined {
  if (id?.startsWith(GOOGLE_VENDOR) === true) return false;
  return HOST_BRIDGES.get(id ?? "");
}
