// The lists of versions and of events, with a search, and the timeline with a ruler.
const has = (row, text) => JSON.stringify(Object.values(row)).toLowerCase().includes(text.toLowerCase());

// A list with filters above it: `choices` are {label, options, keep(row, value)}.
const searched = (what, rows, choices, show) => {
  const place = element("div");
  const said = element("p", { class: "quiet", role: "status" });
  const values = choices.map(() => "");
  let text = "";
  const fill = () => {
    const found = rows.filter((row) => (!text || has(row, text)) && choices.every((each, n) => !values[n] || each.keep(row, values[n])));
    said.textContent = `${found.length} of ${rows.length} ${what}`;
    place.replaceChildren(show(found));
  };
  const search = element("input", { type: "search", on: { input: (event) => { text = event.target.value.trim(); fill(); } } });
  const made = element("div", {}, element("div", { class: "filters" },
    element("label", {}, "Search ", search),
    choices.map(({ label, options }, n) => choice(label, [["", "all"], ...options.map((each) => [each])], "", (value) => { values[n] = value; fill(); }))), said, place);
  fill();
  return made;
};

const distinct = (values) => [...new Set(values)].filter((each) => each).sort();

const score = (row) => row.leading && [`${fixed(row.leading.estimate)} `, element("span", { class: "quiet" }, row.leading.metric)];
const versionsList = (model) => {
  const states = distinct(model.versions.flatMap((row) => row.state.map((each) => each.state)));
  const stages = distinct(model.versions.flatMap((row) => row.stages));
  const columns = [
    { title: "Version", head: true, nowrap: true, cell: (row) => link(row.version, model.model, "version", row.version), sort: (row) => numbered(row.version) },
    { title: "State", cell: (row) => element("span", { class: row.bad ? "wrong" : undefined }, row.told), sort: (row) => row.told },
    { title: "Test score", nowrap: true, cell: (row) => score(row), sort: (row) => (row.leading ? Number(row.leading.estimate) : "") },
    { title: "Registered", nowrap: true, cell: (row) => moment(row.registered), sort: (row) => row.registered },
    { title: "By", cell: (row) => row.by, sort: (row) => row.by },
    { title: "Notes", cell: (row) => row.notes },
    { title: "Commit", cell: (row) => element("code", {}, row.commit.slice(0, 7)) },
  ];
  return searched("versions", model.versions, [
    { label: "State", options: states, keep: (row, value) => row.state.some((each) => each.state === value) },
    { label: "In stage", options: stages, keep: (row, value) => row.stages.includes(value) },
  ], (rows) => table("Versions, highest first", columns, rows, { id: "versions-table" }));
};

const why = (row) => [
  row.why,
  row.override ? [element("br"), element("strong", { class: "wrong" }, "past the rules: "), row.override] : null,
  row.verdict ? [element("br"), `rebuild: ${row.verdict}`] : null,
];
const historyColumns = (model) => [
  { title: "When", nowrap: true, cell: (row) => moment(row.when), sort: (row) => row.when },
  { title: "What", cell: (row) => row.event, sort: (row) => row.event },
  { title: "Version", nowrap: true, cell: (row) => link(row.version, model.model, "version", row.version), sort: (row) => numbered(row.version) },
  { title: "Stage", cell: (row) => row.stage, sort: (row) => row.stage },
  { title: "By", cell: (row) => [row.by, row.key ? [element("br"), element("span", { class: "quiet" }, `signed: ${row.key}`)] : null], sort: (row) => row.by },
  { title: "Why", cell: why },
  { title: "Tag", cell: (row) => element("code", {}, row.tag) },
];
const historyList = (model) =>
  searched("events", model.events, [
    { label: "What", options: distinct(model.events.map((row) => row.event)), keep: (row, value) => row.event === value },
    { label: "Stage", options: distinct(model.events.map((row) => row.stage)), keep: (row, value) => row.stage === value },
    { label: "By", options: distinct(model.events.map((row) => row.by)), keep: (row, value) => row.by === value },
  ], (rows) => table("What happened, newest first", historyColumns(model), rows, { id: "history-table" }));

// What was in a stage at a time: the last that came into it until then.
const inStage = (model, stage, time) => {
  const until = model.stages[stage].filter((row) => Date.parse(row.since) <= time);
  return until.length && until[until.length - 1].version ? until[until.length - 1] : undefined;
};

