import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Machine } from "#dmasim/sim/machine/description.js";
import { loadMachine } from "#dmasim/sim/machine/load.js";

/** A small machine with one of everything; tests change single lines of it. */
export const BASE = `name: base
title: A small machine
kernel: { era: "6.12" }
cpus: { cores_per_socket: 4 }
memory:
  - { name: ram0, start: 0x100000, size: 0x7ff00000 }
  - { name: ram1, start: 0x100000000, size: 2GiB }
  - { name: pmem0, kind: pmem, start: 0x200000000, size: 1GiB, memmap: zone-device }
iommu:
  kind: intel-vtd
  mode: strict
  units: [{ name: dmar0 }]
swiotlb: { size: 64MiB }
pcie:
  - name: rc0
    kind: root-complex
    windows: [{ start: 0x80000000, size: 1GiB }]
  - { name: rp0, kind: root-port, parent: rc0 }
  - { name: up0, kind: switch-upstream, parent: rp0, link: { gen: 4, lanes: 16 } }
  - { name: dn0, kind: switch-downstream, parent: up0 }
  - { name: dn1, kind: switch-downstream, parent: up0 }
devices:
  - name: nvme0
    class: nvme
    parent: dn0
    bdf: "0000:03:00.0"
    bars: [{ index: 2, start: 0x90000000, size: 64MiB, memmap: p2pdma }]
  - name: nic0
    class: nic
    parent: dn1
    bdf: "0000:04:00.0"
default_block_device: nvme0
`;

/** Calls `use` with a file that holds `text`, and removes it. */
export function withMachineFile<T>(text: string, use: (file: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "dmasim-machine-"));
  try {
    const file = join(directory, "machine.yaml");
    writeFileSync(file, text);
    return use(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The machine that `text` describes. */
export function loadText(text: string): Machine {
  return withMachineFile(text, (file) => loadMachine(file));
}

/** `BASE` with `from` replaced by `to`; `from` must be there. */
export function edit(from: string, to: string): string {
  if (!BASE.includes(from)) throw new Error(`the base machine has no ${from}`);
  return BASE.replace(from, to);
}
