// Makes the package ready to run: Node's version, the installed packages, the build. One line for each step that had
// something to do; silent and fast when nothing had. `npm run demo`, `npm test` and `npm run bench` begin with it.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isBuilt, ROOT } from "./source_hash.mjs";

const NODE_MAJOR_MIN = 20;

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(2);
}

function checkNode() {
  if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN) return;
  fail(
    `dmasim needs Node ${NODE_MAJOR_MIN} or newer, this is ${process.version}\n  remedy: install it from nodejs.org`,
  );
}

/** npm writes node_modules/.package-lock.json at the end of an install. */
function isInstalled() {
  const installed = join(ROOT, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return false;
  return statSync(installed).mtimeMs >= statSync(join(ROOT, "package-lock.json")).mtimeMs;
}

/**
 * No dependency needs an install script, and this package's own one only builds, which is the next step. `npm ci`
 * refuses when the lock file was written against a registry that lacks packages of other platforms; `npm install`
 * takes the same locked versions then.
 */
function install() {
  const started = performance.now();
  say("installing packages (npm ci)");
  if (npm("quiet", "ci")) return say(`installed in ${seconds(started)}`);
  say("npm ci refused, trying npm install");
  if (!npm("shown", "install", "--no-save")) fail("the packages could not be installed: see npm's message above");
  say(`installed in ${seconds(started)}`);
}

/** True when npm succeeded; `output` says whether its messages are shown. */
function npm(output, ...command) {
  const args = [...command, "--ignore-scripts", "--no-audit", "--no-fund"];
  const script = process.env.npm_execpath;
  const [file, ...first] = script?.endsWith("js") ? [process.execPath, script] : ["npm"];
  const shown = output === "shown" ? 2 : "ignore";
  const shell = file === "npm" && process.platform === "win32";
  return spawnSync(file, [...first, ...args], { cwd: ROOT, stdio: ["ignore", shown, shown], shell }).status === 0;
}

/** Builds unless dist/ is of these sources; true when it built. Exits with the compiler's message when it cannot. */
export function buildIfStale() {
  if (isBuilt()) return false;
  const started = performance.now();
  say("building (tsc)");
  const { status } = spawnSync(process.execPath, [join(ROOT, "scripts/build.mjs")], {
    cwd: ROOT,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) fail("the build failed: see above");
  say(`built in ${seconds(started)}`);
  return true;
}

function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

/** Everything that has to be there before the built code runs. */
export function setup() {
  checkNode();
  if (!isInstalled()) install();
  buildIfStale();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) setup();
