/**
 * The PCIe tree: root complexes, root ports, switch ports and the endpoints below them.
 *
 * Immutable; distances and redirects are arithmetic on it (drivers/pci/p2pdma.c names the same quantities).
 */
import { assert } from "../base/assert.ts";

/** PCIe port types; a root complex is the root of a tree. */
export type PortKind = "root-complex" | "root-port" | "switch-upstream" | "switch-downstream";

/** A port by name; `parent` is the next port towards the root complex, null for the root complex. */
export interface PortNode {
  readonly name: string;
  readonly kind: PortKind;
  readonly parent: string | null;
  /** ACS Request Redirect, Completion Redirect or Egress Control is set. */
  readonly acsRedirect: boolean;
  /** ACS Direct Translated P2P is set: requests with a translated address (ATS) pass the redirect. Absent: false. */
  readonly acsDirectTranslated?: boolean;
  /** vendor:device of a root complex' host bridge, e.g. "8086:2030". */
  readonly id: string | null;
}

/** Ports by name. A name that does not exist is a broken simulator: the machine's checks come first. */
export class Topology {
  readonly #ports: ReadonlyMap<string, PortNode>;

  constructor(ports: readonly PortNode[]) {
    this.#ports = new Map(ports.map((port) => [port.name, port]));
  }

  port(name: string): PortNode {
    const port = this.#ports.get(name);
    assert(port !== undefined, `PCIe port ${name} exists`);
    return port;
  }

  /** Ports from `name` up to its root complex, `name` first. */
  pathUp(name: string): readonly PortNode[] {
    const path: PortNode[] = [];
    for (let at: string | null = name; at !== null; ) {
      const port: PortNode = this.port(at);
      path.push(port);
      at = port.parent;
    }
    return path;
  }

  /** Root complex above `name`. */
  rootOf(name: string): PortNode {
    const path = this.pathUp(name);
    return path[path.length - 1] as PortNode;
  }
}

/** Where two endpoints meet, seen from the ports they sit below. */
export interface Meeting {
  /** Common upstream bridge (not the root complex), or null when they meet only at or above the host bridge. */
  readonly common: string | null;
  /** Hops provider to meeting point plus client to meeting point. */
  readonly distance: number;
  /** A bridge on either path, the common one included, redirects peer requests upstream. */
  readonly acsRedirected: boolean;
  /** Those bridges: the provider's side first, each once. Empty when the endpoints meet at or above the host bridge. */
  readonly redirecting: readonly PortNode[];
}

/** First common bridge of two endpoints below `a` and `b`, after calc_map_type_and_dist. */
export function meet(topology: Topology, a: string, b: string): Meeting {
  const pathA = topology.pathUp(a).filter((port) => port.kind !== "root-complex");
  const pathB = topology.pathUp(b).filter((port) => port.kind !== "root-complex");
  for (const [hopsA, portA] of pathA.entries()) {
    const hopsB = pathB.findIndex((port) => port.name === portA.name);
    if (hopsB < 0) continue;
    const crossed = [...pathA.slice(0, hopsA + 1), ...pathB.slice(0, hopsB)];
    const redirecting = crossed.filter((port) => port.acsRedirect);
    return {
      common: portA.name,
      distance: hopsA + 1 + hopsB + 1,
      acsRedirected: redirecting.length > 0,
      redirecting,
    };
  }
  return { common: null, distance: pathA.length + pathB.length + 2, acsRedirected: true, redirecting: [] };
}
