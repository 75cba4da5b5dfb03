// The stories of change with JavaScript off.
import { test } from "./fixtures";
import { aCallBecomesACase, aPromptGoesLiveAndComesBack, aRouteInAnEmergency } from "./change";

test.use({ world: "change-plain" });

test("a prompt goes live with a second person's approval, and comes back", async ({ as, gateway }) => {
  await aPromptGoesLiveAndComesBack({ as, gateway }, "reply-plain");
});

test("a user's call becomes a case, and a run checks it", async ({ as, gateway }) => {
  await aCallBecomesACase({ as, gateway });
});

test("an emergency, the way back, and a change for later", async ({ as, gateway }) => {
  await aRouteInAnEmergency({ as, gateway }, "urgent-plain");
});
