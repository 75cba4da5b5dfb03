import { defineConfig, devices } from "@playwright/test";

// Started by `cargo xtask e2e`, which sets HYPERCARE_BIN (the binary under test) and CHROMIUM (the system's browser).
const executablePath = process.env.CHROMIUM ?? "chromium";

export default defineConfig({
  testDir: ".",
  outputDir: "test-results",
  timeout: 30_000,
  expect: { timeout: 10_000 },
  // One server, one database, two cores: tests run one after the other, and one that fails is not tried again.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  use: {
    ...devices["Desktop Chrome"],
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath,
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "with-js", testMatch: "**/*.spec.ts", testIgnore: "**/*.nojs.spec.ts" },
    { name: "without-js", testMatch: "**/*.nojs.spec.ts", use: { javaScriptEnabled: false } },
    // Only where `cargo xtask real-model` has a model and a server running.
    ...(process.env.HYPERCARE_URL ? [{ name: "real-model", testMatch: "real_model/*.real.ts" }] : []),
  ],
});
