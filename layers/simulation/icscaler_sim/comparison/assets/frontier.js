// The frontiers: GPU-hours against the share that was lost, on a logarithmic scale.
const AXIS = { left: 62, right: 16, top: 12, bottom: 40, height: 380 };

function bestOf(points) {
  const found = [];
  for (const point of [...points].sort((a, b) => a.x - b.x || a.lost - b.lost)) {
    if (!found.length || point.lost < found.at(-1).lost) found.push(point);
  }
  return found;
}

function scalesFor(points, width) {
  const least = Math.min(...points.filter((p) => p.lost > 0).map((p) => p.lost), 0.1);
  const most = Math.max(...points.map((p) => p.lost), least * 10);
  const low = Math.floor(Math.log10(least));
  const high = Math.min(0, Math.ceil(Math.log10(most)));
  const anyZero = points.some((p) => p.lost === 0);
  const floor = AXIS.height - AXIS.bottom - (anyZero ? 24 : 0);
  const span = Math.max(1, high - low);
  const y = (lost) => (lost === 0 ? AXIS.height - AXIS.bottom - 8 : floor - ((Math.log10(lost) - low) / span) * (floor - AXIS.top));
  const [from, to] = [Math.min(...points.map((p) => p.x)), Math.max(...points.map((p) => p.x))];
  const wide = from > 0 && to / from > 8;
  const [a, b] = wide ? [Math.log10(from) - 0.05, Math.log10(to) + 0.05] : [Math.max(0, from - 0.12 * (to - from || from || 1)), to + 0.08 * (to - from || from || 1)];
  const x = (hours) => AXIS.left + (((wide ? Math.log10(hours) : hours) - a) / (b - a)) * (width - AXIS.left - AXIS.right);
  return { x, y, low, high, anyZero, floor, from: wide ? 10 ** a : a, to: wide ? 10 ** b : b, wide };
}

function xTicks(scale, width) {
  if (scale.wide) {
    const found = [];
    for (let power = Math.floor(Math.log10(scale.from)); 10 ** power <= scale.to; power += 1) {
      for (const m of [1, 2, 5]) if (m * 10 ** power >= scale.from && m * 10 ** power <= scale.to) found.push(m * 10 ** power);
    }
    return found;
  }
  const rough = (scale.to - scale.from) / Math.max(3, width / 90);
  const unit = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 2.5, 5, 10].map((m) => m * unit).find((step) => step >= rough);
  const found = [];
  for (let at = Math.ceil(scale.from / size) * size; at <= scale.to; at += size) found.push(at);
  return found;
}

function frame(root, scale, width) {
  const right = width - AXIS.right;
  for (let power = scale.low; power <= scale.high; power += 1) {
    const at = scale.y(10 ** power);
    root.append(svg("line", { class: "grid", x1: AXIS.left, x2: right, y1: at, y2: at }));
    root.append(svg("text", { x: AXIS.left - 8, y: at + 4, "text-anchor": "end" }, `${Number((100 * 10 ** power).toPrecision(1))} %`));
  }
  if (scale.anyZero) {
    const at = scale.y(0);
    root.append(svg("line", { class: "zero", x1: AXIS.left, x2: right, y1: at, y2: at }));
    root.append(svg("text", { x: AXIS.left - 8, y: at + 4, "text-anchor": "end" }, "none"));
  }
  for (const hours of xTicks(scale, width)) {
    const at = scale.x(hours);
    root.append(svg("line", { class: "grid", x1: at, x2: at, y1: AXIS.top, y2: AXIS.height - AXIS.bottom }));
    root.append(svg("text", { x: at, y: AXIS.height - AXIS.bottom + 16, "text-anchor": "middle" }, amount(hours)));
  }
  root.append(svg("text", { x: right, y: AXIS.height - 6, "text-anchor": "end" }, "GPU-hours" + (scale.wide ? " (logarithmic)" : "")));
  root.append(svg("text", { x: AXIS.left, y: AXIS.height - 6 }, "\u2193 lost share, logarithmic"));
}

const tagOf = (policy) => policy.name + (policy.gaps ? `, ${policy.gaps}` : "");

