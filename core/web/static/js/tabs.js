/** A row of tabs that is wider than the window shows the one that is open. */

for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const row = tab.closest(".tabs");
  if (!row) continue;
  const { left, width } = tab.getBoundingClientRect();
  const around = row.getBoundingClientRect();
  row.scrollLeft += left + width / 2 - (around.left + around.width / 2); // to its middle, whichever way the text runs
}

export {};
