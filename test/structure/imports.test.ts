import { describe, expect, it } from "vitest";
import { at, expectNone, type Import, importsOf, type SourceFile, sourceFiles } from "./source.js";

const BELOW_HOST = ["pagetable", "pcie", "memory", "shm", "base"];
const BELOW_REPORT = ["sim", "host", "device", "timing", ...BELOW_HOST];

/** Planes that each plane may import, besides itself (DESIGN section 2). */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: [],
  shm: ["base"],
  memory: ["shm", "base"],
  pcie: ["memory", "shm", "base"],
  pagetable: ["memory", "shm", "base"],
  host: BELOW_HOST,
  device: BELOW_HOST,
  timing: BELOW_HOST,
  sim: ["host", "device", "timing", ...BELOW_HOST],
  trace: BELOW_REPORT,
  report: BELOW_REPORT,
  cli: ["report", "trace", ...BELOW_REPORT],
  index: ["report", "trace", ...BELOW_REPORT],
  workers: ["sim", "host", "device", ...BELOW_HOST],
};

/** The only files that may import these packages. */
const PACKAGE_USERS: Readonly<Record<string, RegExp>> = {
  piscina: /^src\/host\/workers\.ts$|^src\/\w+\/(\w+\/)?sweep\w*\.ts$/,
  commander: /^src\/cli\//,
  tinybench: /^bench\//,
};

const files = sourceFiles("src", "workers");
const byPath = new Map(files.map((file) => [file.path, file]));

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function planeOfTarget(each: Import): string | undefined {
  return each.target === null ? undefined : byPath.get(each.target)?.plane;
}

/** One line for each cycle, as the path around it. */
function cycles(): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: SourceFile, trail: readonly string[]): void => {
    if (trail.includes(file.path)) {
      found.push([...trail.slice(trail.indexOf(file.path)), file.path].join(" -> "));
      return;
    }
    if (done.has(file.path)) return;
    for (const each of importsOf(file)) {
      const next = each.target === null ? undefined : byPath.get(each.target);
      if (next !== undefined) visit(next, [...trail, file.path]);
    }
    done.add(file.path);
  };
  for (const file of files) visit(file, []);
  return found;
}

describe("imports", () => {
  it("the files are found", () => {
    expect(files.length).toBeGreaterThan(50);
    expect(importsOf(byPath.get("src/memory/copy.ts") as SourceFile).length).toBeGreaterThan(2);
  });

  it("every plane has its place in the table", () => {
    const unknown = files.filter((file) => ALLOWED[file.plane] === undefined).map((file) => at(file, 1, file.plane));
    expectNone(unknown, "a plane that the table of imports does not know");
  });

  it("go to the right: cli -> report, trace -> sim -> host, device, timing -> pagetable, pcie -> memory -> shm -> base", () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((each) => {
          const plane = planeOfTarget(each);
          return plane !== undefined && plane !== file.plane && !ALLOWED[file.plane]?.includes(plane);
        })
        .map((each) => at(file, each.line, `${file.plane} may not import ${each.specifier}`)),
    );
    expectNone(wrong, "imports against the layers");
  });

  it("name files that exist, with their ending", () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((each) => each.target !== null && !byPath.has(each.target))
        .map((each) => at(file, each.line)),
    );
    expectNone(wrong, "imports of files that do not exist");
  });

  it("form no cycle, type-only imports included", () => {
    expectNone(cycles(), "import cycles");
  });

  it("bring packages in where they belong", () => {
    const wrong = [...files, ...sourceFiles("bench")].flatMap((file) =>
      importsOf(file)
        .filter((each) => PACKAGE_USERS[packageOf(each.specifier)]?.test(file.path) === false)
        .map((each) => at(file, each.line)),
    );
    expectNone(wrong, "packages that only some files may import");
  });

  it("pass no name on: src/index.ts is the only barrel", () => {
    const wrong = files
      .filter((file) => file.path !== "src/index.ts")
      .flatMap((file) =>
        file.code.flatMap((code, i) => (/^export (type )?[{*].*\bfrom\b/.test(code) ? [at(file, i + 1)] : [])),
      );
    expectNone(wrong, "re-exports outside src/index.ts");
  });
});