const timeline = (model) => {
  const stages = Object.keys(model.stages);
  if (!stages.length) return element("p", {}, "No version was ever in a stage.");
  const times = stages.flatMap((stage) => model.stages[stage].map((row) => Date.parse(row.since)));
  const first = Math.min(...times);
  const last = Math.max(...times);
  const end = last + Math.max(1000, (last - first) * 0.08); // so that the last one has a width
  const place = (time) => ((time - first) / (end - first)) * 100;
  const picture = drawn("svg", { class: "timeline", height: stages.length * 54 + 24, role: "img",
    "aria-label": "Which version was in which stage, over time; the table below has the same" });
  stages.forEach((stage, n) => {
    picture.append(drawn("text", { x: 0, y: n * 54 + 16 }, stage));
    model.stages[stage].forEach((row, k, all) => {
      if (!row.version) return;
      const from = place(Date.parse(row.since));
      const to = k + 1 < all.length ? place(Date.parse(all[k + 1].since)) : 100;
      picture.append(drawn("rect", { x: `${from}%`, width: `${Math.max(to - from, 0.1)}%`, y: n * 54 + 22, height: 26 },
        drawn("title", {}, `${row.version} since ${row.since}, by ${row.by}: ${row.why}`)));
      if (to - from > 6) picture.append(drawn("text", { x: `${from + 0.6}%`, y: n * 54 + 40, class: "inside" }, row.version));
    });
  });
  const ruler = drawn("line", { y1: 0, y2: stages.length * 54 });
  picture.append(ruler,
    drawn("text", { x: 0, y: stages.length * 54 + 18 }, new Date(first).toISOString().slice(0, 10)),
    drawn("text", { x: "100%", y: stages.length * 54 + 18, "text-anchor": "end" }, `${new Date(last).toISOString().slice(0, 10)} →`));

  const answer = element("div", { "aria-live": "polite" });
  const slide = element("input", { type: "range", min: 0, max: 1000, value: 1000, "aria-label": "Move the ruler over the timeline" });
  const date = element("input", { type: "datetime-local", step: 1, id: "ruler" });
  const show = (time) => {
    const x = Math.min(100, Math.max(0, place(time)));
    ruler.setAttribute("x1", `${x}%`);
    ruler.setAttribute("x2", `${x}%`);
    const rows = stages.map((stage) => [stage, inStage(model, stage, time)]);
    const columns = [
      { title: "Stage", head: true, cell: ([stage]) => stage },
      { title: "Version", cell: ([, row]) => (row ? link(row.version, model.model, "version", row.version) : "nothing") },
      { title: "Since", nowrap: true, cell: ([, row]) => row && moment(row.since) },
      { title: "By", cell: ([, row]) => row?.by },
      { title: "Why", cell: ([, row]) => row?.why },
      { title: "Commit", cell: ([, row]) => row && element("code", {}, row.commit) },
    ];
    answer.replaceChildren(table(`In use at ${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`, columns, rows, { id: "at-table" }));
  };
  const set = (time) => {
    date.value = new Date(time).toISOString().slice(0, 19);
    show(time);
  };
  slide.addEventListener("input", () => set(first + ((end - first) * slide.value) / 1000));
  date.addEventListener("input", () => {
    const time = Date.parse(`${date.value}Z`);
    if (Number.isNaN(time)) return;
    slide.value = (Math.min(100, Math.max(0, place(time)))) * 10;
    show(time);
  });
  slide.value = place(last) * 10;
  set(last);
  const past = stages.flatMap((stage) => model.stages[stage].map((row) => ({ ...row, stage }))).sort((a, b) => (a.since < b.since ? 1 : -1));
  const moves = [
    { title: "Since", nowrap: true, cell: (row) => moment(row.since), sort: (row) => row.since },
    { title: "Stage", cell: (row) => row.stage, sort: (row) => row.stage },
    { title: "Version", cell: (row) => (row.version ? link(row.version, model.model, "version", row.version) : "nothing from then on"), sort: (row) => row.version },
    { title: "By", cell: (row) => row.by, sort: (row) => row.by },
    { title: "Why", cell: (row) => row.why },
  ];
  return element("div", {}, picture, slide, element("p", {}, element("label", { for: "ruler" }, "What was in use at this time, in UTC: "), date), answer,
    table("Each time that a stage changed, newest first", moves, past, { most: 50 }));
};
