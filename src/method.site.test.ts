import {testPage} from "./testing/page-tests.js";
import {useBrowser} from "./testing/site.js";

testPage("/method", useBrowser());
