/** All adapters that need nothing above the simulator; trace adds its own. */
import { DEBUG_OPS } from "./ops_debug.ts";
import { DIRECT_OPS } from "./ops_direct.ts";
import { IOMMU_OPS } from "./ops_iommu.ts";
import { IOVA_OPS } from "./ops_iova.ts";
import { IOVA_LINK_OPS } from "./ops_iova_link.ts";
import { LEGACY_OPS } from "./ops_legacy.ts";
import { P2P_OPS } from "./ops_p2p.ts";
import { PAGELESS_OPS } from "./ops_pageless.ts";
import { SCATTERLIST_OPS } from "./ops_scatterlist.ts";
import { SWIOTLB_OPS } from "./ops_swiotlb.ts";
import { TOOL_OPS } from "./ops_tools.ts";
import { ZONE_DEVICE_OPS } from "./ops_zone_device.ts";
import type { OpTable } from "./runner.ts";

/** Adapters by `op`. */
export const SIM_OPS: OpTable = {
  ...SCATTERLIST_OPS,
  ...SWIOTLB_OPS,
  ...IOVA_OPS,
  ...IOVA_LINK_OPS,
  ...IOMMU_OPS,
  ...DIRECT_OPS,
  ...P2P_OPS,
  ...ZONE_DEVICE_OPS,
  ...TOOL_OPS,
  ...DEBUG_OPS,
  ...LEGACY_OPS,
  ...PAGELESS_OPS,
};
