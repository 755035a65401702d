/** What must be known of a socket's memory to predict it: counts, never names of sources. */
import type { Constants } from "../calibration/constant.ts";
import { GENERAL_UARCH } from "../calibration/memory_uarch.ts";

/** Series of the modules. */
export type PmemMedia = "optane_100" | "optane_200";

/** One socket's cores and memory. */
export interface SocketShape {
  /** Named machine whose own constants come before those of its family; empty when there is none. */
  readonly platform: string;
  /** CPU family of the vocabulary, e.g. `cascade-lake`; unknown ones take the general family's constants. */
  readonly uarch: string;
  readonly coresPerSocket: number;
  readonly sockets: number;
  readonly dramChannels: number;
  readonly dramMts: number;
  readonly prefetch: boolean;
  readonly pmemMedia: PmemMedia;
  /** Modules that the region is interleaved over, 4 KiB each. */
  readonly pmemDimms: number;
}

/** What a description may leave out. */
export interface SocketShapeInput extends Partial<SocketShape> {
  /** Theoretical rate of the socket, bytes/s; used where channels or MT/s are missing. */
  readonly dramPeakBytesPerS?: number;
}

/** Fills a shape from the family and platform; pmem defaults to one module, so that a region is not interleaved. */
export function socketShape(constants: Constants, input: SocketShapeInput): SocketShape {
  const uarch = knownUarch(constants, input.uarch);
  const platform = input.platform ?? "";
  const dramMts = input.dramMts ?? familyValue(constants, platform, uarch, "dram.mts");
  const peakChannels =
    input.dramPeakBytesPerS === undefined
      ? undefined
      : input.dramPeakBytesPerS / (dramMts * 1e6 * constants.get("dram.bus_bytes"));
  return {
    platform,
    uarch,
    coresPerSocket: input.coresPerSocket ?? constants.get("core.best_threads"),
    sockets: input.sockets ?? 2,
    dramChannels: input.dramChannels ?? peakChannels ?? familyValue(constants, platform, uarch, "dram.channels"),
    dramMts,
    prefetch: input.prefetch ?? true,
    pmemMedia: input.pmemMedia ?? "optane_100",
    pmemDimms: input.pmemDimms ?? 1,
  };
}

/** The family itself when it has constants, else the general one. */
function knownUarch(constants: Constants, uarch: string | undefined): string {
  return uarch !== undefined && constants.has(`${uarch}.core.lines`) ? uarch : GENERAL_UARCH;
}

function familyValue(constants: Constants, platform: string, uarch: string, name: string): number {
  return constants.first(`${platform}.${name}`, `${uarch}.${name}`);
}
