// Two versions side by side: what `model diff` says, the scores, and the plots one upon the other.
const pairedWith = (model, a, b) => {
  const gate = factsOf(model.model, b)?.gate;
  return gate?.champion?.name === a ? pairedBy(gate) : {};
};

const compareView = (model, a, b) => {
  const names = model.versions.map((row) => [row.version]);
  if (names.length < 2) return element("p", {}, "There are not two versions yet.");
  const after = b ?? names[0][0];
  const before = a ?? factsOf(model.model, after)?.previous ?? names[1][0];
  const go = (one, other) => { location.hash = address(model.model, "compare", one, other); };
  const choose = element("div", { class: "filters" }, choice("From", names, before, (value) => go(value, after)), choice("To", names, after, (value) => go(before, value)));
  const [old, now] = [before, after].map((name) => factsOf(model.model, name));
  if (!old || !now) return [choose, element("p", {}, "One of both is no version whose record can be read.")];
  const columns = [
    { title: "Name", head: true, cell: ([name]) => name },
    { title: before, cell: ([, value]) => exact(value) },
    { title: after, cell: ([, , value]) => exact(value) },
  ];
  const columnsOf = (from, to) => to.columns.filter((name) => !from.columns.includes(name));
  const parts = PARTS.map((part) => {
    const found = changes(partOf(old, part), partOf(now, part));
    if (part === "data") {
      const [added, removed] = [columnsOf(old, now), columnsOf(now, old)];
      if (added.length) found.push(["columns added", null, added.join(", ")]);
      if (removed.length) found.push(["columns removed", removed.join(", "), null]);
    }
    return [element("h3", {}, part[0].toUpperCase() + part.slice(1)),
      found.length ? table(`${part}: ${found.length} differ`, columns, found, { id: `changes-${part}` }) : element("p", {}, "The same.")];
  });
  const scores = [old, now].map((facts) => new Map(rowsOf(facts.scores).map((row) => [JSON.stringify([row.slice, row.value, row.metric]), row])));
  const both = [...scores[1]].map(([key, row]) => [scores[0].get(key), row]);
  const paired = pairedWith(model, before, after);
  const shownScores = (caption, rows, id) => table(caption, [
    { title: "Metric", head: true, cell: ([, row]) => row.metric },
    ...(id === "score-changes" ? [] : [{ title: "Slice", cell: ([, row]) => `${row.slice} = ${row.value}` }]),
    { title: before, number: true, cell: ([from]) => (from ? `${fixed(from.estimate)} (${between(from)})` : "none") },
    { title: after, number: true, cell: ([, row]) => `${fixed(row.estimate)} (${between(row)})` },
    { title: "Difference", number: true, cell: ([from, row]) => (from ? element("data", { value: row.estimate - from.estimate }, fixed(row.estimate - from.estimate)) : ""), sort: ([from, row]) => (from ? row.estimate - from.estimate : "") },
    { title: "Better by, with paired interval", nowrap: true, cell: ([, row]) => (row.slice ? "" : betterBy(paired[row.metric])) },
  ], rows, { id });
  return [
    choose,
    element("h3", {}, "Scores"),
    shownScores(`On all test rows of each, with ${intervals(now)}`, both.filter(([, row]) => !row.slice), "score-changes"),
    element("p", { class: "quiet" }, Object.keys(paired).length ? "The paired intervals are the gate's, on the same rows, from when the second was registered."
      : ["No gate has compared these two on the same rows: the intervals are those of each alone. ", element("code", {}, "model gate"), " compares a model with what is in use."]),
    folded("By slice", shownScores(`On the test rows of each slice, with ${intervals(now)}`, both.filter(([, row]) => row.slice), "slice-changes")),
    parts,
    element("p", { class: "quiet" }, element("code", {}, `model diff ${before} ${after}`), " also counts the rows and lines that were added and removed."),
    element("h3", {}, "Plots, one upon the other"),
    plots(model.model, [before, after]),
  ];
};
