import {afterEach, expect, test, vi} from "vitest";
import {openDawn} from "./dawn.js";

afterEach(() => vi.unstubAllEnvs());

test("a DAWN_NODE that cannot be loaded is named, with what it must be", () => {
  vi.stubEnv("DAWN_NODE", "no/such/dawn.node");
  expect(() => openDawn()).toThrow(/from .*no.such.dawn\.node: .*\n.*DAWN_NODE must name a dawn\.node/s);
});
