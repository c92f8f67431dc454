// The address after # says what is shown: MODEL/VIEW/...
const VIEWS = {
  versions: (model) => versionsList(model),
  timeline: (model) => timeline(model),
  history: (model) => historyList(model),
  compare: (model, a, b) => compareView(model, a, b),
  experiments: (model, commit) => experimentsView(model, commit),
  version: (model, name) => versionView(model, name),
};
const sections = Object.fromEntries(["now", ...Object.keys(VIEWS)].map((name) => [name, document.getElementById(name)]));
const chosen = document.getElementById("model");

const place = () => {
  const parts = location.hash.slice(1).split("/").map((part) => {
    try { return decodeURIComponent(part); } catch { return part; }
  });
  const [model, view, ...rest] = parts;
  return { model: models.get(model) ?? models.get(chosen?.value) ?? overview.models[0], view: VIEWS[view] && models.has(model) ? view : "now", rest };
};

const show = (moved) => {
  const { model, view, rest } = place();
  if (!model) return;
  if (chosen) chosen.value = model.model;
  drawings.clear();
  for (const [name, section] of Object.entries(sections)) {
    section.hidden = name !== view;
    if (name === view && name !== "now") section.querySelector(".content").replaceChildren(...[VIEWS[name](model, ...rest)].flat(Infinity));
  }
  for (const each of document.querySelectorAll(".model")) each.hidden = each.dataset.model !== model.model;
  for (const each of document.querySelectorAll("#views a")) {
    if (each.dataset.view !== "now") each.href = address(model.model, each.dataset.view);
    if (each.dataset.view === view) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  const title = view === "version" ? rest[0] : document.querySelector(`#views a[data-view="${view}"]`)?.textContent;
  document.title = `${title}: ${overview.project}`;
  if (moved) {
    document.getElementById("status").textContent = `${title} is shown`;
    window.scrollTo(0, 0);
    document.getElementById("main").focus({ preventScroll: true });
  }
};
addEventListener("hashchange", () => show(true));
chosen?.addEventListener("change", () => { location.hash = address(chosen.value, place().view === "now" ? "" : place().view); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(false));
// While `model page --watch` runs, whoever comes back to the page sees the newest.
if (document.documentElement.hasAttribute("data-watch"))
  document.addEventListener("visibilitychange", () => { if (!document.hidden) location.reload(); });
show(false);
