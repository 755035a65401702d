/** Every constant of the timing model in one table. */
import type { ConstantTable } from "./constant.ts";
import { FABRIC_CONSTANTS } from "./fabric.ts";
import { HOST_COST_CONSTANTS } from "./host_cost.ts";
import { IOMMU_NET_CONSTANTS } from "./iommu_net.ts";
import { MEMORY_CONSTANTS } from "./memory.ts";

/** All tables, as predictions read them. */
export function allConstants(): ConstantTable {
  return { ...FABRIC_CONSTANTS, ...HOST_COST_CONSTANTS, ...IOMMU_NET_CONSTANTS, ...MEMORY_CONSTANTS };
}
