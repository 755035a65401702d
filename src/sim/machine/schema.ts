/** Schema of a machine YAML. What it accepts is resolved by `resolve.ts` and cross-checked by the `check_*` files. */
import { z } from "zod";
import { name, size, whole } from "./scalars.ts";
import { devicesSchema } from "./schema_device.ts";
import { iommuSchema, memorySchema, swiotlbSchema } from "./schema_memory.ts";
import { pcieSchema } from "./schema_pcie.ts";

const ERAS = ["4.1", "6.1", "6.12", "7.x"] as const;

/** YAML reads 6.12 as a number; both forms are the same era. */
const eraSchema = z
  .union([z.string(), z.number()])
  .transform((value, context) => {
    const era = ERAS.find((known) => known === String(value));
    if (era !== undefined) return era;
    const params = { limit: `allowed: ${ERAS.join(", ")}`, remedy: "take the last era not newer than your kernel" };
    context.addIssue({ code: "custom", message: "not a kernel era", params });
    return z.NEVER;
  })
  .meta({ enum: [...ERAS, 4.1, 6.1, 6.12] });

const kernelSchema = z
  .strictObject({
    era: eraSchema.prefault("6.12").describe("Kernel generation whose DMA layer the machine runs"),
    defects: z
      .enum(["shipped", "corrected"])
      .default("shipped")
      .describe("shipped reproduces known defects of that era, corrected does not"),
  })
  .prefault({})
  .describe("The Linux kernel");

const CPU_PART_MAX = 4096;

/** Core families of the measurement vocabulary. */
const UARCHES = [
  "ivy-bridge-ep",
  "haswell-ep",
  "haswell-client",
  "broadwell-ep",
  "skylake-sp",
  "cascade-lake",
  "ice-lake-sp",
  "sapphire-rapids",
  "comet-lake",
  "zen2",
  "zen3",
  "zen4",
  "zen5",
  "kunpeng",
  "neoverse-n1",
  "neoverse-v1",
  "neoverse-v2",
  "cortex-a55",
  "cortex-a7",
] as const;

const dramSchema = z
  .strictObject({
    channels: whole(1, 64).default(6).describe("Memory channels of one socket"),
    mts: whole(100, 20000).default(2666).describe("Transfers per second of a channel in millions, 8 bytes each"),
    pmem_dimms: whole(1, 16).default(6).describe("Persistent memory modules that a region is interleaved over"),
  })
  .prefault({})
  .describe("Memory of one socket, as timing sees it");

const cpusSchema = z
  .strictObject({
    sockets: whole(1, 16).default(1).describe("Sockets"),
    cores_per_socket: whole(1, CPU_PART_MAX).describe("Cores of each socket"),
    threads_per_core: whole(1, 8).default(1).describe("Hardware threads of each core"),
    vendor: z.enum(["intel", "amd", "arm"]).optional().describe("CPU vendor. Default: intel on x86-64, else arm"),
    uarch: z
      .enum(UARCHES)
      .optional()
      .describe("Core and uncore family, from which timing takes its constants. Default by architecture and vendor"),
    llc: size(65536)
      .default(32 * 1024 ** 2)
      .describe("Last-level cache of one socket"),
    family: whole(0, 255)
      .optional()
      .describe("x86 family; AMD 0x17 and later may do peer-to-peer through the host bridge. Default 6, 0x19 or 0"),
  })
  .describe("The CPUs; their number is sockets x cores_per_socket x threads_per_core");

/** A machine YAML, sizes in bytes and durations in ns after parsing; unknown keys are errors. */
export const machineSchema = z
  .strictObject({
    name: name().describe("Name of the machine"),
    title: z.string().min(1).max(200).describe("One line that says what it is"),
    arch: z.enum(["x86-64", "arm64", "arm"]).default("x86-64").describe("CPU architecture"),
    kernel: kernelSchema,
    cpus: cpusSchema,
    dram: dramSchema,
    memory: memorySchema,
    iommu: iommuSchema,
    swiotlb: swiotlbSchema,
    pcie: pcieSchema,
    devices: devicesSchema,
    default_block_device: name()
      .nullable()
      .optional()
      .describe("Device that jobs without a device use. Default: the first device with a block medium"),
    confidential: z.boolean().default(false).describe("Confidential guest: every DMA bounces through decrypted memory"),
    persistence: z
      .strictObject({
        ddio: z.boolean().default(true).describe("Device writes allocate in the last-level cache (DDIO)"),
        eadr: z
          .boolean()
          .default(false)
          .describe("Caches are flushed to persistent memory when the power fails (eADR)"),
      })
      .optional()
      .describe("What is in the persistence domain. Default: DDIO on, no eADR"),
  })
  .describe("A dmasim machine");

/** A machine as written: every default of the schema applied, nothing derived yet. */
export type MachineDocument = z.output<typeof machineSchema>;

/** JSON Schema (draft 2020-12) of a machine YAML, for editors and as reference. */
export function machineJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(machineSchema, { io: "input" }) as Record<string, unknown>;
}
