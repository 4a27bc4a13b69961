import {expect, it} from "vitest";
import {exampleRun} from "../lab/lab-fakes.js";
import {runRows} from "../lab/result-row.js";
import {sizedRows} from "./workgroup-size-plot.js";

it("takes the rows of one workgroup that have a size and a figure, the smallest first", () => {
  const {run, fused, staged, failed} = exampleRun();
  const sized = (workgroupSize: number | null, workgroups = 1) => ({
    ...fused,
    variant: `${workgroups}-${workgroupSize}`,
    workgroups,
    workgroupSize
  });
  const rows = runRows({...run, rows: [sized(1024), sized(64), sized(256, 8), sized(null), staged, failed]}, "a.json");
  expect(sizedRows(rows).map(({id}) => id)).toEqual(["a/1-64", "a/1-1024"]);
});
