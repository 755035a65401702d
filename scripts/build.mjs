// Builds dist/: compiles TypeScript, assembles the arena's wasm module, stamps the build id and the hash of the sources.
// The build id is a hash of everything a thread executes; a worker of another build refuses to attach. Everything is
// made in a folder of its own that takes dist's place at the end, so that dist never holds half a build or an old file.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import wabtFactory from "wabt";
import { filesUnder, ROOT, sourceHash } from "./source_hash.mjs";

const dist = join(ROOT, "dist");
const next = join(ROOT, `dist.${process.pid}.next`);
const old = join(ROOT, `dist.${process.pid}.old`);

/** True when the compiler found no error; it writes its output either way. */
function compile() {
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  try {
    execFileSync(process.execPath, [tsc, "-p", ROOT, "--outDir", next], { stdio: "inherit" });
    return true;
  } catch {
    return false;
  }
}

async function assemble() {
  const wabt = await wabtFactory();
  const source = readFileSync(join(ROOT, "src/shm/arena.wat"), "utf8");
  const module = wabt.parseWat("arena.wat", source, { threads: true, bulk_memory: true, mutable_globals: true });
  mkdirSync(join(next, "src/shm"), { recursive: true });
  writeFileSync(join(next, "src/shm/arena.wasm"), module.toBinary({}).buffer);
  module.destroy();
}

/**
 * One file each for the command line, the worker threads and the benchmarks: V8 folds constants and inlines calls inside a module,
 * not across modules (docs/decisions/0008-bundled-entries.md). Packages stay outside.
 */
async function bundle() {
  for (const [input, file] of [
    ["src/cli/main.js", "bundle/dmasim.js"],
    ["workers/engine.js", "bundle/engine.js"],
    ["workers/sweep.js", "bundle/sweep.js"],
    ["bench/main.js", "bundle/bench.js"],
  ]) {
    const build = await rolldown({
      input: join(next, input),
      platform: "node",
      external: (id) => !id.startsWith(".") && !id.startsWith("/"),
    });
    await build.write({ file: join(next, file), format: "esm", codeSplitting: false });
    await build.close();
  }
}

function stampBuildId() {
  const hash = createHash("sha256");
  for (const file of [...filesUnder(join(next, "src"), ".js"), ...filesUnder(join(next, "workers"), ".js")]) {
    hash.update(readFileSync(file));
  }
  hash.update(readFileSync(join(next, "src/shm/arena.wasm")));
  writeFileSync(join(next, "build-id"), hash.digest("hex"));
}

/** A build that ends at the same time may put its dist in between: then that one is replaced. */
function replaceDist(triesLeft = 10) {
  try {
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(next, dist);
  } catch (error) {
    if (triesLeft === 0) throw error;
    rmSync(old, { recursive: true, force: true });
    replaceDist(triesLeft - 1);
  }
  rmSync(old, { recursive: true, force: true });
}

try {
  // Before compiling: sources that change meanwhile make the next build.
  const hash = sourceHash();
  const compiled = compile();
  await assemble();
  await bundle();
  stampBuildId();
  if (compiled) writeFileSync(join(next, "source-hash"), hash);
  else process.exitCode = 1;
  replaceDist();
} finally {
  rmSync(next, { recursive: true, force: true });
}
