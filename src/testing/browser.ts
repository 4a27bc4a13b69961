import {existsSync, realpathSync} from "node:fs";
import {delimiter, dirname, join} from "node:path";
import {chromium, type Browser, type LaunchOptions} from "playwright-core";

const commands = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const applications = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe"
];

/** Headless, with WebGPU on a software adapter where there is no other, and silent on the network. */
const flags = [
  "--headless=new",
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic"
];

/** The Chromium or Chrome of this machine, or null. The environment variable `CHROMIUM` may name another. */
export function findBrowser(): string | null {
  if (process.env.CHROMIUM) return existsSync(process.env.CHROMIUM) ? process.env.CHROMIUM : null;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const candidates = commands.flatMap((command) => folders.map((folder) => join(folder, command)));
  return [...candidates, ...applications].find((path) => existsSync(path)) ?? null;
}

/** Folders where the browser's own files may be: a command on the path is often a link or a script elsewhere. */
export function browserFolders(): string[] {
  const browser = findBrowser();
  const folders = ["/usr/lib/chromium", "/opt/google/chrome", "/snap/chromium/current/usr/lib/chromium-browser"];
  return browser ? [dirname(realpathSync(browser)), ...folders] : folders;
}

/**
 * The environment variable `CHROMIUM_FLAGS` replaces the flags above, for a GPU that needs others. The browser then has
 * a window, unless one of them says otherwise.
 * @throws {Error} when this machine has no browser.
 */
export async function launchBrowser(options: LaunchOptions = {}): Promise<Browser> {
  const executablePath = findBrowser();
  if (!executablePath) throw new Error("no Chromium or Chrome found; npm run setup installs one");
  const args = process.env.CHROMIUM_FLAGS?.split(" ").filter(Boolean);
  if (!args) return chromium.launch({...options, executablePath, args: flags});
  // Playwright's own flag would allow a CPU to stand in for the GPU.
  const ignoreDefaultArgs = ["--enable-unsafe-swiftshader"];
  return chromium.launch({...options, executablePath, args, headless: false, ignoreDefaultArgs});
}
