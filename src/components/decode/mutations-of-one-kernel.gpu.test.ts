import {testMutants, testWideTokens} from "../../testing/mutants.js";

testMutants("one kernel");
testWideTokens();
