import js from "@eslint/js";
import typescript from "typescript-eslint";

export default typescript.config(
  {ignores: ["dist/", "test-artifacts/", "src/.observablehq/"]},
  js.configs.recommended,
  typescript.configs.recommended,
  {
    files: ["**/*.ts"],
    languageOptions: {parserOptions: {project: "../tsconfig.json", tsconfigRootDir: import.meta.dirname}},
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": ["error", {checksVoidReturn: {arguments: false}}],
      "@typescript-eslint/await-thenable": "error"
    }
  }
);
