// Data, what is chosen, key figures, and the table of all runs.
const data = JSON.parse($("data").textContent);
const policies = data.policies;
const played = data.run;
const ours = policies.find((one) => one.name === data.ours) || policies[0];
const chosen = { policy: policies.indexOf(ours), model: null };
const onChoose = [];

function choosePolicy(place, scroll = false) {
  chosen.policy = place;
  onChoose.forEach((tell) => tell());
  if (scroll) $("details-title").scrollIntoView({ behavior: "smooth", block: "start" });
}

// ---- looks: a colour and a shape for each policy
const names = [...new Set(policies.map((one) => one.name))];
const others = names.filter((name) => name !== data.ours);
const SHAPES = ["circle", "square", "diamond", "triangle"];
const hueOf = (name) => (name === data.ours ? "var(--ours)" : `var(--c${1 + (others.indexOf(name) % 7)})`);
const shapeOf = (name) => (name === data.ours ? "circle" : SHAPES[Math.floor(others.indexOf(name) / 7) + (others.indexOf(name) % 2)]);
const isBound = (policy) => policy.kind === "bound";

function mark(name, x, y, size, hollow = false) {
  const at = { class: "point" + (hollow ? " hollow" : ""), style: hollow ? `stroke:${hueOf(name)}` : `fill:${hueOf(name)}` };
  const shape = shapeOf(name);
  if (shape === "circle") return svg("circle", { ...at, cx: x, cy: y, r: size });
  if (shape === "square") return svg("rect", { ...at, x: x - size * 0.9, y: y - size * 0.9, width: size * 1.8, height: size * 1.8, rx: 1 });
  const w = size * 1.25;
  const corners = shape === "diamond" ? [[0, -w], [w, 0], [0, w], [-w, 0]] : [[0, -w], [w, w * 0.8], [-w, w * 0.8]];
  return svg("path", { ...at, d: "M" + corners.map(([a, b]) => `${(x + a).toFixed(1)},${(y + b).toFixed(1)}`).join("L") + "Z" });
}
function markIcon(policy) {
  const root = svg("svg", { class: "icon", viewBox: "0 0 13 13", "aria-hidden": "true" });
  root.append(mark(policy.name, 6.5, 6.5, 4.4, isBound(policy)));
  return root;
}

// ---- numbers
const lostOf = (requests) => (requests.total ? (requests.late + requests.refused) / requests.total : 0);
function lostText(fraction) {
  if (fraction === null) return "\u2013";
  if (fraction === 0) return "0\u00a0%";
  const value = 100 * fraction;
  const digits = value >= 10 ? 1 : value >= 1 ? 2 : value >= 0.1 ? 3 : 4;
  return (value < 0.0001 ? "<0.0001" : value.toFixed(digits)) + "\u00a0%";
}
function longText(seconds) {
  if (seconds >= 86400 && seconds % 86400 === 0) return plural(seconds / 86400, "day");
  return duration(seconds);
}
const severalDays = played.period.hours > 24;
function moment(second) {
  const at = played.period.from_s + second;
  const date = new Date(at * 1000);
  const time = date.toISOString().slice(11, 16);
  return severalDays || at >= 86400 ? `day ${Math.floor(at / 86400) + 1} ${time}` : time;
}
const calls = (policy) => Object.values(policy.aws_calls).reduce((sum, n) => sum + n, 0);

// ---- head, tiles
function head() {
  const span = `${moment(0)} to ${moment(3600 * played.period.hours)}`;
  const seeds = played.seeds.length > 1 ? `seeds ${played.seeds.join(", ")}` : `seed ${played.seeds[0]}`;
  const warm = played.period.warm_up_s ? ` after ${longText(played.period.warm_up_s)} of warm-up` : "";
  $("facts").textContent = `${longText(3600 * played.period.hours)} (${span})${warm} · ${plural(played.models, "model")} · ${count(played.requests)} requests · ${seeds} · ${played.fleet}`;
  const violations = policies.reduce((sum, one) => sum + one.invariant_violations.length, 0);
  const asleep = policies.reduce((sum, one) => sum + (one.name === data.ours ? one.never_woken.length : 0), 0);
  const bad = violations + asleep;
  $("verdict").className = "verdict " + (bad ? "bad" : "good");
  $("verdict").textContent = violations ? plural(violations, "invariant violation") : asleep ? plural(asleep, "model") + " never woken" : plural(policies.length, "run");
  const lines = [...played.notes];
  for (const one of policies) for (const text of one.invariant_violations.slice(0, 5)) lines.push(`${one.said}: ${text}`);
  if (lines.length) {
    $("trouble").hidden = false;
    $("trouble").append(make("h2", {}, "To know first"), make("ul", {}, ...lines.map((line) => make("li", {}, line))));
  }
}

