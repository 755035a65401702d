/** Machine YAML: the PCIe tree above the devices. */
import { z } from "zod";
import { PAGE_BYTES } from "../../base/addr.ts";
import { address, name, pciId, size, whole } from "./scalars.ts";
import { NODE_MAX } from "./schema_memory.ts";

const PAYLOAD_BYTES = [128, 256, 512, 1024, 2048, 4096] as const;

/** A link as trained; sizes are bytes. */
export const linkSchema = z.strictObject({
  gen: z.literal([1, 2, 3, 4, 5, 6]).describe("PCIe generation"),
  lanes: z.literal([1, 2, 4, 8, 16]).describe("Lanes"),
  mps: z.literal(PAYLOAD_BYTES).default(256).describe("Max_Payload_Size, bytes"),
  mrrs: z.literal(PAYLOAD_BYTES).default(512).describe("Max_Read_Request_Size, bytes"),
  rcb: z.literal([64, 128]).default(64).describe("Read completion boundary, bytes"),
  ext_tags: z
    .boolean()
    .nullable()
    .default(null)
    .describe("Extended tags: false = 32 reads outstanding, true = 256, null = what the generation usually has"),
});

const windowSchema = z.strictObject({
  start: address().describe("First CPU address of the window, page aligned"),
  size: size(PAGE_BYTES).describe("Size, a multiple of 4 KiB"),
});

const bridgeSchema = z.strictObject({
  name: name().describe("Name of the root complex or port"),
  kind: z
    .enum(["root-complex", "root-port", "switch-upstream", "switch-downstream"])
    .describe("Root complexes hold root ports; a switch is one upstream port with downstream ports below it"),
  parent: name().optional().describe("Port or root complex above this one; root complexes have none"),
  node: whole(0, NODE_MAX).optional().describe("NUMA node. Default: the parent's, 0 at the root"),
  acs: z
    .array(z.enum(["request-redirect", "completion-redirect", "egress-control", "direct-translated"]))
    .optional()
    .describe(
      "Access control services that are on. Default: both redirects on root ports and downstream ports of a machine with " +
        "an IOMMU (Linux turns them on at boot), else none; [] = what pci=disable_acs_redir leaves",
    ),
  id: pciId()
    .nullable()
    .default(null)
    .describe("vendor:device of the host bridge, which the peer-to-peer allow list looks for, e.g. 8086:09a2"),
  bus_offset: z
    .int()
    .default(0)
    .describe("Bus address minus CPU address of the windows below this root complex; a multiple of 4 KiB"),
  iommu_unit: name()
    .nullable()
    .optional()
    .describe("IOMMU unit that translates for this root complex; null = none. Default: the machine's only unit"),
  link: linkSchema.optional().describe("Link of the port. Default: that of the device or switch at its other end"),
  windows: z
    .array(windowSchema)
    .default([])
    .describe(
      "CPU address ranges that the root complex decodes (PCI Bus lines of /proc/iomem); BARs below it lie in them, IOVAs " +
        "avoid them. Of a port: what its memory windows forward; none = everything that the port above it does",
    ),
});

/** The machine's `pcie` key; parents are resolved later (check_tree.ts). */
export const pcieSchema = z
  .array(bridgeSchema)
  .max(256)
  .default([])
  .describe("Root complexes, root ports and switch ports, in any order");

/** A link after the schema. */
export type LinkDocument = z.output<typeof linkSchema>;
/** A port or root complex after the schema. */
export type BridgeDocument = z.output<typeof bridgeSchema>;
