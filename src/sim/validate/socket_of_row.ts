/** The socket that a row describes, for models of CPU traffic. */
import type { Constants } from "../../timing/calibration/constant.ts";
import {
  type PmemMedia,
  type SocketShape,
  type SocketShapeInput,
  socketShape,
} from "../../timing/memory/socket_shape.ts";
import { type RowKeys, rowNumber, rowText } from "./row.ts";

/** Relatives of machines whose row states no family. */
const RELATIVES: Readonly<Record<string, string>> = {
  arm64: "neoverse-n1",
  arm: "cortex-a7",
};

/** Shape of the row's socket; missing parts come from its platform, its family, or the nearest relative. */
export function socketOfRow(system: RowKeys, constants: Constants): SocketShape {
  const media: PmemMedia = rowText(system, "pmem_media", "optane_100") === "optane_200" ? "optane_200" : "optane_100";
  const input: SocketShapeInput = {
    platform: rowText(system, "platform", "unstated"),
    uarch: rowText(system, "uarch", relative(system, media)),
    prefetch: system.prefetch !== false,
    pmemMedia: media,
    ...count(system, "cores_per_socket", "coresPerSocket"),
    ...count(system, "sockets", "sockets"),
    ...count(system, "dram_channels", "dramChannels"),
    ...count(system, "dram_mts", "dramMts"),
    ...count(system, "dram_peak_bytes_per_s", "dramPeakBytesPerS"),
    ...count(system, "pmem_dimms", "pmemDimms"),
  };
  return socketShape(constants, withPopulation(input, system));
}

/** Servers of the second Optane series are Ice Lake, those of the first Cascade Lake. */
function relative(system: RowKeys, media: PmemMedia): string {
  if (media === "optane_200") return "ice-lake-sp";
  return RELATIVES[rowText(system, "arch", "x86_64")] ?? "cascade-lake";
}

function count(system: RowKeys, key: string, field: keyof SocketShapeInput): SocketShapeInput {
  const value = rowNumber(system, key, 0);
  return value > 0 ? { [field]: value } : {};
}

/** Fewer DIMMs than the family's channels leave channels empty. */
function withPopulation(input: SocketShapeInput, system: RowKeys): SocketShapeInput {
  const dimms = rowNumber(system, "dram_dimms", 0);
  if (dimms === 0 || input.dramChannels !== undefined || dimms > 6) return input;
  return { ...input, dramChannels: dimms };
}
