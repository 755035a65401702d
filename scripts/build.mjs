// Builds dist/: compiles TypeScript, assembles the arena's wasm module, stamps the build id.
// The build id is a hash of everything a thread executes; a worker of another build refuses to attach.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import wabtFactory from "wabt";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");

function filesUnder(dir, suffix) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

async function assemble() {
  const wabt = await wabtFactory();
  const source = readFileSync(join(root, "src/shm/arena.wat"), "utf8");
  const module = wabt.parseWat("arena.wat", source, { threads: true, bulk_memory: true, mutable_globals: true });
  mkdirSync(join(dist, "src/shm"), { recursive: true });
  writeFileSync(join(dist, "src/shm/arena.wasm"), module.toBinary({}).buffer);
  module.destroy();
}

function stampBuildId() {
  const hash = createHash("sha256");
  const files = [...filesUnder(join(dist, "src"), ".js"), ...filesUnder(join(dist, "workers"), ".js")];
  for (const file of [...files, join(dist, "src/shm/arena.wasm")]) hash.update(readFileSync(file));
  writeFileSync(join(dist, "build-id"), hash.digest("hex"));
}

if (process.argv.includes("--clean")) rmSync(dist, { recursive: true, force: true });
let failed = false;
try {
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", root], { stdio: "inherit" });
} catch {
  failed = true;
}
await assemble();
stampBuildId();
if (failed) process.exit(1);
