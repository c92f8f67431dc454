// Opens a page in Chromium without a network: node open_page.cjs ASKED.json > SAID.json
// Each visit says where (hash), how wide, in which colours, and what to do there.
const { readFileSync } = require("fs");
const puppeteer = require("puppeteer-core");

const asked = JSON.parse(readFileSync(process.argv[2], "utf8"));
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

(async () => {
  const browser = await puppeteer.launch({
    executablePath: asked.chromium,
    args: ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND", "--allow-file-access-from-files"],
    userDataDir: asked.profile,
    protocolTimeout: 300000,
  });
  const said = [];
  let wrong = [];
  const page = await browser.newPage();
  page.on("console", (message) => { if (message.type() === "error") wrong.push(message.text()); });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("dialog", (dialog) => { wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => { if (!/^(file|data):/.test(request.url())) wrong.push(`asked for ${request.url()}`); });
  await page.setOfflineMode(true);
  for (const visit of asked.visits) {
    wrong = [];
    await page.setViewport({ width: visit.width ?? 1400, height: visit.height ?? 900 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: visit.scheme ?? "light" }]);
    if (visit.fresh) await page.goto("about:blank");
    const begun = performance.now();
    // Another hash of the same page loads nothing again.
    await page.goto(asked.page + (visit.hash ?? ""), { waitUntil: "load", timeout: 120000 });
    const loaded = performance.now() - begun;
    // Paints may come after the load.
    const paint = visit.fresh ? await page.evaluate(() => new Promise((resolve) => {
      const seen = (list) => list.getEntriesByName("first-contentful-paint").forEach((each) => resolve(each.startTime));
      new PerformanceObserver(seen).observe({ type: "paint", buffered: true });
    })) : null;
    const done = visit.run ? await page.evaluate(visit.run) : undefined;
    if (visit.settle) await page.evaluate((drawn) => new Promise((resolve) => {
      // Every plot is drawn once it was seen.
      scrollTo(0, 0);
      const step = () => {
        scrollBy(0, 600);
        if (scrollY + innerHeight < document.documentElement.scrollHeight - 2) setTimeout(step, 60);
        else setTimeout(wait, 60);
      };
      let left = 400;
      const wait = () => [...document.querySelectorAll("figure .drawing")].every((each) => each.childNodes.length) || !left-- ? (scrollTo(0, 0), setTimeout(resolve, 100)) : setTimeout(wait, 50);
      step();
    }));
    let violations = null;
    if (visit.axe) {
      await page.evaluate(axe);
      violations = await page.evaluate(async () => {
        const result = await axe.run(document, { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] } });
        return result.violations.map((each) => `${each.id}: ${each.help}: ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`);
      });
    }
    if (visit.picture) await page.screenshot({ path: visit.picture, fullPage: visit.whole ?? true });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    said.push({ dom: visit.dom === false ? "" : await page.content(), wrong, violations, paint, loaded, done: done ?? null, overflow });
  }
  await browser.close();
  process.stdout.write(JSON.stringify(said));
})().catch((error) => { console.error(error); process.exit(1); });
