// Vega comes to life when the first plot is drawn: it is most of this page's bytes.
const vega = later(() => {
  const script = element("script");
  script.textContent = document.getElementById("vega").textContent;
  document.head.append(script);
  return window.drawVega;
});

const themed = (spec) => {
  const style = getComputedStyle(document.documentElement);
  const [text, line] = ["--text", "--line"].map((name) => style.getPropertyValue(name).trim());
  const named = { labelColor: text, titleColor: text };
  return { ...spec, background: "transparent", config: { ...spec.config, axis: { ...named, gridColor: line, domainColor: line, tickColor: line },
    legend: named, header: named, title: { color: text }, view: { stroke: line } } };
};

// A picture with a name and no parts for a screen reader: its numbers are a table below it.
const draw = async (place, spec, values, said) => {
  const picture = element("div");
  place.replaceChildren(picture);
  try {
    await vega()(picture, themed({ ...spec, data: { values } }));
    for (const each of place.querySelectorAll("[role], [aria-label], [aria-roledescription]"))
      for (const name of ["role", "aria-label", "aria-roledescription", "aria-hidden"]) each.removeAttribute(name);
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", said);
  } catch (error) {
    place.textContent = `This plot cannot be drawn: ${error.message}`;
  }
};

const drawings = new Map(); // place -> how it is drawn, when it is first seen
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting && drawings.has(target)) {
      drawings.get(target)();
      drawings.delete(target);
      seen.unobserve(target);
    }
  }
}, { rootMargin: "400px" });
const drawAll = () => { for (const act of drawings.values()) act(); drawings.clear(); };
addEventListener("beforeprint", drawAll);

const figure = (title, spec, values, said) => {
  const place = element("div", { class: "drawing", tabindex: "0", role: "group", "aria-label": title });
  drawings.set(place, () => draw(place, spec, values, said));
  seen.observe(place);
  const names = [...new Set(values.flatMap((row) => Object.keys(row)))].filter((name) => !["filename", "field"].includes(name));
  const numbers = element("details", {}, element("summary", {}, `Numbers of this plot (${values.length} rows)`));
  numbers.addEventListener("toggle", () => {
    if (numbers.open && numbers.children.length === 1)
      numbers.append(table(title, names.map((name) => ({ title: name || "(no name)", cell: (row) => shown(row[name]) })), values, { most: 50 }));
  });
  return element("figure", {}, element("figcaption", {}, title), place, numbers);
};

// Plots of one version or, one upon the other, of two: `versions` are names.
const plots = (model, versions) => {
  const all = versions.map((version) => factsOf(model, version)?.plots ?? {});
  const names = [...new Set(all.flatMap((each) => Object.keys(each)))];
  if (!names.length) return element("p", {}, "No plot of it could be had, or its pipeline declares none.");
  return element("div", { class: "plots" }, names.map((name) => {
    const values = all.flatMap((each, n) => (each[name] ? rowsOf(each[name].columns).map((row) => ({ ...row, rev: versions[n] })) : []));
    const { title, ...spec } = all.findLast((each) => each[name])[name].spec;
    const text = typeof title === "string" ? title : title?.text ?? name;
    return figure(text, spec, values, `${text}, of ${versions.join(" and ")}`);
  }));
};
