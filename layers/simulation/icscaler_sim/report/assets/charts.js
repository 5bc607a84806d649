// Charts over time. All share one period and one crosshair.
const LEFT = 44;
const RIGHT = 8;

function niceTop(value) {
  if (value <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((m) => m * unit >= value) * unit;
}

function timeTicks(width) {
  const spanS = (view.to - view.from) * run.step_s;
  const wanted = Math.max(2, Math.floor(width / (severalDays ? 120 : 90)));
  const sizes = [300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 172800];
  const size = sizes.find((s) => spanS / s <= wanted) || 86400 * 7;
  const ticks = [];
  const fromS = stepTime(view.from);
  for (let at = Math.ceil(fromS / size) * size; at <= stepTime(view.to); at += size) ticks.push(at);
  return ticks;
}

// A chart's frame: scales, time axis, crosshair, brush. `draw(frame)` fills it.
function timeChart(holder, height, options) {
  const chart = { render, move: () => {} };
  const bottom = options.axis ? 22 : 4;
  const top = options.top ?? 6;
  function render() {
    const width = Math.max(260, holder.clientWidth);
    const inner = width - LEFT - RIGHT;
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": options.label });
    const x = (step) => LEFT + ((step - view.from) / (view.to - view.from)) * inner;
    const frame = { root, width, inner, x, top, floor: height - bottom, left: LEFT };
    for (const at of timeTicks(inner)) {
      const place = x((at - run.start_s) / run.step_s);
      root.append(svg("line", { class: "grid", x1: place, x2: place, y1: top, y2: height - bottom }));
      if (options.axis) {
        const edge = place > inner + LEFT - 24 ? "end" : "middle";
        root.append(svg("text", { x: place, y: height - 6, "text-anchor": edge }, clock(at)));
      }
    }
    options.draw(frame);
    const cross = svg("line", { class: "cross", y1: top, y2: height - bottom, visibility: "hidden" });
    const brush = svg("rect", { class: "brush", y: top, height: height - bottom - top, visibility: "hidden" });
    root.append(brush, cross);
    listen(root, frame, brush, options);
    chart.move = () => {
      const shown = view.hover !== null && view.hover >= view.from && view.hover < view.to;
      cross.setAttribute("visibility", shown ? "visible" : "hidden");
      if (shown) {
        cross.setAttribute("x1", x(view.hover + 0.5));
        cross.setAttribute("x2", x(view.hover + 0.5));
      }
    };
    holder.replaceChildren(root);
    chart.move();
  }
  render();
  return chart;
}

function listen(root, frame, brush, options) {
  let anchor = null;
  const stepAt = (event) => {
    const box = root.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * frame.width;
    const share = (place - frame.left) / frame.inner;
    const step = Math.floor(view.from + share * (view.to - view.from));
    return Math.max(view.from, Math.min(view.to - 1, step));
  };
  root.addEventListener("pointermove", (event) => {
    view.hover = stepAt(event);
    moveCross();
    if (anchor !== null) {
      const [a, b] = [Math.min(anchor, view.hover), Math.max(anchor, view.hover)];
      brush.setAttribute("visibility", "visible");
      brush.setAttribute("x", frame.x(a));
      brush.setAttribute("width", Math.max(1, frame.x(b + 1) - frame.x(a)));
    }
    showTip(event, clock(stepTime(view.hover)), options.tip(view.hover));
  });
  root.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse") { anchor = stepAt(event); root.setPointerCapture(event.pointerId); }
  });
  root.addEventListener("pointerup", (event) => {
    if (anchor === null) return;
    const end = stepAt(event);
    const [a, b] = [Math.min(anchor, end), Math.max(anchor, end)];
    anchor = null;
    if (b - a >= 5) zoom(a, b + 1);
  });
  root.addEventListener("pointerleave", () => {
    view.hover = null;
    moveCross();
    hideTip();
  });
  root.addEventListener("dblclick", () => zoom(0, steps));
}

function zoom(from, to) {
  [view.from, view.to] = [Math.max(0, from), Math.min(steps, to)];
  showRange();
  redraw();
  onZoom.forEach((tell) => tell());
}

function showRange() {
  const all = view.from === 0 && view.to === steps;
  $("reset").hidden = all;
  $("range").textContent = clock(stepTime(view.from)) + " to " + clock(stepTime(view.to)) + " UTC";
}
$("reset").addEventListener("click", () => zoom(0, steps));

