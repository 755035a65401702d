import { describe, expect, it } from "vitest";
import { at, type SourceFile, sourceFiles } from "./source.js";

/** Exports without a docstring. Lower it when you add docstrings; it never rises. */
const UNDOCUMENTED_MAX = 0;

const EXPORT = /^export (default )?(async |abstract |declare )*(function|class|interface|const|type)\b/;

/** `path:line: text` of every export that no docstring precedes. */
function undocumented(file: SourceFile): string[] {
  return file.code.flatMap((code, index) => {
    const before = (file.lines[index - 1] ?? "").trimEnd();
    return EXPORT.test(code) && !before.endsWith("*/") ? [at(file, index + 1)] : [];
  });
}

describe("docstrings", () => {
  it(`at most ${UNDOCUMENTED_MAX} exports have none`, () => {
    const found = sourceFiles("src", "workers").flatMap(undocumented);
    if (found.length > UNDOCUMENTED_MAX) {
      expect.fail(
        `${found.length} exports without a docstring, ${UNDOCUMENTED_MAX} allowed\n${found.map((each) => `  ${each}`).join("\n")}`,
      );
    }
  });
});
