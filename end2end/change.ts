// Stories of change, told once and run with JavaScript and without it.
import { expect, type Gateway, type Persona } from "./fixtures";
import type { Page } from "@playwright/test";

export interface World {
  as: (persona: Persona) => Promise<Page>;
  gateway: Gateway;
}

const said = (page: Page, words: string | RegExp) => page.getByRole("status").filter({ hasText: words });
const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name }).click();

/** A prompt from its first draft to production and back, with a second person in between. */
export async function aPromptGoesLiveAndComesBack({ as, gateway }: World, name: string): Promise<void> {
  const product = await as("product");
  const admin = await as("admin");

  await product.goto("/prompts/new");
  await product.getByLabel("Name", { exact: true }).fill(name);
  await product.getByLabel("Text of message 1").fill("You help customers of {{ shpo }}.");
  await product.getByText("Variables", { exact: true }).click();
  await product.getByLabel("Name of variable 1").fill("shop");
  await product.getByLabel("Default of variable 1").fill("the lamp shop");
  await press(product, "Save as a new version");
  await expect(product.getByRole("alert")).toContainText("Message 1: line 1, column 26: there is no variable `shpo`. Did you mean `shop`?");
  await product.getByLabel("Text of message 1").fill("You help customers of {{ shop }}.");
  await press(product, "Preview with samples");
  await expect(product.getByRole("status", { name: "Preview" })).toContainText("You help customers of the lamp shop.");
  await press(product, "Save as a new version");
  await expect(said(product, `Version 1 of ${name} is saved.`)).toBeVisible();

  // An admin puts it to use, and lets nobody move the label alone from now on.
  await admin.goto(`/prompts/${name}`);
  await admin.getByLabel("Label", { exact: true }).fill("production");
  await press(admin, "Move the label");
  await expect(said(admin, "production now points to version 1.")).toBeVisible();
  await admin.getByText("Protection", { exact: true }).click();
  await admin.getByLabel("Protected labels").fill("production");
  await press(admin, "Save protection");
  await expect(said(admin, "Protected: production.")).toBeVisible();
  await admin.goto("/routes/new");
  await admin.getByLabel("Name", { exact: true }).fill(`${name}-bot`);
  await admin.getByLabel("Provider of variant 1").fill("primary");
  await admin.getByLabel("Model of variant 1").fill("mock");
  await admin.getByLabel("Prompt of variant 1").fill(`${name}@nowhere`);
  await press(admin, /^Save/);
  await expect(admin.getByRole("alert")).toContainText(`Variant 1, prompt: \`${name}\` has no label \`nowhere\`.`);
  await admin.getByLabel("Prompt of variant 1").fill(`${name}@production`);
  await press(admin, /^Save/);
  await expect(said(admin, "Saved. The route is in force.")).toBeVisible();
  const route = `${name}-bot`;
  expect((await gateway.call("Hello?", { route })).prompt).toBe(`${name}@1`);

  // The next version: compared, tried, asked for.
  await product.goto(`/prompts/${name}`);
  await product.getByLabel("Text of message 1").fill("You help customers of {{ shop }}. Be brief.");
  await product.getByLabel("Note", { exact: true }).fill("shorter");
  await press(product, "Save as a new version");
  await product.getByRole("link", { name: "Compare" }).click();
  await expect(product.getByRole("region", { name: "Changes" }).locator("ins")).toContainText("Be brief.");
  await product.goto(`/prompts/${name}/playground`);
  await product.getByLabel("What the user says").fill("Where is my lamp?");
  await press(product, "Run");
  const answers = product.getByRole("table", { name: "Answers side by side" });
  await expect(answers.getByText("Mock answer to: Where is my lamp?")).toHaveCount(2);
  await expect(answers.getByText(/20 \+ 9 tokens/)).toHaveCount(2);
  await product.goto(`/prompts/${name}`);
  await product.getByLabel("Label", { exact: true }).fill("production");
  await product.getByLabel("Points to").selectOption("Version 2");
  await product.getByLabel("Reason").fill("Customers like it short.");
  await press(product, "Move the label");
  await expect(said(product, "somebody else has to approve version 2")).toBeVisible();
  await expect(product.getByRole("button", { name: "Approve" })).toHaveCount(0);
  expect((await gateway.call("Hello?", { route })).prompt).toBe(`${name}@1`);

  // Another person looks and agrees; traffic moves; and back in one click.
  await admin.goto("/prompts/approvals");
  const waiting = admin.getByRole("listitem").filter({ hasText: name });
  await expect(waiting).toContainText("Customers like it short.");
  await waiting.getByRole("button", { name: "Approve" }).click();
  await expect(said(admin, "Approved: production to version 2.")).toBeVisible();
  expect((await gateway.call("Hello?", { route })).prompt).toBe(`${name}@2`);
  await product.goto(`/prompts/${name}`);
  await press(product, "Roll production back to version 1");
  await expect(said(product, "production now points to version 1.")).toBeVisible();
  expect((await gateway.call("Hello?", { route })).prompt).toBe(`${name}@1`);
}