// A stepped outline of `values` over the shown period, closed along `base` when given.
function steppedPath(frame, values, y, base) {
  const parts = [];
  let before = null;
  for (let step = view.from; step < view.to; step += 1) {
    const value = y(values[step]).toFixed(1);
    if (value !== before) parts.push(`${before === null ? "M" : "H"}${frame.x(step).toFixed(1)}${before === null ? "," : "V"}${value}`);
    before = value;
  }
  parts.push(`H${frame.x(view.to).toFixed(1)}`);
  if (base === undefined) return parts.join("");
  const back = [];
  let last = null;
  for (let step = view.to - 1; step >= view.from; step -= 1) {
    const value = y(base[step]).toFixed(1);
    if (value !== last) back.push(last === null ? `V${value}` : `H${frame.x(step + 1).toFixed(1)}V${value}`);
    last = value;
  }
  back.push(`H${frame.x(view.from).toFixed(1)}Z`);
  return parts.join("") + back.join("");
}

function levels(frame, top, y, unit) {
  for (const value of [0, top / 2, top]) {
    frame.root.append(svg("line", { class: value ? "grid" : "axis", x1: LEFT, x2: frame.width - RIGHT, y1: y(value), y2: y(value) }));
  }
  frame.root.append(svg("text", { x: LEFT - 7, y: y(top) + 6, "text-anchor": "end" }, compact.format(top) + unit));
  frame.root.append(svg("text", { x: LEFT - 7, y: y(0) + 3, "text-anchor": "end" }, "0"));
}

// ---- the fleet: GPUs held, stacked by model, under what is paid for
function stack() {
  const layers = coloured.map((model) => ({ name: model.name, hue: colour(model.name), gpus: model.held.map((n) => n * model.gpus) }));
  const others = models.filter((model) => !colours.has(model.name));
  if (others.length) {
    const gpus = Array.from({ length: steps }, (_, at) => others.reduce((sum, model) => sum + model.held[at] * model.gpus, 0));
    layers.push({ name: plural(others.length, "other model"), hue: "var(--rest)", gpus });
  }
  let base = new Array(steps).fill(0);
  for (const layer of layers) {
    layer.base = base;
    layer.top = base.map((value, at) => value + layer.gpus[at]);
    base = layer.top;
  }
  return layers;
}

function fleetChart() {
  const layers = stack();
  for (const layer of layers) $("legend").append(make("li", {}, make("i", { style: `background:${layer.hue}` }), layer.name));
  $("legend").append(make("li", {}, make("i", { className: "line", style: "background:var(--capacity)" }), "GPUs of running instances"));
  charts.fleet = timeChart($("fleet"), 270, {
    axis: true,
    label: "GPUs held by each model over time, and GPUs of the instances that were running",
    draw(frame) {
      const peak = Math.max(...run.gpu_capacity.slice(view.from, view.to), ...layers.at(-1).top.slice(view.from, view.to));
      const top = Math.max(8, Math.ceil(peak / 8) * 8);
      const y = (value) => frame.floor - (value / top) * (frame.floor - frame.top);
      for (let mark = 0; mark <= top; mark += Math.max(8, Math.ceil(top / 32) * 8)) {
        frame.root.append(svg("line", { class: mark ? "grid" : "axis", x1: LEFT, x2: frame.width - RIGHT, y1: y(mark), y2: y(mark) }));
        frame.root.append(svg("text", { x: LEFT - 7, y: y(mark) + 4, "text-anchor": "end" }, mark));
      }
      for (const layer of layers) {
        frame.root.append(svg("path", { d: steppedPath(frame, layer.top, y, layer.base), style: `fill:${layer.hue}`, "fill-opacity": 0.86 }));
      }
      frame.root.append(svg("path", { class: "cap", d: steppedPath(frame, run.gpu_capacity, y) }));
    },
    tip(step) {
      const rows = layers.filter((layer) => layer.gpus[step] > 0).map((layer) => [layer.name, amount(layer.gpus[step]), layer.hue]).reverse();
      return [...rows, ["GPUs in use", amount(run.gpus_in_use[step])], ["GPUs of instances", amount(run.gpu_capacity[step])]];
    },
  });
}

