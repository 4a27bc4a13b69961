import {readdirSync, readFileSync} from "node:fs";
import {expect, inject, test} from "vitest";
import {listExperiments} from "./components/lab/experiments.js";
import {readKernels} from "./data/read-kernels.js";
import {useBrowser} from "./testing/site.js";

const openPage = useBrowser();
const origin = inject("siteOrigin");
const pages = readdirSync("dist", {recursive: true, encoding: "utf8"})
  .filter((file) => file.endsWith(".html"))
  .map((file) => `/${file.replaceAll("\\", "/").replace(/(^|\/)index\.html$|\.html$/, "$1")}`)
  .sort();

test("the site has pages", () => {
  expect(pages).toContain("/");
  expect(pages).toContain("/bench");
  expect(pages).toContain("/dispatch-cost");
  expect(pages).toContain("/fused");
  expect(pages).toContain("/geometry");
  expect(pages).toContain("/int4");
  expect(pages).toContain("/limits");
  expect(pages).toContain("/method");
  expect(pages).toContain("/provenance");
  expect(pages).toContain("/staged");
  expect(pages).toContain("/tiling");
  expect(pages).toContain("/toy");
  expect(pages).toContain("/why");
});

test.each(pages)("%s is tested in the file beside it", (path) => {
  const file = `src${path === "/" ? "/index" : path}.site.test.ts`;
  expect(readFileSync(file, "utf8")).toContain(`testPage("${path}", `);
});

test("every experiment is on a page", () => {
  for (const {id, page} of listExperiments({kernels: readKernels()})) expect(pages, id).toContain(page);
});

test("a recorded row links the file that it is from, which is that of the folder results", async () => {
  const {page} = await openPage("/geometry");
  const link = page.locator('[data-experiment=workgroups] a[href$="results/h200-workgroups.json"]').first();
  await link.waitFor({state: "attached"});
  const file = await page.request.get(await link.evaluate((anchor: HTMLAnchorElement) => anchor.href));
  expect(await file.json()).toEqual(JSON.parse(readFileSync("results/h200-workgroups.json", "utf8")));
});

/** What was found at paths of the site, each of which is asked for once. */
const visits = new Map<string, ReturnType<typeof visit>>();

test.each(pages)("%s links to nothing that is not there", async (path) => {
  const {links} = await look(path);
  expect(links.length).toBeGreaterThan(0);
  for (const target of new Set(links.map(({pathname}) => pathname))) {
    const {status, ids} = await look(target);
    expect(status, target).toBeLessThan(400);
    const hashes = links.filter(({pathname, hash}) => pathname === target && hash).map(({hash}) => hash.slice(1));
    for (const hash of hashes) expect(ids, target).toContain(decodeURIComponent(hash));
  }
});

function look(path: string): ReturnType<typeof visit> {
  const visited = visits.get(path) ?? visit(path);
  visits.set(path, visited);
  return visited;
}

/** The status of an answer; of a page also the links within the site, and the places that a link may name. */
async function visit(path: string): Promise<{status: number; links: URL[]; ids: Set<string>}> {
  const url = new URL(path, origin).href;
  if (!pages.includes(path)) return {status: (await fetch(url)).status, links: [], ids: new Set()};
  const {page} = await openPage(path);
  const hrefs = await page.locator("a[href]").evaluateAll((links) => links.map((a) => (a as HTMLAnchorElement).href));
  const ids = await page.locator("[id]").evaluateAll((elements) => elements.map(({id}) => id));
  const links = hrefs.filter((href) => href.startsWith(origin)).map((href) => new URL(href));
  return {status: (await fetch(url)).status, links, ids: new Set(ids)};
}
