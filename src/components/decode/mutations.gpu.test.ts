import {testCoverage, testMutants} from "../../testing/mutants.js";

testMutants("many kernels");
testCoverage();