function tile(what, value, small, more) {
  $("tiles").append(make("div", { className: "tile" }, make("div", { className: "what" }, what),
    make("div", { className: "value" }, value, " ", make("small", {}, small)), make("div", { className: "more" }, more)));
}

function tiles() {
  const real = policies.filter((one) => !isBound(one) && one.gaps === ours.gaps);
  const dearest = real.reduce((a, b) => (b.dollars > a.dollars ? b : a));
  const cheaper = dearest.dollars ? 1 - ours.dollars / dearest.dollars : 0;
  const kind = played.reference_type.replace("ml.", "");
  tile(`GPU-hours of ${ours.said}`, amount(ours.gpu_hours), "", `${amount(ours.gpus_mean)} GPUs on average; instances had ${amount(ours.instance_gpu_hours)} GPU-hours`);
  tile(`Dollars on ${kind}`, dollars(ours.dollars), "",
    `${dollars(ours.cheapest.dollars)} on cheapest types; ` + (dearest === ours ? "the dearest of the runs" : `${percent(cheaper, 0)} less than ${dearest.said}`));
  tile("Requests lost", lostText(lostOf(ours.requests)), "", `${count(ours.requests.late)} late, ${count(ours.requests.refused)} refused of ${compact.format(ours.requests.total)}`);
  const wakes = ours.wakes;
  tile("Nine of ten wakes took at most", wakes.total ? precise(wakes.p90_s) : "none", "",
    wakes.total ? `of ${plural(wakes.total, "wake")}; the copy's start alone ${precise(wakes.startup_p90_s)}` : "nobody met a model at zero copies");
}

// ---- the table
const inSeconds = (value) => count(value) + "\u00a0s";
const perModel = (one) => one.model_lost_mean;
const COLUMNS = [
  ["policy", (one) => one.label, null],
  ["GPU-hours", (one) => one.gpu_hours, amount],
  ["of instances", (one) => one.instance_gpu_hours, amount],
  ["dollars", (one) => one.dollars, dollars],
  ["cheapest types", (one) => one.cheapest.dollars, dollars],
  ["lost", (one) => lostOf(one.requests), lostText],
  ["lost per model", perModel, lostText],
  ["served p5", (one) => one.model_served.p5, (share) => percent(share, 1)],
  ["cold minutes", (one) => one.cold_minutes, count],
  ["wake p50", (one) => one.wakes.p50_s, inSeconds],
  ["wake p90", (one) => one.wakes.p90_s, inSeconds],
  ["starts", (one) => one.starts, count],
  ["young kills", (one) => one.young_kills, count],
  ["changes", (one) => one.changes.total, count],
  ["AWS calls", calls, count],
];
const sorting = { column: 1, up: true };

function sorted() {
  const value = COLUMNS[sorting.column][1];
  const sign = sorting.up ? 1 : -1;
  return [...policies].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === y) return 0;
    if (x === null || y === null) return x === null ? 1 : -1;
    return sign * (x < y ? -1 : 1);
  });
}

function runTable() {
  const top = make("tr");
  COLUMNS.forEach(([title], place) => {
    const cell = make("th", { className: place ? "num" : "", scope: "col" }, title);
    if (place === sorting.column) cell.setAttribute("aria-sort", sorting.up ? "ascending" : "descending");
    cell.addEventListener("click", () => {
      sorting.up = place === sorting.column ? !sorting.up : true;
      sorting.column = place;
      runTable();
    });
    top.append(cell);
  });
  const body = make("tbody");
  for (const policy of sorted()) {
    const place = policies.indexOf(policy);
    const kind = policy.name === data.ours ? "mine" : isBound(policy) ? "bound" : "";
    const row = make("tr", { className: kind + (place === chosen.policy ? " chosen" : ""), tabIndex: 0 });
    const seed = played.seeds.length > 1 && !isBound(policy) ? `seed ${policy.seed}` : "";
    const knobs = [policy.knobs_said, seed].filter(Boolean).join(" · ");
    row.append(make("td", {}, markIcon(policy), " ", policy.label, make("span", { className: "knobs" }, policy.name + (knobs ? " · " + knobs : ""))));
    for (const [, value, text] of COLUMNS.slice(1)) {
      const found = value(policy);
      row.append(make("td", { className: "num" }, found === null ? "\u2013" : text(found)));
    }
    row.addEventListener("click", () => choosePolicy(place, true));
    row.addEventListener("keydown", (event) => { if (event.key === "Enter") choosePolicy(place, true); });
    body.append(row);
  }
  $("runs").replaceChildren(make("thead", {}, top), body);
}

function says() {
  for (const line of data.losses) $("says").append(make("p", { className: "says up" }, line));
  if (data.verdicts.length) {
    $("says").append(make("ul", { className: "says-list" }, ...data.verdicts.slice(0, 40).map((line) => make("li", {}, `${data.ours} ${line.replaceAll(" %", "\u00a0%")}`))));
  }
}

head();
tiles();
runTable();
says();
onChoose.push(runTable);
