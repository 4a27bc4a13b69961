import {describe, expect, test} from "vitest";
import {costSchema} from "./components/lab/cost-record.js";
import {testPage} from "./testing/page-tests.js";
import {
  accessibilityViolations,
  expectToFit,
  liveDots,
  reach,
  records,
  removeWebGPU,
  useBrowser
} from "./testing/site.js";

const openPage = useBrowser();

testPage("/limits", openPage);

describe("the page on limits", () => {
  test("runs some of the reads to done, and the page shows what one workgroup reaches", async () => {
    const {page, problems} = await openPage("/limits?variants=read-4,read-1-of-64,resident-64");
    const panel = page.locator("[data-experiment=limits]");
    await panel.locator(".panel-device").waitFor();
    expect(await panel.locator("[data-variant=resident-64]").getAttribute("data-status")).toBe("declined");
    expect(await page.locator(".memory-diagram svg[role=img]").getAttribute("aria-label")).toMatch(
      /^What memory sees\. one workgroup of [\d,]+ on 1 of 132 cores: .*, 100\u00a0% of the most\.$/
    );
    expect(await page.locator("main").innerText()).not.toContain("${");
    await panel.locator("[data-action=run]").click();
    await reach(page, "done");
    const [record] = await records(page);
    const {rows} = costSchema.parse(record);
    expect(rows).toMatchObject([
      {variant: "read-4", status: "measured", workgroups: 4},
      {variant: "read-1-of-64", status: "measured", workgroupSize: 64},
      {variant: "resident-64", status: "declined", workgroups: null}
    ]);
    const rates = rows.map((row) =>
      row.status === "measured" ? row.bytesPerOperation! / row.microsecondsPerOperation.median / 1000 : 0
    );
    const figures = (await page.locator(".your-answer strong").allInnerTexts()).map(
      (text) => Number.parseFloat(text) / (text.includes("MB/s") ? 1000 : 1)
    );
    expect(figures[0]! / rates[1]!).toBeCloseTo(1, 1); // in GB/s
    if (rates[0]! > rates[1]!) expect(figures[1]! / rates[0]!).toBeCloseTo(1, 1);
    expect(await panel.locator("[data-variant=read-4]").innerText()).toMatch(/[GM]B\/s/);
    expect(await liveDots(page, ".bandwidth-plot").count()).toBe(2);
    expect(await accessibilityViolations(page)).toEqual([]);
    await expectToFit(page, 360);
    expect(problems).toEqual([]);
  });

  test("has the reader's own limits beside the defaults, and says what fits as the size changes", async () => {
    const {page, problems} = await openPage("/limits");
    await page.locator('.device-limits th:has-text("Yours")').waitFor();
    const limit = page.locator("[data-limit=maxComputeInvocationsPerWorkgroup] td");
    const invocations = await page.evaluate(
      async () => (await navigator.gpu.requestAdapter())!.limits.maxComputeInvocationsPerWorkgroup
    );
    expect(await limit.first().innerText()).toBe("256");
    expect((await limit.last().innerText()).replace(",", "")).toBe(String(invocations));
    const groups = await page.locator("[data-limit=maxBindGroups] td").allInnerTexts();
    expect(groups[0]).toBe("4");
    expect(Number(groups.at(-1))).toBeGreaterThanOrEqual(4);
    expect(groups).not.toContain("undefined");

    const form = page.locator(".shape-form");
    const byDefault = page.locator(".fit-report [data-design=fused]").first();
    const text = () => byDefault.innerText();
    const reasons = page.locator(".fit-report .reasons").first();
    await expect.poll(text).toMatch(/no\s+16\s+6\s+[\d.]+\s[MG]B\s/); // 16 bindings; 6 layers would fit
    expect(await reasons.innerText()).toMatch(
      /This size: .* all 32 layers [^]*7 layers: .* all 7 layers [^]*Hidden size 1,440: .* bytes/
    );
    await form.locator("[name=layers]").fill("6");
    await expect.poll(text).toMatch(/yes\s+3\s+6\s+[\d.]+\s[MG]B\s/);
    await form.locator("[name=hidden]").fill("3000");
    await expect.poll(() => form.locator("[role=status]").innerText()).toMatch(/3000 is no multiple of 96/);
    await expect.poll(() => page.locator(".fit-report").count()).toBe(0);
    await form.locator("[name=preset]").selectOption("llama-1b");
    await expect.poll(text).toMatch(/no\s+–\s+none\s+768$/); // the vocabulary is too large for a binding
    expect(await form.locator("[name=layers]").inputValue()).toBe("16");
    await form.locator("[name=vocabulary]").fill("32000");
    await expect.poll(text).toMatch(/no\s+6\s+9\s+[\d.]+\s[MG]B\s/);
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(problems).toEqual([]);
  });

  test("without WebGPU still has the defaults, the recorded devices and the calculator", async () => {
    const {page} = await openPage("/limits", {script: removeWebGPU});
    const headers = await page.locator(".device-limits thead th").allInnerTexts();
    expect(headers.join()).toContain("WebGPU’s defaults");
    expect(headers.join()).toContain("NVIDIA H200 in Node");
    expect(headers.join()).not.toContain("Yours");
    expect(await page.locator(".fit-report [data-fits]").count()).toBeGreaterThan(3);
  });
});
