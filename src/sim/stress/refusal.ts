/** Which refusals of a mapping are right: what a device can run out of, and what it can never do. */
import { failureOf, MAP_FAILURES } from "../../host/status.ts";
import type { Area } from "./areas.ts";
import { FindingError } from "./finding.ts";
import type { Live } from "./live.ts";

/** Largest piece that always fits a slot set. */
const BOUNCE_BYTES_MAX = 2 ** 18 - 8192;

/** Throws a finding unless this operation on this device may be refused with `code` of MAP_FAILURES. */
export function expectRefusal({ device, op }: Live, code: number, areas: readonly Area[], what: string): void {
  const bounces = device.pool !== null && (device.domain === null || device.untrusted);
  const allowed =
    (code === MAP_FAILURES.poolFull.code && bounces) ||
    (code === MAP_FAILURES.tooLarge.code && bounces && op.pieces.some(({ bytes }) => bytes > BOUNCE_BYTES_MAX)) ||
    (code === MAP_FAILURES.noPage.code && bounces && op.pieces.some(({ area }) => !areas[area]?.hasPages)) ||
    ((code === MAP_FAILURES.noIova.code || code === MAP_FAILURES.noTable.code) && device.domain !== null);
  if (!allowed) throw new FindingError("refused", `${failureOf(code)?.name ?? code}: ${what}`);
}
