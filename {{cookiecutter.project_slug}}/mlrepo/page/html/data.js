// What the page holds: the lists at once, what is long when it is first asked for.
const parsed = (id) => JSON.parse(document.getElementById(id).textContent);
const overview = parsed("overview");
const models = new Map(overview.models.map((model) => [model.model, model]));
const later = (make) => {
  let made;
  return () => (made ??= make());
};
const experiments = later(() => parsed("experiments-data"));
const stored = later(() => parsed("facts"));

const opened = (place, depth) => {
  const value = stored().values[place];
  if (!depth || value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((each) => opened(each, depth - 1));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, opened(each, depth - 1)]));
};

const known = new Map();
// The facts of a version; undefined where its tag holds no record that can be read.
const factsOf = (model, version) => {
  const key = JSON.stringify([model, version]);
  if (!known.has(key)) {
    const places = stored().models[model]?.[version];
    known.set(key, places && Object.fromEntries(
      Object.entries(places).map(([name, place]) => [name, opened(place, stored().depth[name] ?? 0)])));
  }
  return known.get(key);
};

const rowsOf = (columns) => {
  const names = Object.keys(columns);
  return names.length ? columns[names[0]].map((_, n) => Object.fromEntries(names.map((name) => [name, columns[name][n]]))) : [];
};
const PARTS = ["data", "params", "code", "environment", "model", "metrics"];
const flat = (groups) => Object.assign({}, ...Object.values(groups ?? {}));
const partOf = (facts, part) => flat(part === "code" ? facts.code : facts[`compared ${part}`]);
// As `model diff`: name, before and after of all that differs; null is what is not there.
const changes = (before, after) =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .map((name) => [name, before[name] ?? null, after[name] ?? null])
    .filter(([, old, now]) => JSON.stringify(old) !== JSON.stringify(now));
const numbered = (name) => name.slice(1).split(/[.-]/).map((part) => part.padStart(9, "0")).join(".");
