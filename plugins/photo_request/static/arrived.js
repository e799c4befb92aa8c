/** What has arrived, until every photo is prepared: asks again, less and less often. */
import { all } from "./chosen.js";

const place = document.getElementById("arrived");
const unsent = document.getElementById("unsent");

async function refresh() {
  const url = place?.dataset.arrivedUrl;
  if (!place || !url) return;
  const answer = await fetch(url, { headers: { "X-Panel": "1" } }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = await answer.text();
  const parsed = new DOMParser().parseFromString(fresh, "text/html").body;
  if (parsed.textContent?.trim() !== place.textContent?.trim() || parsed.querySelectorAll("img").length !== place.querySelectorAll("img").length) {
    place.replaceChildren(...parsed.childNodes);
  }
}

async function watch() {
  for (let wait = 1500; wait < 60_000 && place?.querySelector("[data-waiting]"); wait *= 1.4) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (document.visibilityState === "visible") await refresh();
  }
}

void watch();
if (unsent?.dataset.unsent) {
  unsent.hidden = !(await all(unsent.dataset.unsent)).some((item) => item.agreed);
}
