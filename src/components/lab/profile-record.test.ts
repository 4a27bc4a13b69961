import {describe, expect, it} from "vitest";
import {exampleProfile} from "./lab-fakes.js";
import {profileSchema, profileTotals} from "./profile-record.js";

/** What makes a profile none: a change of the example, and where the schema says so. */
const broken: [what: string, change: (example: ReturnType<typeof exampleProfile>) => void, says: RegExp][] = [
  [
    "timestamps of zero",
    ({stage}) => (stage.samples[3]!.gpu!.milliseconds = 0),
    /^rows\.5\.samples\.3\.gpu\.milliseconds: /
  ],
  [
    "timestamps of more than the wall clock's time",
    ({stage}) => (stage.samples[3]!.gpu!.milliseconds = 126),
    /^rows\.5\.samples\.3\.gpu: .* took 126\.00 ms, and only 125\.00 ms had passed\.$/
  ],
  [
    "timestamps that are mostly rounding",
    ({stage}) => (stage.samples[0]!.gpu!.passes = 40),
    /^rows\.5\.samples\.0\.gpu: .*for 40 passes: too little/
  ],
  [
    "GPU time that one sample lacks",
    ({stage}) => delete stage.samples[8]!.gpu,
    /^rows\.5\.samples\.8: has no GPU time, in a row by timestamps$/
  ],
  [
    "GPU time under the name of the wall clock",
    ({stage}) => (stage.by = "wall clock"),
    /^rows\.5\.samples\.0: has GPU time, in a row by wall clock$/
  ],
  [
    "timestamps of the device that has none",
    ({wall}) => (wall.by = "timestamps"),
    /^rows\.10\.by: is timestamps, of a device that has none$/
  ],
  [
    "a median that its samples do not have",
    ({stage}) => (stage.millisecondsPerToken.median = 0.9),
    /^rows\.5\.millisecondsPerToken\.median: is 0\.9, but the samples give 1$/
  ],
  ["other dispatches", ({stage}) => (stage.calls = 1), /^rows\.5\.calls: gate_up has 32 a token, not 1$/],
  ["other bytes", ({stage}) => (stage.bytes = 1), /^rows\.5\.bytes: gate_up reads 905969664 a token, not 1$/],
  ["another position", ({profile}) => (profile.position = 64), /^rows\.3\.bytes: attention reads 50331648 a token/],
  [
    "a sum that its rows do not have",
    ({profile}) => (profile.totals[0]!.stages = 8),
    /^totals: are not those of the rows: .*"stages":9,/
  ],
  ["no totals", ({profile}) => (profile.totals = []), /^totals: are not those of the rows/],
  [
    "a tolerance of another arithmetic",
    ({stage}) => (stage.verification.tolerance = 1e-3),
    /^rows\.5\.verification\.tolerance: is more than/
  ],
  [
    "an error over its tolerance",
    ({stage}) => (stage.verification.maxRelativeError = 2e-4),
    /^rows\.5\.verification\.maxRelativeError: is over/
  ],
  ["a sample less", ({stage}) => stage.samples.pop(), /^rows\.5\.samples: are 8; the protocol has at least 9$/],
  [
    "a limit that is not its bandwidth's",
    ({profile}) => (profile.roofline!.tokensPerSecond = 1),
    /^roofline\.tokensPerSecond: is 1, but/
  ],
  ["a variant twice", ({wall}) => (wall.variant = "gate_up"), /^rows\.10\.variant: “gate_up” is there twice$/]
];

describe("profileSchema", () => {
  it("accepts stages and tokens with GPU time, and tokens by the wall clock", () => {
    const {profile} = exampleProfile();
    expect(profileSchema.parse(profile)).toEqual(profile);
  });

  it("accepts stages by the wall clock, of an adapter without timestamps", () => {
    const {profile, stage} = exampleProfile();
    stage.by = "wall clock";
    for (const sample of stage.samples) delete sample.gpu;
    expect(profileSchema.parse(profile)).toEqual(profile);
  });

  it.each(broken)("rejects %s", (_, change, says) => {
    const example = exampleProfile();
    change(example);
    const {error} = profileSchema.safeParse(example.profile);
    const issues = error?.issues.map(({path, message}) => `${path.join(".") || "(top)"}: ${message}`) ?? [];
    expect(issues[0]).toMatch(says);
  });
});

describe("profileTotals", () => {
  it("sums the stages up only where all have a time", () => {
    const {profile} = exampleProfile();
    expect(profileTotals(profile.rows)).toEqual(profile.totals);
    const without = profile.rows.filter(({part}) => part !== "argmax");
    expect(profileTotals(without)).toEqual([{arithmetic: "float32", stages: null, token: 7, wall: 8}]);
    expect(profileTotals([])).toEqual([]);
  });
});
