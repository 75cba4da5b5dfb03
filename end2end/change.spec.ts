// The stories of change.
import { test } from "./fixtures";
import { aCallBecomesACase, aPromptGoesLiveAndComesBack, aRouteInAnEmergency } from "./change";

test.use({ world: "change-js" });

test("a prompt goes live with a second person's approval, and comes back", async ({ as, gateway }) => {
  await aPromptGoesLiveAndComesBack({ as, gateway }, "reply-js");
});

test("a user's call becomes a case, and a run checks it", async ({ as, gateway }) => {
  await aCallBecomesACase({ as, gateway });
});

test("an emergency, the way back, and a change for later", async ({ as, gateway }) => {
  await aRouteInAnEmergency({ as, gateway }, "urgent-js");
});
