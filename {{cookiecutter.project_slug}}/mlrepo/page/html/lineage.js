// From the data over the steps to the model; what differs from the version before is marked.
const shortened = (text) => (text.length > 26 ? `${text.slice(0, 12)}…${text.slice(-13)}` : text);

const changedIn = (facts, before) => {
  const files = new Set(before ? changes(before.files, facts.files).map(([name]) => name) : []);
  const code = new Set(before ? changes(partOf(before, "code"), partOf(facts, "code")).map(([name]) => name) : []);
  const within = (name, path) => name === path || name.startsWith(`${path}/`);
  return { file: (path) => [...files].some((name) => within(name, path)), code: (path) => [...code].some((name) => within(name, path)) };
};

const lineage = (facts, before, beforeName) => {
  const stages = Object.entries(facts.stages);
  const maker = new Map(stages.flatMap(([name, stage]) => stage.outs.map((out) => [out, name])));
  const isCode = (path) => path.endsWith(".py") || facts.files[path] === undefined;
  const inputs = (stage) => stage.deps.filter((path) => !isCode(path));
  const changed = changedIn(facts, before);
  const depth = new Map();
  const depthOf = (name, path = []) => {
    if (path.includes(name)) return 0;
    if (!depth.has(name))
      depth.set(name, 1 + Math.max(0, ...inputs(facts.stages[name]).filter((dep) => maker.has(dep)).map((dep) => depthOf(maker.get(dep), [...path, name]))));
    return depth.get(name);
  };
  stages.forEach(([name]) => depthOf(name));
  const sources = facts.sources;
  const model = facts["compared model"]?.path ?? partOf(facts, "model").path;
  const nodes = [
    ...sources.map((path) => ({ id: path, at: 0, file: true, changed: changed.file(path) })),
    ...stages.map(([name, stage]) => ({ id: name, at: depth.get(name), changed: stage.outs.some(changed.file) || stage.deps.some(changed.code) })),
    { id: model, at: (depth.get(maker.get(model)) ?? 0) + 1, file: true, changed: changed.file(model) },
  ];
  const rows = new Map();
  const at = new Map(nodes.map((node) => {
    const row = rows.get(node.at) ?? 0;
    rows.set(node.at, row + 1);
    return [node.id, { ...node, x: node.at * 240 + 2, y: row * 62 + 4 }];
  }));
  const edges = stages.flatMap(([name, stage]) => inputs(stage).map((path) => [path === model ? path : maker.get(path) ?? path, name])).concat(maker.has(model) ? [[maker.get(model), model]] : []);
  const lines = [...new Set(edges.map((edge) => JSON.stringify(edge)))].map((edge) => JSON.parse(edge)).filter(([a, b]) => at.has(a) && at.has(b) && a !== b).map(([a, b]) => {
    const [from, to] = [at.get(a), at.get(b)];
    const [x, y, u, v] = [from.x + 200, from.y + 20, to.x, to.y + 20];
    return drawn("path", { d: `M${x},${y} C${x + 20},${y} ${u - 20},${v} ${u},${v}` });
  });
  const width = Math.max(...[...at.values()].map((node) => node.x)) + 204;
  const height = Math.max(...[...at.values()].map((node) => node.y)) + 48;
  const boxes = [...at.values()].map((node) =>
    drawn("g", { class: `${node.file ? "file" : "step"}${node.changed ? " changed" : ""}` },
      drawn("rect", { x: node.x, y: node.y, width: 200, height: 40, rx: 3 }),
      drawn("text", { x: node.x + 10, y: node.y + 25 }, shortened(node.id.split(":").pop())), drawn("title", {}, node.id)));
  const picture = drawn("svg", { class: "lineage", width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": "From the data over the steps to the model; the table below has the same" }, lines, boxes);
  const since = before ? `Changed since ${beforeName}` : "Changed";
  const mark = (paths) => paths.map((path, n) => [n ? ", " : "", changed.file(path) || changed.code(path) ? element("strong", {}, `${path} (changed)`) : path]);
  const columns = [
    { title: "Step", head: true, cell: ([name]) => name },
    { title: "Reads", cell: ([, stage]) => mark(stage.deps) },
    { title: "Writes", cell: ([, stage]) => mark(stage.outs) },
    { title: since, cell: ([name]) => (before ? (at.get(name).changed ? "yes" : "no") : "there is no version before it") },
  ];
  return element("div", {}, element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Picture of the lineage" }, picture),
    before ? element("p", { class: "quiet" }, `Marked: other files or other code than ${beforeName}.`) : null, table("Steps, in their order", columns, stages));
};