/** A call of a user becomes a case with a check, and a run says whether a version passes. */
export async function aCallBecomesACase({ as, gateway }: World): Promise<void> {
  const page = await as("product");
  const { requestId } = await gateway.call("Where is my refund?", { route: "lab", user: "case-1" });
  await expect(async () => expect((await page.request.get(`/api/v1/requests/${requestId}`)).status()).toBe(200)).toPass();
  await page.goto(`/requests/${requestId}`);
  await press(page, "Save as a case");
  await expect(said(page, "Saved as the case “Where is my refund?”.")).toBeVisible();
  await page.getByLabel("Checks of the answer").fill("contains Mock answer\nnonsense");
  await press(page, "Save the case");
  await expect(page.getByRole("alert")).toContainText("`nonsense` is no check");
  await page.getByLabel("Checks of the answer").fill("contains Mock answer\nnot three days");
  await press(page, "Save the case");
  await expect(said(page, "The case Where is my refund? is saved.")).toBeVisible();
  await press(page, "Run");
  await expect(said(page, /Version \d+: 1 of 1 cases passed\./)).toBeVisible();
  await press(page, "Delete Where is my refund?");
  await expect(said(page, "The case Where is my refund? is deleted.")).toBeVisible();
}

/** Everything to one variant, back again, a change for later, and a route that goes away. */
export async function aRouteInAnEmergency({ as, gateway }: World, route: string): Promise<void> {
  const page = await as("admin");
  await page.goto("/routes/new");
  await page.getByLabel("Name", { exact: true }).fill(route);
  for (const [n, name] of [[1, "usual"], [2, "backup"]] as const) {
    await page.getByLabel(`Name of variant ${n}`).fill(name);
    await page.getByLabel(`Weight of variant ${n}`).fill(n === 1 ? "100" : "0");
    await page.getByLabel(`Provider of variant ${n}`).fill("primary");
    await page.getByLabel(`Model of variant ${n}`).fill("mock");
  }
  await page.getByLabel("Stand-in 1", { exact: true }).fill("primary/second");
  await page.getByLabel("Place of stand-in 1").fill("2");
  await page.getByLabel("Stand-in 2", { exact: true }).fill("primary/first");
  await page.getByLabel("Place of stand-in 2").fill("1");
  await press(page, /^Save/);
  await expect(said(page, "Saved. The route is in force.")).toBeVisible();
  await expect(page.getByText("in force", { exact: true })).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "primary · first" })).toBeVisible();
  expect((await gateway.call("Hello?", { route })).variant).toBe("usual");

  await press(page, "Everything to backup");
  await expect(said(page, "Everything goes to backup now.")).toBeVisible();
  expect((await gateway.call("Hello?", { route })).variant).toBe("backup");
  await page.getByRole("button", { name: /^Revert change/ }).first().click();
  await expect(said(page, "Reverted.")).toBeVisible();
  expect((await gateway.call("Hello?", { route })).variant).toBe("usual");

  await page.getByText("Later", { exact: true }).click();
  await page.getByRole("textbox", { name: "Percent of usual" }).fill("50");
  await page.getByRole("textbox", { name: "Percent of backup" }).fill("50");
  await page.getByLabel("Comes into force at (UTC)").fill(new Date(Date.now() + 3_600_000).toISOString().slice(0, 16));
  await press(page, /^Save/);
  await expect(said(page, "Planned for")).toBeVisible();
  expect((await gateway.call("Hello?", { route })).variant).toBe("usual");
  await press(page, "Call off");
  await expect(said(page, "Called off.")).toBeVisible();

  await page.getByRole("link", { name: "Change the route" }).click();
  await page.getByText("Delete the route", { exact: true }).click();
  await page.getByLabel("Type the name to confirm").fill("another");
  await press(page, `Delete ${route}`);
  await expect(page.getByRole("main")).toContainText("Nothing was deleted.");
  await page.goto(`/routes/${route}/edit`);
  await page.getByText("Delete the route", { exact: true }).click();
  await page.getByLabel("Type the name to confirm").fill(route);
  await press(page, `Delete ${route}`);
  await expect(said(page, `The route ${route} is deleted.`)).toBeVisible();
}
