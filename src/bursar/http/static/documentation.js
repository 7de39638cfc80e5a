// Comforts for the documentation. The page is complete without them.

const LANGUAGE_KEY = "bursar.documentation.language";

/** The examples name `bursar dev`; here they name the server that the reader is looking at. */
function nameThisServer() {
  for (const place of document.querySelectorAll(".base")) {
    place.textContent = location.origin;
  }
}

function addCopyButtons() {
  if (!navigator.clipboard) return; // only pages from HTTPS or this machine may write there
  for (const listing of document.querySelectorAll(".listing")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${listing.querySelector("figcaption").textContent}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(listing.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    listing.append(button);
  }
}

function offerLanguages() {
  const group = document.getElementById("languages");
  const buttons = [...group.querySelectorAll("button")];
  const choose = (language) => {
    document.documentElement.dataset.language = language;
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.language === language));
    }
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      choose(button.dataset.language);
      try {
        localStorage.setItem(LANGUAGE_KEY, button.dataset.language);
      } catch { /* Storage may be forbidden; then the choice lasts as long as the page. */ }
    });
  }
  let kept = null;
  try {
    kept = localStorage.getItem(LANGUAGE_KEY);
  } catch { /* As above. */ }
  choose(buttons.some((button) => button.dataset.language === kept) ? kept : "curl");
  group.hidden = false;
}

function offerFilter() {
  const field = document.getElementById("filter");
  const found = document.getElementById("found");
  const entries = [...document.querySelectorAll(".entry")];
  const links = new Map([...document.querySelectorAll("#contents a")].map((link) => [link.hash.slice(1), link]));
  field.closest("label").hidden = false;
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const entry of entries) {
      const hit = words.every((word) => entry.dataset.words.includes(word));
      entry.hidden = !hit;
      links.get(entry.id).parentElement.hidden = !hit;
      count += hit ? 1 : 0;
    }
    document.body.classList.toggle("filtered", words.length > 0);
    found.textContent = words.length ? `${count} sections found` : "";
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.matches("input")) {
      event.preventDefault();
      field.focus();
    } else if (event.key === "Escape" && event.target === field) {
      field.value = "";
      field.dispatchEvent(new Event("input"));
    }
  });
}

/** On narrow screens the contents are in the way until asked for; on wide ones they always show. */
function foldContents() {
  const contents = document.getElementById("contents");
  const wide = matchMedia("(min-width: 60rem)");
  const adapt = () => { contents.open = wide.matches; };
  adapt();
  wide.addEventListener("change", adapt);
  contents.addEventListener("click", (event) => {
    if (event.target.closest("a") && !wide.matches) contents.open = false;
  });
}

function markWhereWeAre() {
  const links = new Map([...document.querySelectorAll("#contents a")].map((link) => [link.hash.slice(1), link]));
  const observer = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      if (!isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      const link = links.get(target.id);
      link.setAttribute("aria-current", "true");
      const side = link.closest(".side");
      if (side.scrollHeight > side.clientHeight) link.scrollIntoView({ block: "nearest" });
    }
  }, { rootMargin: "-15% 0px -80% 0px" });
  for (const entry of document.querySelectorAll(".entry")) observer.observe(entry);
}

nameThisServer();
addCopyButtons();
offerLanguages();
offerFilter();
foldContents();
markWhereWeAre();
