/**
 * What the fabric's servers are made of: numbers of one device function, its link, its root complex and its memory.
 *
 * Picoseconds, bytes and counts; built once from a machine (`sim/virtual/fabric_shapes.ts`) and never changed.
 */
import type { LinkShape } from "../../pcie/link.ts";

/** How fast a device's DMA block takes work: per command, per internal chunk and per byte; one thing at a time. */
export interface IssueShape {
  readonly commandPs: number;
  /** Internal pieces that the block cuts a transfer into, on aligned boundaries; 0 bytes = none. */
  readonly chunkBytes: number;
  readonly chunkPs: number;
  readonly bytePs: number;
}

/** A device function's DMA block. */
export interface FunctionShape {
  /** Read requests outstanding at a time. */
  readonly tags: number;
  readonly read: IssueShape;
  readonly write: IssueShape;
  /** Share of a read byte on the data path that writes use too. */
  readonly sharedBytePs: number;
  /** From the engine's start to its first TLP, and from the last completion to the engine's end. */
  readonly startPs: number;
  /** From the end of a posted write to the start of a command that follows it. */
  readonly turnPs: number;
  /** Store and forward inside the device, per byte of a transfer: latency, no occupancy. */
  readonly bytePs: number;
}

/** Way between a function and its root complex. */
export interface WayShape {
  readonly link: LinkShape;
  /** TLPs of posted writes that the receiver holds. */
  readonly postedHeaders: number;
  /** Switches on the way and the time of each, one direction. */
  readonly hops: number;
  readonly hopPs: number;
}

/** A root complex's port group (IIO stack). */
export interface RootComplexShape {
  /** Request in to completion out with the line in the last-level cache. */
  readonly readPs: number;
  /** Write in to admission by the memory controller. */
  readonly writePs: number;
  /** Added to peer traffic that turns around in the root complex, one way. */
  readonly peerPs: number;
  /** Cachelines of posted writes, and of reads, that it holds. */
  readonly writeLines: number;
  readonly readLines: number;
  /** Reads shorter than this are answered in pieces of the read completion boundary, longer ones of MPS. */
  readonly combineBytes: number;
}

/** A NUMA node's memory as devices see it. */
export interface MemoryShape {
  /** Added to a read that the last-level cache does not have. */
  readonly missPs: number;
  /** Row conflict: added with this probability. */
  readonly conflictPs: number;
  readonly conflictShare: number;
  /** Added when the memory is on another socket, each way. */
  readonly remotePs: number;
  /** All channels or modules together, as DMA can use them. */
  readonly readBytesPerS: number;
  readonly writeBytesPerS: number;
  /** Reads and writes share the same channels. */
  readonly shared: boolean;
}
