/** What `dmasim inspect topology` shows: plain data for terminal, JSON and drawing. */

/** How the bytes of a pair travel. */
export type PathClass =
  | "self"
  /** Below a common bridge. */
  | "switch"
  /** Below a common bridge past an ACS redirect: translated requests of a client with ATS. */
  | "switch-ats"
  /** Through one root complex. */
  | "root"
  /** Across root complexes of one NUMA node. */
  | "bridges"
  /** Across NUMA nodes. */
  | "sockets"
  /** Not supported between the peers: through memory, moved on by the CPU. */
  | "staged"
  /** Not supported, and a driver that does not ask: nobody answers. */
  | "aborted";

/** One cell of the matrix: `client` does DMA to a BAR of `provider`. */
export interface PairView {
  readonly client: string;
  readonly provider: string;
  readonly path: PathClass;
  /** What Linux decides: `bus address`, `through the host bridge`, `not supported`. */
  readonly mapType: string;
  /** pci_p2pdma_distance; -1 when not supported. */
  readonly distance: number;
  /** Bridges between them, supported or not. */
  readonly hops: number;
  readonly reason: string;
  readonly remedy: string | null;
  /** Kernel log of a verbose query. */
  readonly kernelLines: readonly string[];
  /** The provider has a memory BAR, and with which struct pages: the rest of the line is what would be. */
  readonly bar: { readonly index: number; readonly bytes: number; readonly memmap: string } | null;
  /** Predicted rate of writes of the client into the BAR, bytes a second; null without a BAR or for the device itself. */
  readonly bytesPerS: number | null;
  /** What decides that rate. */
  readonly limit: string | null;
  /** Ceiling of the links when both write to each other at once, bytes a second and direction. */
  readonly exchangeBytesPerS: number | null;
}

/** The machine's PCI devices and every pair of them, clients by rows. */
export interface TopologyView {
  readonly machine: string;
  readonly title: string;
  readonly era: string;
  /** CPU and its rule, and the rule of each host bridge. */
  readonly cpuForwards: boolean;
  readonly hostBridges: readonly {
    readonly name: string;
    readonly id: string | null;
    readonly rule: string;
    readonly node: number;
  }[];
  readonly devices: readonly {
    readonly name: string;
    readonly bdf: string;
    readonly class: string;
    readonly node: number;
    readonly bars: number;
  }[];
  readonly pairs: readonly PairView[];
}
