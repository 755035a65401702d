/**
 * Errors of a PCIe port as Advanced Error Reporting counts them (PCI Express Base Specification 6.0, section 7.8.4): the
 * bit in the uncorrectable or correctable status register, and the word that Linux prints for it.
 */

/** One error. */
export interface AerError {
  readonly bit: number;
  readonly severity: "uncorrectable" | "correctable";
  /** Linux's word (aer_uncorrectable_error_string, aer_correctable_error_string). */
  readonly word: string;
}

/** The errors that a simulated link can have. */
export const AER = Object.freeze({
  surpriseDown: { bit: 5, severity: "uncorrectable", word: "SDES" },
  poisonedTlp: { bit: 12, severity: "uncorrectable", word: "TLP" },
  completionTimeout: { bit: 14, severity: "uncorrectable", word: "CmpltTO" },
  badTlp: { bit: 6, severity: "correctable", word: "BadTLP" },
  replayRollover: { bit: 8, severity: "correctable", word: "Rollover" },
} satisfies Record<string, AerError>);

const CORRECTABLE_BASE = 32;

/** Counters of one port, as Linux keeps them (aer_dev_correctable and its siblings). Recording allocates nothing. */
export class AerLog {
  readonly #counts = new Int32Array(2 * CORRECTABLE_BASE);

  record(error: AerError, times = 1): void {
    const at = indexOf(error);
    this.#counts[at] = (this.#counts[at] as number) + times;
  }

  count(error: AerError): number {
    return this.#counts[indexOf(error)] as number;
  }
}

function indexOf({ bit, severity }: AerError): number {
  return severity === "correctable" ? CORRECTABLE_BASE + bit : bit;
}
