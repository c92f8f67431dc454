// Elements are made of texts alone: nothing of the data is ever read as markup.
const element = (name, attributes = {}, ...content) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...content.flat(Infinity).filter((each) => each !== undefined && each !== null));
  return made;
};

const drawn = (name, attributes = {}, ...content) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content.flat(Infinity));
  return made;
};

const address = (...parts) => `#${parts.map(encodeURIComponent).join("/")}`;
const link = (text, ...parts) => element("a", { href: address(...parts) }, text);
const outside = (text, url) =>
  /^https?:\/\//i.test(url) ? element("a", { href: url, rel: "noreferrer" }, text) : element("span", {}, text);

// A number keeps all of its digits in `value`, whatever is shown of them.
const shown = (value) => {
  if (value === null || value === undefined) return "(none)";
  if (typeof value === "number" && !Number.isInteger(value)) return String(+value.toPrecision(6));
  return typeof value === "string" ? value : JSON.stringify(value);
};
// Where decimals would show nothing of a number, as of an error in a large unit, it has as many digits.
const fixed = (text, digits = 3) => {
  if (text === "" || text === undefined || text === null) return "";
  const value = Number(text);
  return value && Math.abs(value) < 10 ** -digits ? value.toPrecision(digits) : value.toFixed(digits);
};
const exact = (value) => element("data", { value: typeof value === "string" ? value : JSON.stringify(value ?? null) }, shown(value));
const moment = (text) => element("time", { datetime: text, class: "nowrap" }, text.replace("+00:00", ""));
const between = (row) => (row.low === "" ? `none: ${row.method}` : `${fixed(row.low)} to ${fixed(row.high)}`);

const pairs = (rows) =>
  element("dl", {}, rows.filter((row) => row).map(([name, ...value]) => [element("dt", {}, name), element("dd", {}, value)]));

let tables = 0;
// Columns: {title, cell(row), sort(row), number}. With `sort`, its head is a button.
const table = (caption, columns, rows, { most = 200, id } = {}) => {
  const body = element("tbody");
  const more = element("p");
  let order = rows;
  const fill = (count) => {
    body.replaceChildren(
      ...order.slice(0, count).map((row) =>
        element("tr", {}, columns.map(({ cell, number, head, nowrap }) =>
          element(head ? "th" : "td", { class: number ? "number" : nowrap ? "nowrap" : undefined, scope: head ? "row" : undefined }, cell(row))))),
    );
    more.replaceChildren(
      order.length > count
        ? element("button", { type: "button", on: { click: () => fill(order.length) } }, `Show all ${order.length}`)
        : "",
    );
  };
  const heads = columns.map((column) => {
    const head = element("th", { scope: "col", class: column.number ? "number" : undefined });
    if (!column.sort) return head.append(column.title), head;
    const act = () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = rows.map((row) => [column.sort(row), row]);
      const absent = (key) => key === null || key === undefined || key === "" || Number.isNaN(key);
      keyed.sort(([a], [b]) => absent(a) - absent(b) || (absent(a) ? 0 : (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1)));
      order = keyed.map(([, row]) => row);
      fill(most);
    };
    head.append(element("button", { type: "button", on: { click: act } }, column.title));
    return head;
  });
  fill(most);
  const name = `caption-${tables++}`;
  const made = element("table", { id }, element("caption", { id: name }, caption), element("thead", {}, element("tr", {}, heads)), body);
  const region = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": name }, made);
  new ResizeObserver(() => region.classList.toggle("wide", region.scrollWidth > region.clientWidth)).observe(region);
  return element("div", {}, region, more);
};

const choice = (label, options, chosen, act) =>
  element("label", {}, `${label} `, element("select", { on: { change: (event) => act(event.target.value) } },
    options.map(([value, text]) => element("option", { value, selected: value === chosen }, text ?? value))));
