/** Building blocks of the profile schema; every one exports as plain JSON Schema. */
import { z } from "zod";

/** What stands behind every size, duration and pair in descriptions. */
const SIZE_FORM = "bytes, or text such as 4k, 64KiB, 1.5GiB (k and KiB are 1024, KB is 1000)";

const scalar = z.union([z.number().min(0), z.string().min(1)]);

/** A size: bytes or text with a unit. */
export function sizeKey(meaning: string) {
  return scalar.optional().describe(`${meaning}: ${SIZE_FORM}`);
}

/** A size or a percentage. */
export function sizeOrPercentKey(meaning: string) {
  return scalar.optional().describe(`${meaning}: ${SIZE_FORM}, or a percentage such as 20%`);
}

/** A duration; `bare` is the unit of a plain number, the same as fio's. */
export function timeKey(meaning: string, bare: "seconds" | "microseconds") {
  return scalar.optional().describe(`${meaning}: a number of ${bare}, or text such as 10s, 500ms, 20us`);
}

/** One value for both directions, or one for each. */
export function pairKey(meaning: string) {
  const pair = z.strictObject({
    read: scalar.optional().describe("for reads"),
    write: scalar.optional().describe("for writes"),
  });
  return z
    .union([z.number().min(0), z.string().min(1), pair])
    .optional()
    .describe(`${meaning}; one value, "read,write", or {read: …, write: …}`);
}

/** An optional whole number, both ends inclusive. */
export function countKey(meaning: string, min: number, max: number) {
  return z.int().min(min).max(max).optional().describe(meaning);
}

/** An optional boolean. */
export function flagKey(meaning: string) {
  return z.boolean().optional().describe(meaning);
}

/** An optional text, not empty. */
export function textKey(meaning: string) {
  return z.string().min(1).optional().describe(meaning);
}
