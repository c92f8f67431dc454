// A version: what it is worth, what it is made of, and what was done with it.
// Metric -> difference and interval of the gate; its own metric alone in a record of an older library.
const pairedBy = (gate) => gate?.paired ?? (gate?.low === null || gate?.low === undefined ? {} : { [gate.metric]: gate });
const betterBy = (one) => (one ? `${fixed(one.difference)} (${fixed(one.low)} to ${fixed(one.high)})` : "");

// Such as "95% intervals"; an old record may not say how wide.
const intervals = (facts) => {
  const confidence = partOf(facts, "params")["evaluate.intervals.confidence"];
  return confidence ? `${+(100 * confidence).toPrecision(6)}% intervals` : "intervals";
};

const scoreTable = (facts, before, beforeName, caption) => {
  const old = new Map(rowsOf(before?.scores ?? {}).filter((row) => !row.slice).map((row) => [row.metric, row]));
  const rows = rowsOf(facts.scores).filter((row) => !row.slice);
  const found = pairedBy(facts.gate);
  const rival = facts.gate?.champion ? ` than ${facts.gate.champion.name}` : "";
  return table(caption, [
    { title: "Metric", head: true, cell: (row) => `${row.metric}${row.better ? `, ${row.better} is better` : ""}` },
    { title: "Test", number: true, cell: (row) => element("data", { value: row.estimate }, fixed(row.estimate)) },
    { title: "Interval", nowrap: true, cell: between },
    { title: beforeName ?? "Version before", number: true, cell: (row) => fixed(old.get(row.metric)?.estimate) || "none" },
    { title: "Difference", number: true, cell: (row) => (old.has(row.metric) ? fixed(row.estimate - old.get(row.metric).estimate) : "") },
    { title: `Better${rival} by, on the same rows`, nowrap: true, cell: (row) => betterBy(found[row.metric]) },
    { title: "Always the same answer", number: true, cell: (row) => fixed(row.constant) },
  ], rows, { id: "scores-table" });
};

const sliceTable = (facts) => {
  const rows = rowsOf(facts.scores).filter((row) => row.slice);
  if (!rows.length) return element("p", {}, "It has no slices.");
  const place = element("div");
  const columns = [
    { title: "Slice", head: true, cell: (row) => `${row.slice} = ${row.value}`, sort: (row) => `${row.slice} ${row.value}` },
    { title: "Rows", number: true, cell: (row) => row.rows, sort: (row) => Number(row.rows) },
    { title: "Score", number: true, cell: (row) => element("data", { value: row.estimate }, fixed(row.estimate)), sort: (row) => (row.estimate === "" ? "" : Number(row.estimate)) },
    { title: "Interval", nowrap: true, cell: between },
    { title: "Always the same answer", number: true, cell: (row) => fixed(row.constant) },
  ];
  const show = (metric) => place.replaceChildren(table(`${metric} by slice, with ${intervals(facts)}`, columns, rows.filter((row) => row.metric === metric), { id: "slices-table" }));
  const metrics = [...new Set(rows.map((row) => row.metric))];
  show(metrics.includes(facts.leading?.metric) ? facts.leading.metric : metrics[0]);
  return element("div", {}, element("div", { class: "filters" }, choice("Metric", metrics.map((name) => [name]), facts.leading?.metric, show)), place);
};

const valueTable = (caption, values, id) =>
  table(caption, [{ title: "Name", head: true, cell: ([name]) => name }, { title: "Value", cell: ([, value]) => exact(value) }], Object.entries(values), { id });

const folded = (title, ...content) => element("details", {}, element("summary", {}, title), content);

const proofs = (model, row, facts) => pairs([
  ["Its tag", "believed: it stands in the chain of all tags of the model"],
  ["Signature of its tag", facts.signature],
  ["Record and commit", row.checked === undefined ? ["not compared for this page: ", command(model, `model verify ${row.version}`), " does it"]
    : row.checked.length ? element("ul", { class: "wrong" }, row.checked.map((line) => element("li", {}, line))) : "agree, as far as Git alone tells"],
  ["Made again", facts.rebuilds.length ? facts.rebuilds.map((each) => element("div", {}, element("strong", {}, each.verdict), ` by ${each.by}${each.other ? "" : ", who registered it"}, `, moment(each.when)))
    : "nobody has recorded a rebuild of it"],
  facts.gate && ["Gate when it was registered", `${facts.gate.verdict}: ${(facts.gate.reasons ?? []).join("; ")}`],
  facts.ci && ["Registered in CI", outside(facts.ci, facts.ci)],
]);

