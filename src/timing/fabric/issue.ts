/** What the DMA block of a device takes to issue. */
import type { IssueShape } from "./shape.ts";

/** Occupancy of the DMA block by a quantum of `bytes` at `addr`; picoseconds. `first` charges the command. */
export function issuePs(issue: IssueShape, addr: number, bytes: number, first: boolean): number {
  let ps = (first ? issue.commandPs : 0) + issue.bytePs * bytes;
  if (issue.chunkBytes > 0) {
    // The chunk that holds the byte before belongs to the quantum before.
    const before = first ? Math.floor(addr / issue.chunkBytes) - 1 : Math.floor((addr - 1) / issue.chunkBytes);
    ps += (Math.floor((addr + bytes - 1) / issue.chunkBytes) - before) * issue.chunkPs;
  }
  return Math.round(ps);
}
