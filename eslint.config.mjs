import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["target", "dist"] },
  js.configs.recommended,
  {
    files: ["www/**"],
    languageOptions: { globals: globals.browser },
  },
  {
    files: ["**/*.jsx"],
    languageOptions: { parserOptions: { ecmaFeatures: { jsx: true } } },
  },
  {
    files: ["scripts/**", "tests/**", "*.mjs"],
    // tests also hold functions that Chromium runs inside a page
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
];
