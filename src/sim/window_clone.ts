/** Joins a clone whose buffers lie in private device memory to the windows that show it. */
import type { HostContext } from "../host/context.ts";
import type { DmaDevice } from "../host/dma/device.ts";
import type { WindowSet } from "../host/p2p/window_set.ts";
import type { DriverDma } from "./driver_dma.ts";
import type { CloneSpec } from "./load/clones.ts";
import type { System } from "./system.ts";
import { WindowIo } from "./window_io.ts";
import { windowClientOf } from "./window_sets.ts";

/** Importer of one clone; null when its buffers lie in other memory. */
export function windowIoOf(
  system: System,
  ctx: HostContext,
  dma: DriverDma,
  spec: CloneSpec,
  tags: number,
): WindowIo | null {
  const roam = spec.buffers?.roam ?? null;
  if (roam === null) return null;
  const set = system.windowSets[roam.set] as WindowSet;
  const client = windowClientOf(set, system.devices[spec.device] as DmaDevice, system.peerRegions, system.peers);
  const importer = system.machine.devices[set.device]?.memory?.importer ?? "resolve";
  return new WindowIo(ctx, dma, set, client, roam, importer, tags);
}
