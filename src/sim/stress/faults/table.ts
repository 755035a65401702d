/**
 * The faults that a stress run injects, each with the outcomes that it may have; declared here, before anything is injected.
 *
 * `detected`: something reported it. `harmless`: nothing wrong came of it, or the exposure is one that the configuration
 * is documented to have. Any other outcome is unexplained, which is a finding.
 */
import { DRIVER_FAULTS } from "./driver_faults.ts";
import type { Fault } from "./fault.ts";
import { HARDWARE_FAULTS } from "./hardware_faults.ts";

/** Names of the faults. */
export type FaultName = keyof typeof DRIVER_FAULTS | keyof typeof HARDWARE_FAULTS;

/** All faults by name. */
export const FAULTS: Readonly<Record<FaultName, Fault>> = Object.freeze({ ...DRIVER_FAULTS, ...HARDWARE_FAULTS });

/** All names, in the order of the table. */
export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];
