/**
 * Native dialogs. data-dialog-open="<id>" opens one, data-dialog-close closes the one it is in. The browser keeps the
 * focus inside, closes on Escape, and gives the focus back to what opened it.
 */

/**
 * Opens a dialog of this page by its id.
 * @param {string} id
 * @returns {HTMLDialogElement | null} the dialog, or null when there is none
 */
function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!(dialog instanceof HTMLDialogElement)) return null;
  if (!dialog.open) dialog.showModal();
  return dialog;
}

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  const opener = event.target.closest("[data-dialog-open]");
  if (opener instanceof HTMLElement && openDialog(opener.dataset.dialogOpen ?? "")) {
    event.preventDefault();
    return;
  }
  const closer = event.target.closest("[data-dialog-close]");
  if (closer) {
    closer.closest("dialog")?.close();
    return;
  }
  // A click on the dialog itself, and on nothing inside it, is a click on its backdrop.
  if (event.target instanceof HTMLDialogElement && event.target.open && outside(event.target, event)) event.target.close();
});

/**
 * @param {HTMLDialogElement} dialog
 * @param {MouseEvent} event
 */
function outside(dialog, event) {
  if (event.detail === 0) return false; // a key press on a button makes a click at 0,0
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

export { openDialog };