// ---- one lane per model: demand above, copies below
function lane(model, last) {
  const plot = make("div");
  const lost = model.requests.late + model.requests.refused;
  const share = model.requests.total ? percent(model.requests.in_time / model.requests.total, 2) + " in time" : "never called";
  const label = make("div", {},
    make("div", { className: "name" }, make("i", { style: `background:${colour(model.name)}` }), model.name),
    make("div", { className: "meta" }, `${plural(model.gpus, "GPU")} a copy · ${amount(model.gpu_hours)} GPU-hours`),
    make("div", { className: "meta" }, `${compact.format(model.requests.total)} requests · ${share}`));
  if (lost) label.append(make("div", { className: "meta up" }, `${count(lost)} refused or late`));
  if (model.min_copies) label.append(make("span", { className: "badge" }, model.protected ? "always warm, protected" : `floor ${model.min_copies}`));
  const row = make("div", { className: "lane" }, label, plot);
  $("lanes").append(row);
  charts.lanes.push(timeChart(plot, last ? 140 : 118, { top: 6, axis: last, label: `Demand and copies of ${model.name}`, draw: (frame) => drawLane(frame, model), tip: (step) => laneTip(model, step) }));
}

function drawLane(frame, model) {
  const split = 66;
  const copiesTop = 80;
  const shown = (values) => Math.max(0, ...values.slice(view.from, view.to));
  const top = niceTop(shown(model.demand));
  const y = (value) => split - (Math.min(value, top) / top) * (split - frame.top);
  levels(frame, top, y, "/s");
  const zero = new Array(steps).fill(0);
  frame.root.append(svg("path", { d: steppedPath(frame, model.demand, y, zero), style: `fill:${colour(model.name)}`, "fill-opacity": 0.32 }));
  frame.root.append(svg("path", { d: steppedPath(frame, model.demand, y), style: `stroke:${colour(model.name)}`, fill: "none", "stroke-width": 1 }));
  const wide = Math.max(2, frame.inner / (view.to - view.from));
  for (let step = view.from; step < view.to; step += 1) {
    if (!model.lost[step]) continue;
    const tall = y(0) - Math.min(y(model.lost[step] / run.step_s), y(0) - 5);
    frame.root.append(svg("rect", { class: "lost", x: frame.x(step), y: y(0) - tall, width: wide, height: tall }));
  }
  const most = Math.max(1, Math.ceil(shown(model.held)));
  const z = (value) => frame.floor - (value / most) * (frame.floor - copiesTop);
  levels(frame, most, z, "");
  frame.root.append(svg("path", { d: steppedPath(frame, model.held, z, zero), style: `fill:${colour(model.name)}`, "fill-opacity": 0.3 }));
  frame.root.append(svg("path", { d: steppedPath(frame, model.ready, z, zero), style: `fill:${colour(model.name)}`, "fill-opacity": 0.8 }));
}

function laneTip(model, step) {
  const rows = [["Requests a second", amount(model.demand[step])]];
  if (model.lost[step]) rows.push(["Refused or late", count(model.lost[step])]);
  rows.push(["Copies that serve", amount(model.ready[step])], ["Copies held", amount(model.held[step])]);
  return rows;
}

const LANES_AT_FIRST = 12;
function laneList() {
  const order = models.length <= 8 ? models : byGpuHours;
  let wanted = "";
  let all = false;
  const show = () => {
    $("lanes").replaceChildren();
    charts.lanes = [];
    const found = order.filter((model) => model.name.toLowerCase().includes(wanted));
    const shown = all ? found : found.slice(0, LANES_AT_FIRST);
    shown.forEach((model, place) => lane(model, place === shown.length - 1));
    if (!found.length) $("lanes").append(make("p", { className: "empty" }, "No model of that name."));
    $("more-models").hidden = shown.length === found.length;
    $("more-models").textContent = `Show all ${found.length} models`;
  };
  $("find-model").hidden = models.length <= 8;
  $("find-model").addEventListener("input", (event) => { wanted = event.target.value.trim().toLowerCase(); show(); });
  $("more-models").addEventListener("click", () => { all = true; show(); });
  show();
}

fleetChart();
laneList();
showRange();
let resizing = 0;
window.addEventListener("resize", () => { cancelAnimationFrame(resizing); resizing = requestAnimationFrame(redraw); });
