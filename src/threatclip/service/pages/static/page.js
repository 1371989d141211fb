"use strict";
// Comfort only: every flow of the pages works without this file. Nothing here writes markup that is not the server's own.

const policy = window.trustedTypes?.createPolicy("server", { createHTML: (text) => text });
const trusted = (text) => (policy ? policy.createHTML(text) : text);
const typing = (element) => element.closest("input, textarea, select") !== null;

// keys that stand on buttons and links press them; Ctrl+Enter sends the form one is in
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("form");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form) {
    event.preventDefault();
    form.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const wanted = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key);
  if (wanted) {
    event.preventDefault();
    wanted.click();
  }
});

// a file dropped on a form goes into its file field
for (const form of document.querySelectorAll("form[data-drop]")) {
  const field = form.querySelector("input[type=file]");
  form.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    form.classList.add("over");
  });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    form.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    field.files = event.dataTransfer.files;
  });
}

// copy an export in place of downloading it
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const told = button.closest(".exports").querySelector("[data-copied]");
    const answer = await fetch(button.dataset.copy);
    if (!answer.ok) {
      told.textContent = "not possible; the link tells why";
      return;
    }
    try {
      await navigator.clipboard.writeText(await answer.text());
      told.textContent = "copied";
    } catch {
      told.textContent = "the browser refused; use the link";
    }
    setTimeout(() => { told.textContent = ""; }, 4000);
  });
}

// the threshold follows the slider, and the drawing follows both
for (const form of document.querySelectorAll("form[data-threshold]")) {
  const slider = form.querySelector("[data-slider]");
  const number = form.querySelector("[data-number]");
  const told = form.querySelector("output");
  const bars = [...form.querySelectorAll("rect[data-score]")];
  const line = form.querySelector("line.cut");
  const axis = form.querySelector("line.axis");
  const [left, right] = [Number(axis.getAttribute("x1")), Number(axis.getAttribute("x2"))];
  const [low, high] = [Number(slider.min), Number(slider.max)];
  const move = (value) => {
    let above = 0;
    for (const bar of bars) {
      const hit = Number(bar.dataset.score) >= value;
      bar.setAttribute("class", hit ? "hit" : "usual");
      if (hit) above += Number(bar.dataset.count);
    }
    const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
    const place = String(left + share * (right - left));
    line.setAttribute("x1", place);
    line.setAttribute("x2", place);
    told.textContent = `about ${above.toLocaleString("en-US")} pairs from ${Number(value.toPrecision(4))} on; Apply to see them`;
  };
  slider.disabled = false;
  slider.removeAttribute("name");
  slider.addEventListener("input", () => {
    number.value = Number(Number(slider.value).toPrecision(6));
    move(Number(slider.value));
  });
  number.addEventListener("input", () => {
    if (number.value === "") return;
    slider.value = number.value;
    move(Number(number.value));
  });
  form.elements.by.addEventListener("change", () => {
    number.value = "";
    form.requestSubmit();
  });
}

// curves of a training in progress: the server draws them, this puts the new drawing in the old one's place
const follow = async (box) => {
  try {
    const answer = await fetch(box.dataset.live);
    if (!answer.ok) return;
    const drawn = new DOMParser().parseFromString(trusted(await answer.text()), "text/html").querySelector(".live");
    if (!drawn) return;
    box.replaceWith(document.adoptNode(drawn));
    box = drawn;
  } catch {
    // the service is away for a moment: look again later
  }
  if (box.dataset.live) setTimeout(follow, 3000, box);
};
for (const box of document.querySelectorAll("[data-live]")) setTimeout(follow, 3000, box);

const queueHere = document.querySelector(".queue .here");
if (queueHere) queueHere.scrollIntoView({ block: "nearest" });
