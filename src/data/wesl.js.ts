import {build} from "esbuild";

// wesl as one module for the browser: Framework cannot resolve a package that has no entry for `require`.
const {outputFiles} = await build({
  stdin: {contents: 'export {link} from "wesl";', resolveDir: "."},
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  write: false
});
process.stdout.write(outputFiles[0]!.text);
