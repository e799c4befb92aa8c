/**
 * The toolbar window and the windows that it follows, in one browser. A workspace says which patient it shows
 * (data-current-patient on the page's body or main part); a toolbar that hears it makes that patient the current one on
 * the server, and the bus tells every toolbar of the person. Without a toolbar nothing is sent anywhere.
 */
const CHANNEL = "careroom.current-patient";

const toolbar = document.querySelector("[data-follow-url]");
const workspace = document.querySelector("[data-current-patient]");

if (toolbar instanceof HTMLElement) follow(toolbar);
if (workspace instanceof HTMLElement) tell(workspace.dataset.currentPatient ?? "");

/** @param {HTMLElement} toolbar */
function follow(toolbar) {
  const place = location.pathname;
  new BroadcastChannel(CHANNEL).addEventListener("message", (event) => {
    const { practice, patient } = event.data ?? {};
    if (typeof patient !== "string" || !place.startsWith(practice)) return;
    void post(toolbar.dataset.followUrl ?? "", { patient_id: patient });
  });
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-toolbar-clear]") : null;
    if (button instanceof HTMLElement) void post(button.dataset.toolbarClear ?? "", {});
  });
}

/** @param {string} patient */
function tell(patient) {
  // The window that the toolbar's links open into is the one that was looked at last.
  window.name = "careroom";
  const practice = /^\/p\/[^/]+\//.exec(location.pathname)?.[0] ?? "/";
  const channel = new BroadcastChannel(CHANNEL);
  const say = () => channel.postMessage({ practice, patient });
  say();
  addEventListener("focus", say);
}

/** @param {string} url @param {Record<string, string>} fields */
async function post(url, fields) {
  const token = document.querySelector("meta[name='csrf-token']")?.getAttribute("content") ?? "";
  try {
    await fetch(url, { method: "POST", body: new URLSearchParams(fields), headers: { "X-CSRFToken": token, "X-Panel": "1" }, redirect: "manual" });
  } catch {
    // No network: the line shows it.
  }
}

export {};
