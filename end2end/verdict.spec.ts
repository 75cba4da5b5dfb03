// Excellent uptime, and nobody is helped: the overview says so.
import { awake, expect, test } from "./fixtures";

test.use({ world: "verdict" });

test("machines are fine and people are not: the overview turns red while somebody looks at it", async ({ gateway, as }) => {
  test.setTimeout(90_000);
  const page = await as("product");
  await page.goto("/");
  await awake(page);
  const side = (name: string) => page.locator(`[data-side="${name}"]`);
  await Promise.all(Array.from({ length: 40 }, (_, i) => gateway.call("Where is my lamp?", { user: `calm-${i}` })));
  await expect(async () => {
    await page.reload();
    await expect(side("technology")).toHaveAttribute("data-light", "ok", { timeout: 500 });
  }).toPass({ timeout: 10_000 });
  await awake(page);
  await expect(side("users")).not.toHaveAttribute("data-light", "bad");

  // Every call is answered, and in time. What people say of the answers is another matter.
  for (let i = 0; i < 12; i++) {
    const answer = await gateway.call("And its price?", { user: `lost-${i}`, session: `l-${i}` });
    await gateway.feedback(answer.token, { rating: "down", categories: ["forgot_context"], comment: `I told you which lamp, number ${i}` });
  }
  await expect(side("users")).toHaveAttribute("data-light", "bad", { timeout: 15_000 });
  await expect(side("users")).toContainText(/Forgot context: 1\d of \d+ answers/);
  await expect(side("technology")).toHaveAttribute("data-light", "ok");
  await side("users").getByRole("link", { name: /Forgot context/ }).click();
  await expect(page.locator('[data-list="feedback"] a.list-item')).not.toHaveCount(0);
  await expect(page.getByLabel("Category")).toHaveValue("forgot_context");
});
