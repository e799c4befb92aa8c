/**
 * Links with data-popup="360x90" open in a small window of their own; without scripts they open in a tab. The window that
 * they are in gets a name, so that what the small window opens lands here.
 */
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-popup]") : null;
  if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const [width, height] = (link.dataset.popup ?? "").split("x");
  window.name = "careroom";
  const opened = window.open(link.href, link.target, `popup,width=${width},height=${height}`);
  if (!opened) return; // blocked: the link does it
  event.preventDefault();
  opened.focus();
});

export {};
