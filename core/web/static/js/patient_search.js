/**
 * The patient search: results while one types, by POST, so that no name stands in a URL or in the history.
 *
 * A form with data-patient-search and data-results="<id>" fills that element. What was asked last is kept in this tab
 * alone, so that the way back from a record leads to the same results.
 */

const DELAY = 200;
const KEY = "careroom.patient-search";
const STAYS = "careroom.patient-search.stays";

const form = document.querySelector("form[data-patient-search][data-results]");
const results = form && document.getElementById(form.getAttribute("data-results") ?? "");
if (form instanceof HTMLFormElement && results) start(form, results);

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement} results
 */
function start(form, results) {
  const box = /** @type {HTMLInputElement} */ (form.elements.namedItem("q"));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  /** @type {AbortController | undefined} */
  let running;

  /** @param {FormData} asked */
  async function ask(asked) {
    clearTimeout(waiting);
    running?.abort();
    const mine = (running = new AbortController());
    remember(asked);
    results.setAttribute("data-searching", "");
    try {
      const answer = await fetch(form.action, { method: "POST", body: asked, headers: { "X-Fragment": "1" }, signal: mine.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      results.innerHTML = await answer.text();
    } catch (error) {
      if (mine.signal.aborted) return;
      // The plain form shows what is wrong: signed out, no network.
      form.submit();
    }
    if (running === mine) results.removeAttribute("data-searching");
  }

  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => void ask(new FormData(form)), DELAY);
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const only = results.querySelectorAll(".patient-row");
    const first = only[0];
    // Enter on a single hit opens it, once the results are those of what is typed.
    if (only.length === 1 && first instanceof HTMLAnchorElement && box.value.trim() && !results.hasAttribute("data-searching") && recalled()?.get("q") === box.value) {
      first.click();
      return;
    }
    void ask(new FormData(form));
  });

  results.addEventListener("submit", (event) => {
    const again = event.target;
    if (!(again instanceof HTMLFormElement) || !again.hasAttribute("data-search-again")) return;
    event.preventDefault();
    void ask(new FormData(again, event.submitter)).then(() => {
      results.scrollIntoView({ block: "nearest" });
      results.querySelector("[data-results-status]")?.scrollIntoView({ block: "nearest" });
    });
  });

  results.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("[data-tick-all]")) return;
    const ticks = /** @type {NodeListOf<HTMLInputElement>} */ (results.querySelectorAll(".patient-tick input"));
    const all = [...ticks].every((tick) => tick.checked);
    for (const tick of ticks) tick.checked = !all;
  });

  box.addEventListener("keydown", (event) => {
    const first = results.querySelector(".patient-row");
    if (event.key === "ArrowDown" && first instanceof HTMLElement) {
      event.preventDefault();
      first.focus();
    }
  });

  results.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const rows = /** @type {HTMLElement[]} */ ([...results.querySelectorAll(".patient-row")]);
    const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (at < 0) return;
    event.preventDefault();
    const next = event.key === "ArrowDown" ? rows[at + 1] : (rows[at - 1] ?? box);
    next?.focus();
  });

  // A choice of language comes back to this page, and so does what was asked last.
  document.addEventListener("submit", (event) => {
    const isTheme = event.submitter?.getAttribute("name") === "theme"; // which loads nothing
    if (event.target instanceof Element && event.target.matches("[data-comes-back]") && !isTheme) sessionStorage.setItem(STAYS, "1");
  });

  const [visit] = performance.getEntriesByType("navigation");
  const before = recalled();
  const isBack = visit instanceof PerformanceNavigationTiming && visit.type === "back_forward";
  const stays = sessionStorage.getItem(STAYS) !== null;
  sessionStorage.removeItem(STAYS);
  if (!isBack && !stays) sessionStorage.removeItem(KEY);
  else if (before) {
    box.value = before.get("q") ?? "";
    const asked = new FormData(form);
    for (const [name, value] of before) asked.set(name, value);
    void ask(asked);
  }
}

/** @param {FormData} asked */
function remember(asked) {
  const kept = new URLSearchParams();
  for (const name of ["q", "page", "inactive", "order"]) {
    const value = asked.get(name);
    if (typeof value === "string") kept.set(name, value);
  }
  sessionStorage.setItem(KEY, kept.toString());
}

/** @returns {URLSearchParams | null} */
function recalled() {
  const kept = sessionStorage.getItem(KEY);
  return kept === null ? null : new URLSearchParams(kept);
}

export {};
