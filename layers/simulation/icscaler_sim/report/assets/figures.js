// Key figures, costs, wakes, requests, notes.
const others = run.alternatives.slice(1);
const ours = run.alternatives[0];

function tile(what, value, unit, more) {
  const figure = make("div", { className: "value" }, value);
  if (unit) figure.append(" ", make("small", {}, unit));
  $("tiles").append(make("div", { className: "tile" }, make("div", { className: "what" }, what), figure, make("div", { className: "more" }, ...more)));
}

function compared(mine, theirs, label) {
  if (!theirs) return make("span", {}, "nothing to compare with");
  const share = mine / theirs - 1;
  const word = share <= 0 ? "less" : "more";
  const node = make("span", {}, make("b", { className: share <= 0 ? "down" : "up" }, `${percent(Math.abs(share), 0)} ${word}`));
  node.append(" than " + label);
  return node;
}

function tiles() {
  const { total, in_time: inTime, late, refused } = run.requests;
  tile("Requests in time", total ? percent(inTime / total, 2) : "none", total ? "of " + compact.format(total) : "",
    [`${count(late)} late, ${count(refused)} refused`]);
  if (ours && others.length) {
    const base = others[0];
    tile("Dollars on " + run.reference_type.replace(/^ml\./, ""), dollars(ours.reference.dollars), "",
      [compared(ours.reference.dollars, base.reference.dollars, base.label.split(",")[0])]);
    tile("GPU-hours held", amount(ours.reference.gpu_hours), "",
      [compared(ours.reference.gpu_hours, base.reference.gpu_hours, "always at peak")]);
  }
  const wakes = run.wake_figures;
  const moves = run.change_figures;
  tile("Changes", count(moves.total), "",
    [`${moves.scale_out} out, ${moves.scale_in} in · ` + (wakes.total ? `${plural(wakes.total, "wake")}, p50 ${duration(wakes.p50_s)}, p90 ${duration(wakes.p90_s)}` : "no wake from zero")]);
}

// ---- costs: one group of bars per figure, ours against each alternative
function costGroup(title, detail, pick, format, says) {
  const rows = run.alternatives.map((one) => ({ one, value: pick(one) }));
  const most = Math.max(...rows.map((row) => row.value), 1e-9);
  const box = make("div", { className: "cost" }, make("h3", {}, title + " ", make("span", {}, detail)));
  for (const { one, value } of rows) {
    const mine = one === ours;
    const fill = make("div", { className: "fill", style: `width:${(62 * value) / most}%` });
    const track = make("div", { className: "track" }, fill, make("span", { className: "amount" }, format(value)));
    if (!mine && rows[0].value && value) track.append(make("span", { className: "vs" }, short.format(value / rows[0].value) + "×"));
    box.append(make("div", { className: "bar" + (mine ? " mine" : "") }, make("span", { className: "name" }, one.label), track));
  }
  if (says) box.append(says);
  return box;
}

function verdictOn(pick, where) {
  if (!run.requests.total) return make("p", { className: "says" }, "Nobody called any model: there is nothing to compare with.");
  const losses = others.filter((one) => pick(one) < pick(ours));
  if (!losses.length) return make("p", { className: "says" }, `icscaler is the cheapest ${where}.`);
  const worst = losses.reduce((a, b) => (pick(a) < pick(b) ? a : b));
  const gap = pick(ours) - pick(worst);
  return make("p", { className: "says" }, make("b", { className: "up" }, `A loss ${where}: `), `“${worst.label}” would cost ${dollars(gap)} less.`);
}

function machines(bill) {
  const parts = Object.entries(bill.instances).map(([name, n]) => `${n} × ${name.replace(/^ml\./, "")}`);
  return parts.length ? parts.join(" + ") : "none";
}

function costs() {
  if (!ours) return;
  const type = run.reference_type;
  $("cost-hint").textContent = `icscaler as it ran, against the same traffic served at static peak: enough copies for the busiest minute, all the time. Prices of ${run.prices.as_of}.`;
  const onType = (one) => one.reference.dollars;
  const cheapest = (one) => one.cheapest.dollars;
  $("costs").append(
    costGroup("Dollars", "on " + type, onType, dollars, verdictOn(onType, "on this type")),
    costGroup("Dollars", "each on its cheapest fitting types", cheapest, dollars, verdictOn(cheapest, "on the cheapest fitting types")),
    costGroup("GPU-hours", "held by copies", (one) => one.reference.gpu_hours, amount),
    costGroup("Instance GPU-hours", "billed on " + type, (one) => one.reference.instance_gpu_hours, amount));
}