// A command that says which model is meant, where there are several.
const command = (model, text) => element("code", {}, overview.several ? `${text} --model ${model.model}` : text);

const versionView = (model, name) => {
  const row = model.versions.find((each) => each.version === name);
  if (!row) return [element("h2", {}, name ?? "Version"), element("p", {}, `${model.model} has no version ${name}.`)];
  const facts = factsOf(model.model, name);
  const title = element("h2", {}, `${model.model} ${name}`);
  const head = pairs([
    ["State", element("span", { class: row.bad ? "wrong" : undefined }, row.told)],
    ["Registered", `by ${row.by}, `, moment(row.registered)],
    ["Notes", element("span", { class: "lines" }, facts?.notes ?? row.notes)],
    facts?.leading && ["Worth", `${facts.leading.metric} ${fixed(facts.leading.estimate)} (${between(facts.leading)}) on ${facts.leading.rows} test rows`],
    facts?.worst && ["Worst slice", `${facts.worst.slice} = ${facts.worst.value}: ${facts.worst.metric} ${fixed(facts.worst.estimate)} (${between(facts.worst)}) on ${facts.worst.rows} test rows`],
    ["Code", commitLink(row.commit)],
    ["Get and verify it", command(model, `model get ${name} -o FOLDER`), " writes it to a folder, if its hashes are right; ",
      command(model, `model verify ${name}`), " checks all that its tag says; ", command(model, `model verify ${name} --rebuild`), " makes it again."],
  ]);
  const life = table("What happened to it, newest first", historyColumns(model), model.events.filter((event) => event.version === name), { id: "life-table" });
  if (!facts) return [title, head, element("p", { class: "wrong" }, "Its tag holds no record that can be read."), life];
  const before = facts.previous && factsOf(model.model, facts.previous);
  const part = (text, ...content) => [element("h3", {}, text), content];
  return [
    title, head,
    facts.previous ? element("p", {}, link(`What changed from ${facts.previous} to ${name}`, model.model, "compare", facts.previous, name)) : element("p", {}, "It is the first version."),
    part("Scores", scoreTable(facts, before, facts.previous, `Test scores with ${intervals(facts)}, and those of ${facts.previous ?? "no version before"}`), sliceTable(facts)),
    part("Plots", plots(model.model, [name])),
    part("Lineage", lineage(facts, before, facts.previous)),
    part("Card", pairs([["Purpose", facts.card.purpose], ["Owner", facts.card.owner], ["Limits", element("ul", {}, (facts.card.limits ?? []).map((line) => element("li", {}, line)))]]),
      folded("The whole model card", element("pre", {}, facts.card_text.join("\n")))),
    part("Data", pairs([...Object.entries(facts.data).filter(([, value]) => value !== null).map(([key, value]) => [key, exact(value)]),
      ["rows", Object.entries(facts.rows).map(([key, count]) => `${key} ${count}`).join(", ")], ["columns", facts.columns.join(", ")]])),
    part("Params", folded("All params of its steps", valueTable("Params", partOf(facts, "params"), "params-table"))),
    part("Model and environment", valueTable("Model", partOf(facts, "model"), "model-table"),
      pairs([["Library", `mlrepo ${facts.library}`], ["Seeds", JSON.stringify(facts.seeds)], ["uv.lock", facts.lock], ["Registered on", Object.entries(facts.machine).map(([key, value]) => `${key} ${shown(value)}`).join(", ")]]),
      folded("Packages", valueTable("Packages", partOf(facts, "environment"), "packages-table"))),
    part("Proofs", proofs(model, row, facts)),
    part("History", life),
  ];
};

const commitLink = (commit) => {
  const text = element("code", {}, commit);
  return overview.commits ? element("a", { href: overview.commits.replace("COMMIT", commit), rel: "noreferrer" }, text) : text;
};
