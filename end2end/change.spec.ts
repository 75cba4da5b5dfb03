// The stories of change.
import { awake, expect, test } from "./fixtures";
import { aCallBecomesACase, aPromptGoesLiveAndComesBack, aRouteInAnEmergency } from "./change";

test.use({ world: "change-js" });

test("a prompt goes live with a second person's approval, and comes back", async ({ as, gateway }) => {
  await aPromptGoesLiveAndComesBack({ as, gateway }, "reply-js");
});

test("stand-ins are put in order by dragging and by keys", async ({ as }) => {
  const page = await as("admin");
  await page.goto("/routes/support-bot/edit");
  await awake(page);
  const fields = page.locator('input[name="target"]');
  await fields.nth(0).fill("primary/first");
  await fields.nth(1).fill("primary/second");
  await fields.nth(1).press("Alt+ArrowUp");
  await expect(fields.nth(0)).toHaveValue("primary/second");
  await expect(fields.nth(0), "the keyboard stays where it was").toBeFocused();
  const places = page.locator('input[name="target.place"]');
  await expect(places.nth(0)).toHaveValue("1");
  await expect(places.nth(1)).toHaveValue("2");
  await page.locator(".handle").nth(0).dragTo(page.locator("[data-row]").nth(1), { targetPosition: { x: 30, y: 40 } });
  await expect(fields.nth(0)).toHaveValue("primary/first");
  await expect(fields.nth(1)).toHaveValue("primary/second");
  await page.getByRole("button", { name: /^Save/ }).click();
  await expect(page.getByRole("listitem").filter({ hasText: "primary · first" })).toBeVisible();
  const route = (await (await page.request.get("/api/v1/routes/support-bot")).json()) as { failover: { targets: { model: string }[] } };
  expect(route.failover.targets.map((target) => target.model)).toEqual(["first", "second"]);
});

test("a user's call becomes a case, and a run checks it", async ({ as, gateway }) => {
  await aCallBecomesACase({ as, gateway });
});

test("an emergency, the way back, and a change for later", async ({ as, gateway }) => {
  await aRouteInAnEmergency({ as, gateway }, "urgent-js");
});
