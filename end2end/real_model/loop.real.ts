// The loop on a real model: its answer, a thumb down on it, and both in the control room. Run by `cargo xtask real-model`.
import { expect, test } from "@playwright/test";

const { HYPERCARE_URL: URL = "", HYPERCARE_KEY: KEY = "", HYPERCARE_ROUTE: ROUTE = "", HYPERCARE_ADMIN: ADMIN = "", HYPERCARE_PASSWORD: PASSWORD = "" } = process.env;

test("feedback on a real model's answer is in the open inbox at once, next to what the model said", async ({ page, request }) => {
  const errors: string[] = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));

  await page.goto(`${URL}/login`);
  await page.getByRole("textbox", { name: "E-mail" }).fill(ADMIN);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.goto(`${URL}/feedback`);

  const question = "My name is Ann and I like lamps. What do I like?";
  const answer = await request.post(`${URL}/v1/chat/completions`, {
    headers: { authorization: `Bearer ${KEY}`, "x-hypercare-user": "ann", "x-hypercare-session": "real-browser" },
    data: { model: ROUTE, messages: [{ role: "user", content: question }], max_tokens: 40 },
  });
  expect(answer.status()).toBe(200);
  const said: string = (await answer.json()).choices[0].message.content;
  console.log(`  asked: ${question}\n  said:  ${said}`);

  const comment = `Not what I asked, says the browser test at ${Date.now()}.`;
  const began = Date.now();
  const feedback = await request.post(`${URL}/v1/feedback`, {
    data: { token: answer.headers()["x-hypercare-feedback-token"], rating: "down", categories: ["forgot_context"], comment },
  });
  expect(feedback.status()).toBe(201);

  // The page was open all the time: the item comes by itself, at once or as an announcement above what is being read.
  const list = page.locator('[data-list="feedback"]');
  const news = page.getByRole("button", { name: /new — show/ });
  await expect(list.getByText(comment).or(news)).toBeVisible({ timeout: 1_500 });
  console.log(`  on the open page after ${Date.now() - began} ms`);
  if (await news.isVisible()) await news.click();
  await list.locator("a.list-item").filter({ hasText: comment }).click();
  await page.getByRole("link", { name: "Open the request" }).click();
  const conversation = page.getByRole("region", { name: "Conversation" });
  await expect(conversation).toContainText(question);
  await expect(conversation).toContainText(said.trim().slice(0, 60));
  await expect(page.getByRole("main").getByRole("link", { name: "helper@1", exact: true })).toBeVisible();
  expect(errors).toEqual([]);
});
