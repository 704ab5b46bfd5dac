import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // strict mode does its work in development only
  define: { "process.env.NODE_ENV": JSON.stringify("development") },
  build: { minify: false },
});
