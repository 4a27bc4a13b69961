import {expect, it} from "vitest";
import {describeRuntime} from "./panel-runtime.js";

it("names the browser by its brand, not by the placeholder beside it", () => {
  const brands = [
    {brand: "Not)A;Brand", version: "8"},
    {brand: "Chromium", version: "140"},
    {brand: "Google Chrome", version: "140"}
  ];
  const describe = (brands: {brand: string; version: string}[]) =>
    describeRuntime({userAgent: "", userAgentData: {platform: "macOS", brands}});
  expect(describe(brands)).toEqual({name: "Google Chrome 140", os: "macOS"});
  expect(describe(brands.slice(0, 2))).toEqual({name: "Chromium 140", os: "macOS"});
});

it("reads the user agent where there are no brands", () => {
  const name = (userAgent: string) => describeRuntime({userAgent});
  expect(name("Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0")).toEqual({
    name: "Firefox 141",
    os: "Linux"
  });
  expect(
    name(
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"
    )
  ).toEqual({name: "Safari 26.0", os: "Mac OS X"});
  expect(
    name(
      "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36"
    )
  ).toEqual({name: "Chromium 139", os: "Android"});
  expect(name("")).toEqual({name: "a browser that does not say its name", os: ""});
});
