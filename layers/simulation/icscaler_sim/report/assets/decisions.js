// The searchable table of decisions.
const decisions = run.changes.map(([atS, component, from, to, chain, outcome, message, rules]) => {
  const code = (step) => step.split(" ")[0];
  const words = (step) => run.words[code(step)] || code(step);
  const first = chain.length ? words(chain[0]) : "no reason recorded";
  const last = chain.length ? words(chain[chain.length - 1]) : first;
  const reason = first === last ? first : `${first}; ${last}`;
  const text = [clock(atS, true), component, `${from} → ${to}`, reason, chain.join(" "), outcome, message, ...rules].join(" ").toLowerCase();
  return { atS, component, from, to, chain, outcome, message, rules, reason, text };
});

const filter = { words: "", component: null, kind: null };
const PAGE = 60;
let pages = 1;

const KINDS = [
  ["Scale out", (d) => d.to > d.from],
  ["Scale in", (d) => d.to < d.from],
  ["To zero", (d) => d.to === 0],
  ["From zero", (d) => d.from === 0],
  ["Not accepted", (d) => d.outcome !== "Accepted"],
];

function chosen() {
  const fromS = stepTime(view.from);
  const toS = stepTime(view.to);
  const kind = KINDS.find(([name]) => name === filter.kind);
  return decisions.filter((d) =>
    d.atS >= fromS && d.atS < toS
    && (!filter.component || d.component === filter.component)
    && (!kind || kind[1](d))
    && filter.words.split(/\s+/).every((word) => d.text.includes(word)));
}

function decisionRow(d) {
  const out = d.to > d.from;
  const why = make("td", {}, make("div", {}, d.reason), make("div", { className: "steps" }, d.chain.join(" → ")));
  if (d.rules.length) why.append(make("div", { className: "steps" }, "carried by " + d.rules.join(" · ")));
  if (d.outcome !== "Accepted") why.append(make("div", { className: "refusal" }, d.outcome + (d.message ? ": " + d.message : "")));
  const name = make("td", {}, make("i", { style: `display:inline-block;width:9px;height:9px;border-radius:3px;margin-right:7px;background:${colour(d.component)}` }), d.component);
  const row = make("tr", { title: "Show this hour in the charts" },
    make("td", { className: "time" }, clock(d.atS, true)), name,
    make("td", {}, make("span", { className: "move " + (out ? "out" : "in") }, `${d.from} → ${d.to}`)), why);
  row.addEventListener("click", () => {
    const step = Math.floor((d.atS - run.start_s) / run.step_s);
    const half = Math.max(10, Math.round(1800 / run.step_s));
    zoom(step - half, step + half);
    $("fleet").scrollIntoView({ behavior: "smooth", block: "center" });
  });
  return row;
}

function showDecisions() {
  const found = chosen();
  const shown = found.slice(0, PAGE * pages);
  const head = make("tr", {}, ...["Time (UTC)", "Model", "Copies", "Why"].map((name) => make("th", {}, name)));
  $("decisions").replaceChildren(make("thead", {}, head), make("tbody", {}, ...shown.map(decisionRow)));
  const where = view.from === 0 && view.to === steps ? "" : " in the period shown above";
  $("decision-count").textContent = found.length ? `${plural(found.length, "decision")}${where}` : `No decision matches${where}.`;
  $("more-decisions").hidden = shown.length === found.length;
  $("more-decisions").textContent = `Show more of ${count(found.length)}`;
}

function chip(label, pressed, choose) {
  const button = make("button", { type: "button" }, label);
  button.setAttribute("aria-pressed", pressed);
  button.addEventListener("click", () => { choose(); pages = 1; chips(); showDecisions(); });
  return button;
}

function chips() {
  const list = KINDS.filter(([, test]) => decisions.some(test)).map(([name]) =>
    chip(name, filter.kind === name, () => { filter.kind = filter.kind === name ? null : name; }));
  const names = [...new Set(decisions.map((d) => d.component))];
  if (names.length <= 12) {
    for (const name of models.map((model) => model.name).filter((one) => names.includes(one))) {
      list.push(chip(name, filter.component === name, () => { filter.component = filter.component === name ? null : name; }));
    }
  }
  $("chips").replaceChildren(...list);
}

$("find-decision").addEventListener("input", (event) => { filter.words = event.target.value.trim().toLowerCase(); pages = 1; showDecisions(); });
$("more-decisions").addEventListener("click", () => { pages += 1; showDecisions(); });
onZoom.push(() => { pages = 1; showDecisions(); });
chips();
showDecisions();
