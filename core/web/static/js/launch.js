/**
 * Takes the patient whom a clinical system names, and hands the name on in a form of this site. A classic script at
 * the very top of the page: the address is clean before anything is shown or loaded.
 *
 * What was taken waits in this tab's own storage: through a sign-in, for a quarter of an hour at most, once.
 */
(() => {
  const KEY = "careroom.launch";
  const KEEP = 15 * 60_000;

  const posted = document.getElementById("handed-over");
  if (posted) {
    keep(JSON.parse(posted.textContent ?? "{}"));
    location.replace(location.pathname);
    return;
  }
  if (location.hash.length > 1) {
    // As forms write it: + is a blank, %2B a plus.
    keep(Object.fromEntries(new URLSearchParams(location.hash.slice(1))));
    history.replaceState(null, "", location.pathname);
  }
  // The same page already stands when a clinical system changes only the fragment of its window.
  addEventListener("hashchange", () => location.reload());
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", go);
  else go();

  /** @param {Record<string, string>} values */
  function keep(values) {
    sessionStorage.setItem(KEY, JSON.stringify({ at: Date.now(), path: location.pathname, values }));
  }

  /** @returns {Record<string, string> | null} what waits, if it is for this page and fresh */
  function kept() {
    const text = sessionStorage.getItem(KEY);
    if (text === null) return null;
    const { at, path, values } = JSON.parse(text);
    if (path === location.pathname && Date.now() - at < KEEP) return values;
    sessionStorage.removeItem(KEY);
    return null;
  }

  function go() {
    const values = kept();
    const form = document.querySelector("[data-launch-form]");
    if (!(form instanceof HTMLFormElement)) return;
    if (!values) {
      document.querySelector("[data-launch-waiting]")?.setAttribute("hidden", "");
      document.querySelector("[data-launch-nothing]")?.removeAttribute("hidden");
      return;
    }
    const signIn = form.dataset.signIn;
    if (signIn) {
      location.replace(signIn);
      return;
    }
    sessionStorage.removeItem(KEY);
    for (const [name, value] of Object.entries(values)) {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value: String(value) }));
    }
    form.submit();
  }
})();
