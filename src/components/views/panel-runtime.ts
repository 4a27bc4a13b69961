import type {RuntimeDescription} from "../lab/record.js";

/** `Navigator` as browsers built on Chromium have it. */
interface BrandedNavigator {
  userAgent: string;
  userAgentData?: {platform: string; brands: readonly {brand: string; version: string}[]};
}

/** The browser and the system of a run: "Chromium 156" on "Linux". */
export function describeRuntime({userAgent, userAgentData}: BrandedNavigator): RuntimeDescription {
  const brands = userAgentData?.brands.filter(({brand}) => !/not.?a.?brand/i.test(brand.replace(/[^a-z]/gi, " ")));
  const brand = brands?.find(({brand}) => brand !== "Chromium") ?? brands?.[0];
  if (brand) return {name: `${brand.brand} ${brand.version}`, os: userAgentData!.platform};
  const [, firefox] = /Firefox\/(\d+)/.exec(userAgent) ?? [];
  const [, safari] = /Version\/([\d.]+).*Safari/.exec(userAgent) ?? [];
  const [, chrome] = /Chrome\/(\d+)/.exec(userAgent) ?? [];
  const name = firefox ? `Firefox ${firefox}` : chrome ? `Chromium ${chrome}` : safari ? `Safari ${safari}` : userAgent;
  const os = ["Android", "iPhone", "iPad", "Windows", "Mac OS X", "CrOS", "Linux"].find((os) => userAgent.includes(os));
  return {name: name || "a browser that does not say its name", os: os ?? ""};
}
