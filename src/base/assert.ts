/**
 * Assertions for a broken simulator (DESIGN: four error channels).
 *
 * A failed assertion is a defect of dmasim, never of its user; the CLI turns it into exit code 1.
 */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws when `condition` is false. The message states the invariant that does not hold. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new AssertionError(`invariant broken: ${invariant}`);
}

/** Narrows away `undefined`, which only a broken simulator can produce at the call site. */
export function defined<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new AssertionError(`invariant broken: ${name} is defined`);
  return value;
}
