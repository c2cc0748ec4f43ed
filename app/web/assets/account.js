"use strict";

for (const button of document.querySelectorAll("button.reveal")) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    const { show, hide, showLabel, hideLabel } = button.dataset;
    button.textContent = shown ? hide : show;
    button.setAttribute("aria-label", shown ? hideLabel : showLabel);
    input.focus();
  });
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", () => {
    for (const input of form.querySelectorAll("input[type=text][data-secret]")) {
      input.type = "password";
    }
    for (const button of form.querySelectorAll("button[type=submit]")) {
      button.disabled = true;
    }
  });
}

// A page restored from the back-forward cache keeps the disabled button.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[type=submit]")) {
    button.disabled = false;
  }
});
