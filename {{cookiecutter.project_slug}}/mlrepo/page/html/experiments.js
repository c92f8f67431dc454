// The experiments of a commit: a table to sort, parallel coordinates, and a score over a param.
const coordinates = (sweep, metric, rows) => {
  const axes = [...sweep.params.filter((name) => new Set(rows.map((row) => JSON.stringify(row.params[name]))).size > 1), metric];
  const scale = new Map(axes.map((name) => {
    const values = rows.map((row) => (name === metric ? row.scores[metric] : row.params[name]));
    const numeric = values.every((value) => typeof value === "number");
    const steps = numeric ? [] : [...new Set(values.map(shown))].sort();
    const [low, high] = numeric ? [Math.min(...values), Math.max(...values)] : [0, steps.length - 1];
    const of = (value) => ((numeric ? value : steps.indexOf(shown(value))) - low) / (high - low || 1);
    return [name, { of, low: numeric ? shown(low) : steps[0], high: numeric ? shown(high) : steps[steps.length - 1] }];
  }));
  const values = rows.flatMap((row) => axes.map((name) => {
    const value = name === metric ? row.scores[metric] : row.params[name];
    return { axis: name, place: scale.get(name).of(value), experiment: row.name, value: shown(value), score: row.scores[metric] };
  }));
  const ends = axes.flatMap((name) => ["low", "high"].map((end) => ({ axis: name, place: end === "low" ? 0 : 1, label: scale.get(name)[end] })));
  const x = { field: "axis", type: "nominal", sort: null, title: null, axis: { labelAngle: -20, labelLimit: 220, domain: false, grid: true } };
  const style = getComputedStyle(document.documentElement);
  return figure("Parallel coordinates", { width: Math.max(300, axes.length * 130), height: 280, layer: [
    { mark: { type: "line", opacity: 0.6, tooltip: { content: "data" } }, encoding: { x, y: { field: "place", type: "quantitative", axis: null }, detail: { field: "experiment" },
      color: { field: "score", type: "quantitative", title: metric, scale: { scheme: "viridis" } } } },
    { data: { values: ends }, mark: { type: "text", dy: { expr: "datum.place ? -8 : 12" }, color: style.getPropertyValue("--text").trim() }, encoding: { x, y: { field: "place", type: "quantitative", axis: null }, text: { field: "label" } } },
  ] }, values, `Params and ${metric} of each experiment; the table has the same`);
};

const overParam = (param, metric, rows) => {
  const numeric = rows.every((row) => typeof row.params[param] === "number");
  const values = rows.map((row) => ({ experiment: row.name, param: numeric ? row.params[param] : shown(row.params[param]), score: row.scores[metric] }));
  return figure(`${metric} over ${param}`, { width: 420, height: 280, mark: { type: "point", filled: true, tooltip: { content: "data" } }, encoding: {
    x: { field: "param", type: numeric ? "quantitative" : "nominal", title: param, scale: { zero: false } },
    y: { field: "score", type: "quantitative", title: metric, scale: { zero: false } } } }, values, `${metric} over ${param}`);
};

const experimentsView = (model, commit) => {
  const all = experiments()[model.model];
  if (!all.length) return element("p", {}, "This clone holds no experiment: ", element("code", {}, "model sweep"), " makes some.");
  const sweep = all.find((each) => each.commit === commit) ?? all[all.length - 1];
  const place = element("div");
  const rows = sweep.rows.map(([name, params, scores]) => ({ name,
    params: Object.fromEntries(sweep.params.map((key, n) => [key, params[n]])), scores: Object.fromEntries(sweep.metrics.map((key, n) => [key, scores[n]])) }));
  const show = (metric, param) => {
    const smaller = sweep.smaller.includes(metric);
    const scored = rows.filter((row) => typeof row.scores[metric] === "number");
    const order = [...rows].sort((a, b) => (smaller ? 1 : -1) * ((a.scores[metric] ?? NaN) - (b.scores[metric] ?? NaN)) || (a.name < b.name ? -1 : 1));
    const columns = [
      { title: "Experiment", head: true, nowrap: true, cell: (row) => row.name, sort: (row) => row.name },
      ...sweep.params.map((name) => ({ title: name, cell: (row) => exact(row.params[name]), sort: (row) => (typeof row.params[name] === "number" ? row.params[name] : shown(row.params[name])) })),
      ...sweep.metrics.map((name) => ({ title: name, number: true, cell: (row) => element("data", { value: row.scores[name] ?? "" }, fixed(row.scores[name], 4)), sort: (row) => row.scores[name] })),
    ];
    place.replaceChildren(
      element("div", { class: "filters" },
        choice("Score", sweep.metrics.map((name) => [name]), metric, (value) => show(value, param)),
        choice("Over param", sweep.params.map((name) => [name]), param, (value) => show(metric, value))),
      element("div", { class: "plots" }, scored.length && metric ? [coordinates(sweep, metric, scored), param ? overParam(param, metric, scored) : null] : null),
      table(`Experiments on ${sweep.commit.slice(0, 7)}, the best ${metric ?? "name"} first; scores of the cross-validation`, columns, order, { id: "experiments-table" }));
  };
  show(sweep.leading ?? sweep.metrics[0], sweep.params[0]);
  return element("div", {}, all.length > 1
    ? element("div", { class: "filters" }, choice("Commit", all.map((each) => [each.commit, `${each.commit.slice(0, 7)}${each.version ? `, ${each.version}` : ""}: ${each.rows.length} experiments`]), sweep.commit, (value) => { location.hash = address(model.model, "experiments", value); })) : null, place);
};
