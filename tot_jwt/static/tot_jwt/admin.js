"use strict";

// Copy buttons, and care for secrets that are shown once. Without this script only the buttons are missing.
document.addEventListener("DOMContentLoaded", () => {
  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };

  const copy = async (element) => {
    // A page that was served over plain HTTP has no clipboard object.
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(element.textContent);
    } else {
      select(element);
      if (!document.execCommand("copy")) {
        throw new Error("not copied");
      }
    }
  };

  document.querySelectorAll("[data-copy]").forEach((button) => {
    const label = button.textContent;
    const element = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await copy(element);
      } catch {
        select(element);
        return;
      }
      button.textContent = button.dataset.done;
      window.setTimeout(() => { button.textContent = label; }, 2000);
    });
  });

  // Submit the form once: a browser shows the second response of a double click, which has no secret.
  const form = document.querySelector("#apikey_form:has([name=new_key]), #tot-rotate");
  if (form) {
    let sent = false;
    form.addEventListener("submit", (event) => {
      if (sent) {
        event.preventDefault();
      }
      sent = true;
    });
    window.addEventListener("pageshow", () => { sent = false; });
  }
});

// Select2 names its box after the chosen value. Name it after the label too, as a screen reader needs.
const nameBoxes = () => {
  document.querySelectorAll("#apikey_form .select2-container").forEach((container) => {
    const label = document.querySelector(`label[for="${container.previousElementSibling?.id}"]`);
    if (!label) {
      return;
    }
    label.id ||= `${label.htmlFor}_label`;
    container.querySelectorAll("[role=combobox], [role=textbox]").forEach((box) => {
      const value = container.querySelector(".select2-selection__rendered");
      box.setAttribute("aria-labelledby", `${label.id} ${value.id}`);
    });
  });
};

// jQuery calls the functions that wait for the page in timers, so Select2 may start after this event.
window.addEventListener("load", () => {
  window.django?.jQuery?.(() => window.setTimeout(nameBoxes));
});

// A browser may keep the page in memory and show it again when the user goes back.
window.addEventListener("pagehide", () => {
  document.querySelectorAll("[data-once]").forEach((element) => { element.textContent = "…"; });
});
