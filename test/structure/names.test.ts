import { describe, it } from "vitest";
import { expectNone, linesMatching, sourceFiles } from "./source.js";

const files = sourceFiles("src", "workers");

/** Code lines that match, outside the files that may. */
function uses(pattern: RegExp, allowed: RegExp): string[] {
  return files.filter((file) => !allowed.test(file.path)).flatMap((file) => linesMatching(file, pattern));
}

/** Values that code can change; a read-only type in the declaration, or Object.freeze, makes the rest immutable for the compiler. */
const MUTABLE_VALUE =
  /^(export )?const \w+(: (?!readonly |Readonly)[^=]*)? = (new (Map|Set|WeakMap|WeakSet|Array|\w+Array|\w*Record|\w*Buffer)\b|\[\])/;

describe("names with one home", () => {
  it("Atomics and WebAssembly.Instance: only shm/atomics.ts", () => {
    expectNone(
      uses(/\bAtomics\b|\bWebAssembly\.Instance\b/, /^src\/shm\/atomics\.ts$/),
      "atomics go through shm/atomics.ts",
    );
  });

  it("printing: only cli/", () => {
    expectNone(uses(/\bconsole\.|\bprocess\.(stdout|stderr)\b/, /^src\/cli\//), "only cli/ prints");
  });

  it("no module-level variable", () => {
    expectNone(uses(/^(export )?(let|var)\b/, /^$/), "module-level let or var");
  });

  it("no module-level mutable container", () => {
    expectNone(uses(MUTABLE_VALUE, /^$/), "module-level containers without a read-only type");
  });
});
