import {expect, test} from "vitest";
import {dispatchesPerToken} from "./components/decode/plan.js";
import {protocol} from "./components/lab/protocol.js";
import {logitTolerances} from "./components/lab/record.js";
import {collectResults} from "./components/lab/results-table.js";
import {shapes, weightBytesPerToken} from "./components/model/shape.js";
import {formatBytes, formatNumber, formatPercent, formatRelativeError} from "./components/views/format.js";
import {browserLosses, resolve} from "./components/views/repeats.js";
import {readResults} from "./data/read-results.js";
import {testPage} from "./testing/page-tests.js";
import {useBrowser} from "./testing/site.js";

const openPage = useBrowser();

testPage("/method", openPage);

const shape = shapes["phi3-mini"];

test("the page on the method states what the code and the records say, and its links reach their anchors", async () => {
  const {page, problems} = await openPage("/method");
  const main = page.locator("#observablehq-main");
  const plain = (text: string) => text.replaceAll("\u00a0", " ");
  const {rows} = collectResults(readResults());
  const {within, again, repeats, twins} = resolve(rows);

  const answer = main.locator(".answer strong");
  await expect
    .poll(async () => (await answer.allInnerTexts()).map(plain))
    .toEqual([within.half, again!.most, again!.half].map((part) => plain(formatPercent(part))));
  expect(plain(await main.locator(".answer").innerText())).toContain(`By ${protocol.samples} samples of at least`);

  const cells = (region: string, column: number) =>
    main.locator(`[aria-label="${region}"] tbody tr > :nth-child(${column})`).allInnerTexts();
  const one = dispatchesPerToken(shape, "fused");
  const [staged, unfused] = (["staged", "unfused"] as const).map((factoring) => dispatchesPerToken(shape, factoring));
  expect(await cells("Factorings", 2)).toEqual([one, "2, 4, 8, 16, 32", one, staged, unfused].map(String));
  expect((await cells("The same kernel, measured again", 5)).map((text) => parseFloat(text))).toEqual(
    repeats.map(({spread}) => Number(formatNumber(100 * spread)))
  );
  const alike = await main.locator(".twins li").allInnerTexts();
  expect(alike.length).toBe(twins.length);
  for (const [i, {rows, spread, pairs, disjoint}] of twins.entries()) {
    expect(plain(alike[i]!)).toContain(`${rows.length} rows on the`);
    expect(plain(alike[i]!)).toContain(`${plain(formatPercent(spread))} apart`);
    if (pairs > 1 && disjoint > 0) expect(alike[i]).toContain(`In ${disjoint} of their ${pairs} pairs`);
  }
  const measured = rows.filter(({kind, tokensPerSecond}) => kind === "run" && tokensPerSecond !== null);
  expect((await cells("Measured rows", 5)).length).toBe(measured.length);

  const text = plain(await main.innerText());
  const perLayer = staged! - dispatchesPerToken({...shape, layers: shape.layers - 1}, "staged");
  for (const stated of [
    `A token of phi3-mini reads ${formatBytes(weightBytesPerToken(shape))} of them`,
    `staged has ${perLayer} dispatches in each layer and ${staged! - shape.layers * perLayer} outside the layers`,
    `${formatRelativeError(logitTolerances.float32)} in float32 and ${formatRelativeError(logitTolerances.int16)} with`,
    `Every sample starts at position ${shape.context / 2},`,
    `Of ${within.rows} measured rows on file, half have`,
    `${browserLosses(rows).length} rows on file have one of Node beside them`,
    `Runs on file: ${new Set(measured.map(({sourceFile, shapeId}) => `${sourceFile} ${shapeId}`)).size}, with these measured rows`
  ])
    expect(text).toContain(plain(stated));
  for (const [rule, value] of [
    ["warm-up, at least", `${protocol.warmUpMilliseconds} ms of work`],
    ["a sample lasts, at least", `${protocol.sampleMilliseconds} ms`],
    ["asks before a call predicted over", `${protocol.longCallMilliseconds / 1000} s`]
  ])
    expect(await main.locator("tr", {hasText: rule}).locator("td").last().innerText()).toBe(value);

  const hrefs = await main.locator("a[href]").evaluateAll((links) => links.map((a) => (a as HTMLAnchorElement).href));
  const links = hrefs.map((href) => new URL(href)).filter(({origin}) => origin === new URL(page.url()).origin);
  expect(links.some(({hash}) => hash === "#reproduce-it")).toBe(true);
  for (const pathname of new Set(links.map(({pathname}) => pathname))) {
    const response = await page.request.get(new URL(pathname, page.url()).href);
    expect(response.status(), pathname).toBe(200);
    const hashes = links.filter((link) => link.pathname === pathname && link.hash).map(({hash}) => hash.slice(1));
    const content = hashes.length > 0 ? await response.text() : "";
    for (const hash of hashes) expect(content, `${pathname}#${hash}`).toContain(`id="${hash}"`);
  }
  expect(problems).toEqual([]);
});
