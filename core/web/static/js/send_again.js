/** Sends a form again that a page answered, to come back to that page: see core/web/coming_back.py. */

const form = document.querySelector("form[data-send-again]");
if (form instanceof HTMLFormElement) form.submit();

export {};
