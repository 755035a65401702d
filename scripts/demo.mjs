// `npm run demo`: makes the package ready, then runs the demo load under both clocks.
import { availableParallelism } from "node:os";
import { runNode } from "./run_node.mjs";
import { setup } from "./setup.mjs";

/** Two at least: the wall clock is about threads that contend. */
const WALL_WORKERS = Math.min(Math.max(availableParallelism() - 1, 2), 8);

const VIRTUAL_INTRO = `
── 1 of 2 ── virtual clock: predicts how the modelled machine behaves ── npx dmasim run demo
`;
const WALL_INTRO = `
── 2 of 2 ── wall clock: the same load at full speed on ${WALL_WORKERS} threads ── npx dmasim run demo --clock wall --workers ${WALL_WORKERS}
`;
const OUTRO = `
── What you saw ──
 strict, lazy, direct  the same 4 KiB reads over three mappings: in strict mode every unmap waits for the
                       IOMMU's invalidation queue, lazy mode batches the waits, direct mapping has none
 p2p                   one drive wrote straight into another's memory BAR, below their common switch
 bounce                a 32-bit device could not reach the buffers, so every byte was copied once more
 pmem, mixed-list      buffers in persistent memory that has no struct page, alone and mixed with RAM
 copy                  memory to memory by the on-chip DMA engine
 Real bytes took every path, and all that arrived were compared with what was sent.

── What to try next ──
 npx dmasim run rand-read-4k --set iommu.mode=lazy       change one key of the machine
 npx dmasim run 8nvme-modes                              eight drives behind one SMMU
 npx dmasim run mixed-70-30 --machine confidential-vm    another machine for a load
 npx dmasim map ram@0x10800+0x800 ram@0x30000+0x400     what happens to one scatterlist, drawn
 npx dmasim list machines                                what ships (also: list profiles, list archs)
 npx dmasim inspect machine intel-vtd-2s                 the machine of this demo, every default resolved
 npx dmasim run --help                                   your own profile or fio job file, JSON, CSV
`;

setup();
process.stdout.write(VIRTUAL_INTRO);
const virtual = runNode("bin/dmasim.mjs", ["run", "demo"]);
process.stdout.write(WALL_INTRO);
const wall = runNode("bin/dmasim.mjs", ["run", "demo", "--clock", "wall", "--workers", String(WALL_WORKERS)]);
const failed = virtual || wall;
if (failed === 0) process.stdout.write(OUTRO);
else process.stdout.write(`\ndemo: a run ended with exit code ${failed}; dmasim --help lists what they mean\n`);
process.exitCode = failed;
