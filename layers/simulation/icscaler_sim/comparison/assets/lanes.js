// One model: its demand, and below each other the copies every policy held for it.
const series = data.timelines;
const LANE = { left: 44, right: 8 };

function niceTop(value) {
  if (value <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((m) => m * unit >= value) * unit;
}

function stepped(values, x, y) {
  let path = `M${x(0)},${y(0)}`;
  let before = null;
  for (let at = 0; at < values.length; at += 1) {
    const value = y(values[at]).toFixed(1);
    if (value !== before) path += `H${x(at).toFixed(1)}V${value}`;
    before = value;
  }
  return path + `H${x(values.length).toFixed(1)}`;
}

function ticks(root, x, height, withText) {
  const total = 3600 * played.period.hours;
  const size = [600, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 172800, 604800].find((s) => total / s <= 9) || 2419200;
  const first = Math.ceil(played.period.from_s / size) * size - played.period.from_s;
  for (let at = first; at <= total; at += size) {
    const place = x(at / series.step_s);
    root.append(svg("line", { class: "grid", x1: place, x2: place, y1: 4, y2: height - (withText ? 20 : 4) }));
    if (withText) root.append(svg("text", { x: place, y: height - 5, "text-anchor": place > x(series.points) - 30 ? "end" : "middle" }, moment(at)));
  }
}

function drawLane(holder, values, lost, hue, height, options) {
  const width = Math.max(300, holder.clientWidth);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": options.label });
  const floor = height - (options.axis ? 20 : 4);
  const x = (at) => LANE.left + (at / series.points) * (width - LANE.left - LANE.right);
  const y = (value) => floor - (value / options.top) * (floor - 6);
  ticks(root, x, height, options.axis);
  root.append(svg("line", { class: "axis", x1: LANE.left, x2: width - LANE.right, y1: floor, y2: floor }));
  root.append(svg("text", { x: LANE.left - 7, y: 13, "text-anchor": "end" }, compact.format(options.top) + options.unit));
  if (values) {
    root.append(svg("path", { d: stepped(values, x, y) + `V${floor}Z`, style: `fill:${hue}`, "fill-opacity": 0.34 }));
    root.append(svg("path", { d: stepped(values, x, y), style: `stroke:${hue};fill:none`, "stroke-width": 1.3 }));
  }
  const thick = Math.max(2, (width - LANE.left - LANE.right) / series.points);
  const most = Math.max(1, ...(lost || []));
  (lost || []).forEach((value, at) => {
    if (!value) return;
    const tall = 5 + (Math.log1p(value) / Math.log1p(most)) * (floor - 16);
    root.append(svg("rect", { class: "lost", x: x(at), y: floor - tall, width: thick, height: tall, opacity: 0.75 }));
  });
  root.addEventListener("pointermove", (event) => {
    const box = root.getBoundingClientRect();
    const share = (((event.clientX - box.left) / box.width) * width - LANE.left) / (width - LANE.left - LANE.right);
    const at = Math.max(0, Math.min(series.points - 1, Math.floor(share * series.points)));
    const rows = [[options.what, amount(values ? values[at] || 0 : 0)]];
    if (lost && lost[at]) rows.push(["late or refused", count(lost[at])]);
    showTip(event, moment(at * series.step_s), rows);
  });
  root.addEventListener("pointerleave", hideTip);
  holder.replaceChildren(root);
}

function modelOf(policy, name) {
  return policy.models.find((one) => one.name === name);
}

function laneRow(label, kind) {
  const plot = make("div");
  $("lanes").append(make("div", { className: "lane " + kind }, label, plot));
  return plot;
}

function lanes() {
  const name = chosen.model;
  $("lanes").replaceChildren();
  const demand = series.demand[name];
  const size = modelOf(ours, name) || policies.map((one) => modelOf(one, name)).find(Boolean);
  const head = make("div", {}, make("div", { className: "name" }, "requests a second"),
    make("div", { className: "meta" }, `${plural(size.gpus_per_copy, "GPU")} a copy · ${size.class}${size.stratum ? " · " + size.stratum.replace("_", " ") : ""}`),
    make("div", { className: "meta" }, `${compact.format(size.requests.total)} requests`));
  drawLane(laneRow(head, "demand"), demand, null, "var(--soft)", 84, { top: niceTop(Math.max(0, ...(demand || []))), unit: "/s", label: `Demand of ${name}`, what: "requests a second", axis: false });
  const top = Math.max(1, ...series.runs.map((run) => Math.ceil(Math.max(0, ...(run.held[name] || [])))));
  series.runs.forEach((run, place) => {
    const policy = policies[run.policy];
    const mine = modelOf(policy, name);
    const last = place === series.runs.length - 1;
    const label = make("div", {}, make("div", { className: "name" }, markIcon(policy), policy.said),
      make("div", { className: "meta" }, mine ? `${amount(mine.gpu_hours)} GPU-hours · ${plural(mine.starts, "start")}` : "has no copy of it"));
    if (mine && mine.requests.total) {
      const lost = lostOf(mine.requests);
      label.append(make("div", { className: "meta" + (lost > 0.01 ? " up" : "") }, `${lostText(lost)} lost · ${count(mine.cold_minutes)} cold minutes`));
    }
    drawLane(laneRow(label, ""), run.held[name], run.lost[name], hueOf(policy.name), last ? 82 : 66, { top, unit: "", label: `Copies of ${name} under ${policy.said}`, what: "copies held", axis: last });
  });
}

function chooseModel(name) {
  chosen.model = name;
  $("find-model").value = name;
  for (const chip of $("model-chips").children) chip.setAttribute("aria-pressed", String(chip.textContent === name));
  lanes();
}

function laneSetup() {
  const known = ours.models.map((model) => model.name);
  if (!series || !known.length) {
    $("lanes-card").hidden = true;
    return;
  }
  $("lanes-hint").textContent = `Copies held (means of ${longText(series.step_s)}) from start order to removal; in red, by size on a logarithmic scale, when requests were found late or refused.`;
  const called = ours.models.filter((model) => model.requests.total);
  const busiest = [...called].sort((a, b) => b.requests.total - a.requests.total);
  const worst = [...called].sort((a, b) => b.requests.late + b.requests.refused - a.requests.late - a.requests.refused);
  const rare = [...called].sort((a, b) => a.requests.total - b.requests.total);
  const shown = [...new Set([...busiest.slice(0, 4), ...worst.slice(0, 4), ...rare.slice(0, 3)].map((model) => model.name))];
  for (const name of shown) {
    const chip = make("button", { type: "button", title: name }, name);
    chip.addEventListener("click", () => chooseModel(name));
    $("model-chips").append(chip);
  }
  $("model-names").append(...known.map((name) => make("option", { value: name })));
  $("find-model").addEventListener("change", (event) => { if (known.includes(event.target.value)) chooseModel(event.target.value); });
  chooseModel(shown[0] || known[0]);
  let waiting = 0;
  window.addEventListener("resize", () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(lanes); });
}
laneSetup();
