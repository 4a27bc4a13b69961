import {execFileSync} from "node:child_process";
import {existsSync, readFileSync} from "node:fs";
import {findMissingTools, type MissingTool} from "../testing/tools.js";

/** Installs what the tests need beyond npm's packages: a browser, and Mesa's software Vulkan driver on Linux. */
const mesaNeeded = 25; // Dawn refuses older ones, or finds no shader-f16 in them.

let missing = await findMissingTools();
if (missing.length > 0 && canInstall()) {
  install(missing);
  missing = await findMissingTools();
}
if (missing.length > 0) {
  console.error("Still missing for the tests:");
  for (const {message} of missing) console.error(`  ${message}`);
  console.error(advice());
  process.exit(1);
}
console.log("Everything the tests need is installed.");

/** Whether this is Debian, Ubuntu or one derived from them. */
function canInstall(): boolean {
  return process.platform === "linux" && existsSync("/usr/bin/apt-get");
}

function install(tools: MissingTool[]): void {
  const {ID: system} = release();
  aptGet("update");
  if (tools.some(({name}) => name === "browser")) {
    aptGet(
      "install",
      "--no-install-recommends",
      system === "ubuntu" ? "chromium-browser" : "chromium",
      "fonts-dejavu-core"
    );
  }
  if (tools.some(({name}) => name === "Vulkan driver")) installMesa();
}

/** From the distribution, or from Debian's backports where the distribution's is too old. */
function installMesa(): void {
  if (candidate("mesa-vulkan-drivers") >= mesaNeeded || release().ID !== "debian") {
    aptGet("install", "--no-install-recommends", "mesa-vulkan-drivers");
    return;
  }
  const suite = `${release().VERSION_CODENAME}-backports`;
  if (!sources().some((source) => source.release === suite)) addSuite(suite);
  aptGet("install", "--no-install-recommends", "-t", suite, "mesa-vulkan-drivers");
}

/** Major version that apt would install, or 0. */
function candidate(name: string): number {
  const policy = execFileSync("apt-cache", ["policy", name], {encoding: "utf8", env: {...process.env, LC_ALL: "C"}});
  return Number(/^ *Candidate: (?:\d+:)?(\d+)/m.exec(policy)?.[1] ?? 0);
}

/** Adds a suite of this Debian, from where its other packages come. */
function addSuite(suite: string): void {
  const {VERSION_CODENAME: codename} = release();
  const main = sources().find((source) => source.component === "main" && source.codename === codename);
  if (!main) throw new Error(`apt has no source for Debian ${codename}; add one, or the suite ${suite} itself`);
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  const lines = ["Types: deb", `URIs: ${main.uri}`, `Suites: ${suite}`, "Components: main"];
  if (existsSync(keyring)) lines.push(`Signed-By: ${keyring}`);
  const file = `/etc/apt/sources.list.d/${suite}.sources`;
  console.log(`Adding ${file}`);
  asRoot(["tee", file], `${lines.join("\n")}\n`);
  aptGet("update");
}

interface Source {
  uri: string;
  release: string;
  codename: string;
  component: string;
}

/** The sources apt is configured with. */
function sources(): Source[] {
  const format = "$(REPO_URI) $(RELEASE) $(CODENAME) $(COMPONENT)";
  const targets = execFileSync("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], {
    encoding: "utf8"
  });
  return targets.split("\n").map((line) => {
    const [uri, release, codename, component] = line.split(" ");
    return {uri, release, codename, component};
  });
}

function aptGet(command: string, ...args: string[]): void {
  asRoot(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q", command, ...args]);
}

/** @throws {Error} naming the command, when it fails or neither root nor sudo is at hand. */
function asRoot(command: string[], input?: string): void {
  const sudo = process.getuid?.() === 0 ? [] : ["sudo"];
  const [file, ...args] = [...sudo, ...command];
  try {
    execFileSync(file, args, {input, stdio: [input === undefined ? "inherit" : "pipe", "inherit", "inherit"]});
  } catch (error) {
    throw new Error(`failed: ${[file, ...args].join(" ")}\nRun it as root, then npm run setup again.`, {cause: error});
  }
}

function release(): Record<string, string> {
  const lines = readFileSync("/etc/os-release", "utf8").matchAll(/^(\w+)="?([^"\n]*)"?$/gm);
  return Object.fromEntries(Array.from(lines, ([, key, value]) => [key, value]));
}

function advice(): string {
  if (missing.every(({name}) => name === "Dawn")) return "Dawn comes with npm ci.";
  if (process.platform !== "linux") return "Install Google Chrome, or name a Chromium in CHROMIUM, and try again.";
  return "Install Chromium or Google Chrome (or name one in CHROMIUM) and Mesa's Vulkan drivers, 25 or newer, and try again.";
}
