import js from "@eslint/js";
import { createNodeResolver, importX } from "eslint-plugin-import-x";
import globals from "globals";

export default [
  { ignores: ["target", "dist", "fuzz/target"] },
  js.configs.recommended,
  {
    plugins: { "import-x": importX },
    settings: {
      "import-x/extensions": [".js", ".mjs", ".jsx"],
      "import-x/resolver-next": [createNodeResolver()],
    },
    rules: { "import-x/no-cycle": ["error", { ignoreExternal: true }] },
  },
  {
    files: ["www/**"],
    languageOptions: { globals: globals.browser },
  },
  {
    files: ["**/*.jsx"],
    languageOptions: { parserOptions: { ecmaFeatures: { jsx: true } } },
  },
  {
    files: ["bench/**", "fuzz/**", "scripts/**", "tests/**", "*.mjs"],
    // tests also contain functions that run inside a page
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
  {
    files: ["tests/frameworks/nuxt/**"],
    languageOptions: {
      globals: { defineNuxtConfig: "readonly" },
    },
  },
];