// ---- wakes
const PHASES = [["decision", "var(--c3)"], ["instance", "var(--c6)"], ["image", "var(--c1)"], ["weights", "var(--c0)"], ["engine", "var(--c2)"]];
function wakes() {
  if (!run.wakes.length) {
    $("wakes").append(make("p", { className: "empty" }, "No model was asked for at zero copies."));
    return;
  }
  const legend = make("ul", { className: "legend" });
  for (const [name, hue] of PHASES) legend.append(make("li", {}, make("i", { style: `background:${hue}` }), name));
  $("wakes").append(legend);
  const longest = Math.max(...run.wakes.map((wake) => wake.took_s), 1);
  const list = make("div");
  const shown = run.wakes.length > 40 ? [...run.wakes].sort((a, b) => b.took_s - a.took_s).slice(0, 40) : run.wakes;
  for (const wake of shown) {
    const bar = make("div", { className: "phases" });
    for (const [name, hue] of PHASES) {
      const took = wake.phases_s[name] || 0;
      if (took > 0) bar.append(make("i", { style: `background:${hue};width:${(100 * took) / longest}%`, title: `${name} ${precise(took)}` }));
    }
    list.append(make("div", { className: "wake" }, make("span", { className: "when" }, clock(wake.at_s, true)), make("span", {}, wake.component), bar, make("span", { className: "took" }, precise(wake.took_s))));
  }
  $("wakes").append(list);
  if (shown.length < run.wakes.length) $("wakes").append(make("p", { className: "empty" }, `The ${shown.length} longest of ${run.wakes.length} wakes; all are in summary.json.`));
}

// ---- requests per model
function requestTable() {
  const heads = ["Model", "Requests", "In time", "Late", "Refused", "In time", "GPU-hours", "Changes"];
  const row = (cells, className) => make("tr", { className: className || "" }, ...cells.map((cell, at) => make("td", { className: at ? "num" : "" }, cell)));
  const cells = (name, requests, gpuHours, changes) => [
    name, count(requests.total), count(requests.in_time), count(requests.late), count(requests.refused),
    requests.total ? percent(requests.in_time / requests.total, 2) : "–", amount(gpuHours), count(changes)];
  const body = make("tbody");
  for (const model of models.length <= 8 ? models : byGpuHours) body.append(row(cells(model.name, model.requests, model.gpu_hours, model.changes)));
  const hours = models.reduce((sum, model) => sum + model.gpu_hours, 0);
  body.append(row(cells("All", run.requests, hours, run.changes.length), "total"));
  const head = make("tr", {}, ...heads.map((name, at) => make("th", { className: at ? "num" : "" }, name)));
  $("requests").append(make("thead", {}, head), body);
}

// ---- verdict and notes
function verdict() {
  const broken = run.invariant_violations.length;
  const failed = run.failed_looks.length;
  const node = $("verdict");
  node.classList.add(broken || failed ? "bad" : "good");
  node.textContent = broken || failed ? `${plural(broken, "violation")}, ${plural(failed, "failed look")}` : `All invariants held in ${plural(run.looks, "look")}`;
  if (broken || failed) {
    $("trouble").hidden = false;
    const list = make("ul", {}, ...[...run.invariant_violations, ...run.failed_looks].slice(0, 50).map((text) => make("li", {}, text)));
    $("trouble").append(make("h2", {}, "What went wrong"), list);
  }
  const hours = run.duration_s / 3600;
  $("facts").textContent = `${run.traffic} · ${short.format(hours)} h from ${DAYS[new Date(run.start_s * 1000).getUTCDay()]} ${clock(run.start_s).slice(-5)} UTC · ${plural(models.length, "model")}`;
}

function notes() {
  const lines = [
    "GPU-hours count GPUs held by copies from start order to removal; instance GPU-hours count every GPU of a billed instance, used or not.",
    "Static peak: copies for the highest offered concurrency of any 60 s, no headroom, for every model called at least once. It knows the day's traffic beforehand.",
    "On its cheapest fitting types every alternative keeps the same number of copies; that a smaller GPU serves more slowly is not priced. icscaler's copies over time are packed on the cheapest type that hosts the biggest copy, and what it needed beyond perfect packing is added in proportion.",
    `Prices: ${run.prices.source} (${run.prices.as_of}).`, ...run.prices.notes, ...run.notes];
  for (const one of run.alternatives) lines.push(`${one.label}, most instances at a time: ${machines(one.reference)}; on cheapest fitting types ${machines(one.cheapest)}${one.cheapest.estimated ? " (an estimated price is among them)" : ""}.`);
  $("notes").append(...lines.map((line) => make("li", {}, line)));
}

verdict();
tiles();
costs();
wakes();
requestTable();
notes();
