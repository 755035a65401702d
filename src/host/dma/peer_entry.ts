/**
 * Peer memory in the mapping paths (pci_p2pdma_map_segment): the fate of one physical range for one client.
 */
import type { Phys } from "../../base/addr.ts";
import { type HostContext, PEER_ROUTE } from "../context.ts";
import { MAP_FAILURES } from "../status.ts";
import type { DmaDevice } from "./device.ts";

/** What {@link peerRoute} returns for ordinary memory. */
export const NOT_PEER = -1;

/** PEER_ROUTE of the device to the memory at `phys`; NOT_PEER for ordinary memory. Kernel 4.1 knows no peers. */
export function peerRoute(ctx: HostContext, device: DmaDevice, phys: Phys): number {
  const region = ctx.peers.regionAt(phys);
  if (region < 0 || ctx.era === "4.1") return NOT_PEER;
  return ctx.peers.route(region, device.index);
}

/** PCI bus address of peer memory: what a device below the same switch puts on the bus. */
export function peerBusAddress(ctx: HostContext, phys: Phys): number {
  return phys + ctx.peers.busOffset(ctx.peers.regionAt(phys));
}

/**
 * Address arithmetic of drivers that map physical ranges themselves (block layer of 7.x): the bus address when the device
 * must use it (then there is nothing to map or unmap); 0 = map in the usual way; -(peerUnsupported).
 */
export function busAddressFor(ctx: HostContext, device: DmaDevice, phys: Phys): number {
  const route = peerRoute(ctx, device, phys);
  if (route === PEER_ROUTE.busAddr) return peerBusAddress(ctx, phys);
  return route === PEER_ROUTE.notSupported ? -MAP_FAILURES.peerUnsupported.code : 0;
}