function tagPlaces(points, scale, all) {
  const taken = all.map((point) => [scale.x(point.x) - 5, scale.y(point.lost) - 5, scale.x(point.x) + 5, scale.y(point.lost) + 5]);
  const found = [];
  for (const point of points) {
    const [x, y] = [scale.x(point.x), scale.y(point.lost)];
    const width = 6.2 * tagOf(point.policy).length;
    const spots = [[x + 9, y + 4, "start"], [x - 9, y + 4, "end"], [x, y - 10, "middle"], [x, y + 18, "middle"]];
    const spot = spots.find(([a, b, anchor]) => {
      const left = anchor === "start" ? a : anchor === "end" ? a - width : a - width / 2;
      if (left < AXIS.left || left + width > scale.x(scale.to)) return false;
      const box = [left, b - 11, left + width, b + 2];
      if (taken.some((t) => box[0] < t[2] && box[2] > t[0] && box[1] < t[3] && box[3] > t[1])) return false;
      taken.push(box);
      return true;
    });
    if (spot) found.push([point, spot]);
  }
  return found;
}

function frontierPlot(holder, lossOf) {
  const points = policies.map((policy, place) => ({ policy, place, x: policy.gpu_hours, lost: lossOf(policy) }));
  const width = Math.max(320, holder.clientWidth);
  const root = svg("svg", { viewBox: `0 0 ${width} ${AXIS.height}`, height: AXIS.height, role: "img", "aria-label": "GPU-hours against lost share for every run" });
  const scale = scalesFor(points, width);
  frame(root, scale, width);
  const leads = [];
  const kinds = new Map(points.map(({ policy }) => [`${policy.name} ${policy.gaps}`, policy]));
  for (const { name, gaps } of kinds.values()) {
    const mine = points.filter((point) => point.policy.name === name && point.policy.gaps === gaps);
    const line = bestOf(mine);
    if (line.length > 1) {
      root.append(svg("path", { class: "front", style: `stroke:${hueOf(name)}`, d: "M" + line.map((p) => `${scale.x(p.x).toFixed(1)},${scale.y(p.lost).toFixed(1)}`).join("L") }));
    }
    leads.push(name === data.ours ? mine[0] : line[Math.floor(line.length / 2)]);
  }
  const order = [...points].sort((a, b) => (a.policy.name === data.ours) - (b.policy.name === data.ours));
  for (const point of order) {
    const size = point.policy.name === data.ours ? 7 : 5;
    const shape = mark(point.policy.name, scale.x(point.x), scale.y(point.lost), size, isBound(point.policy));
    shape.addEventListener("pointermove", (event) => showTip(event, point.policy.label, [
      ...(point.policy.knobs_said ? [["settings", point.policy.knobs_said]] : []),
      ["GPU-hours", amount(point.x)], ["lost", lostText(lostOf(point.policy.requests))],
      ["lost per model", lostText(point.policy.model_lost_mean)], ["dollars", dollars(point.policy.dollars)]]));
    shape.addEventListener("pointerleave", hideTip);
    shape.addEventListener("click", () => choosePolicy(point.place, true));
    root.append(shape);
  }
  leads.sort((a, b) => (b.policy.name === data.ours) - (a.policy.name === data.ours));
  for (const [point, [x, y, anchor]] of tagPlaces(leads, scale, points)) {
    root.append(svg("text", { class: "tag" + (point.policy.name === data.ours ? " ours" : ""), x, y, "text-anchor": anchor }, tagOf(point.policy)));
  }
  holder.replaceChildren(root);
}

function frontiers() {
  frontierPlot($("by-request"), (policy) => lostOf(policy.requests));
  frontierPlot($("by-model"), (policy) => policy.model_lost_mean);
}

function levels() {
  const top = make("tr", {}, make("th", {}, "policy"), ...data.loss_levels.map((level) => make("th", { className: "num" }, `${Number((100 * level).toPrecision(2))} % lost`)));
  const body = make("tbody");
  for (const [said, hours] of data.at_losses) {
    const mine = said === data.ours || said.startsWith(data.ours + " ");
    body.append(make("tr", { className: mine ? "mine" : "" }, make("td", {}, said),
      ...hours.map((value) => make("td", { className: "num" }, value === null ? "\u2013" : amount(value)))));
  }
  $("levels").replaceChildren(make("thead", {}, top), body);
}

levels();
for (const name of names) {
  const policy = policies.find((one) => one.name === name);
  $("marks").append(make("li", {}, markIcon(policy), policy.label));
}
frontiers();
let redrawing = 0;
window.addEventListener("resize", () => { cancelAnimationFrame(redrawing); redrawing = requestAnimationFrame(frontiers); });
