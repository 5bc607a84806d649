// Losses by group, one run in detail, and how to read the figures.
const groupShown = { kind: "strata" };

function heat(fraction) {
  if (fraction === null || fraction === 0) return "";
  const strength = Math.max(0, Math.min(1, (Math.log10(fraction) + 4) / 4));
  return `background:color-mix(in srgb, var(--bad) ${Math.round(6 + 50 * strength)}%, transparent)`;
}

function groupTable() {
  const kind = groupShown.kind;
  const groups = [...new Set(policies.flatMap((one) => Object.keys(one[kind])))];
  const sizes = (name) => policies.map((one) => one[kind][name]).find(Boolean);
  const top = make("tr", {}, make("th", {}, "policy"), ...groups.map((name) => make("th", { className: "num" }, `${name.replace("_", " ")} (${sizes(name).models})`)));
  const body = make("tbody");
  for (const policy of policies) {
    const row = make("tr", { className: policy.name === data.ours ? "mine" : isBound(policy) ? "bound" : "" }, make("td", {}, markIcon(policy), " ", policy.said));
    for (const name of groups) {
      const found = policy[kind][name];
      const called = found && found.requests.total;
      const fraction = called ? lostOf(found.requests) : null;
      const cell = make("td", { className: "num", style: heat(fraction) }, called ? lostText(fraction) : "\u2013");
      if (found) {
        cell.addEventListener("pointermove", (event) => showTip(event, `${policy.said}: ${name}`, [
          ["requests", count(found.requests.total)], ["late", count(found.requests.late)], ["refused", count(found.requests.refused)],
          ["lost per model", lostText(found.model_lost_mean)], ["GPU-hours", amount(found.gpu_hours)]]));
        cell.addEventListener("pointerleave", hideTip);
      }
      row.append(cell);
    }
    body.append(row);
  }
  $("groups").replaceChildren(make("thead", {}, top), body);
}

function groupChips() {
  for (const [kind, text] of [["strata", "By traffic"], ["classes", "By class"]]) {
    const chip = make("button", { type: "button" }, text);
    chip.setAttribute("aria-pressed", String(kind === groupShown.kind));
    chip.addEventListener("click", () => {
      groupShown.kind = kind;
      for (const other of $("group-kind").children) other.setAttribute("aria-pressed", String(other === chip));
      groupTable();
    });
    $("group-kind").append(chip);
  }
}

// ---- one run
function fact(list, what, value, more) {
  list.append(make("div", {}, make("dt", {}, what), make("dd", {}, value, " ", make("small", {}, more || ""))));
}

function simpleTable(title, head, rows, empty) {
  const holder = make("div", {}, make("h3", {}, title));
  if (!rows.length) {
    holder.append(make("p", { className: "empty" }, empty));
    return holder;
  }
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...head.map((text, at) => make("th", { className: at ? "num" : "" }, text)))));
  const body = make("tbody");
  for (const row of rows) body.append(make("tr", {}, ...row.map((text, at) => make("td", { className: at ? "num" : "" }, text))));
  table.append(body);
  holder.append(make("div", { className: "scroll" }, table));
  return holder;
}

function knobTable(policy) {
  const known = data.knobs[policy.name] || {};
  const said = (value) => (value === null ? "none" : String(value));
  const rows = Object.entries(policy.settings).map(([name, value]) => {
    const [usual, meaning] = known[name] || [undefined, ""];
    return [meaning ? `${name}: ${meaning}` : name, said(value), usual === undefined ? "" : said(usual)];
  });
  return simpleTable("Settings", ["knob", "here", "default"], rows, "As the fleet file says.");
}

function worstTable(policy) {
  const lost = (model) => model.requests.late + model.requests.refused;
  const worst = policy.models.filter((model) => lost(model)).sort((a, b) => lost(b) - lost(a)).slice(0, 12);
  const rows = worst.map((model) => [model.name, count(model.requests.total), count(lost(model)), lostText(lost(model) / model.requests.total), count(model.cold_minutes), amount(model.gpu_hours)]);
  return simpleTable("Models that lost most", ["model", "requests", "lost", "share", "cold minutes", "GPU-hours"], rows, "Nobody lost a request.");
}

function details() {
  const policy = policies[chosen.policy];
  $("which").value = String(chosen.policy);
  const facts = make("dl", { className: "facts" });
  const wakes = policy.wakes;
  fact(facts, "GPU-hours held by copies", amount(policy.gpu_hours), `${amount(policy.gpus_mean)} on average`);
  fact(facts, "Instances", `${amount(policy.instance_hours)} h`, `${amount(policy.instance_gpu_hours)} GPU-hours`);
  fact(facts, "Dollars", dollars(policy.dollars), `${dollars(policy.cheapest.dollars)} on cheapest types${policy.cheapest.estimated_price ? ", estimated" : ""}`);
  fact(facts, "Requests lost", lostText(lostOf(policy.requests)), `${lostText(policy.model_lost_mean)} per model`);
  fact(facts, "Wakes", count(wakes.total), wakes.total ? `p50 ${precise(wakes.p50_s)}, p90 ${precise(wakes.p90_s)}` : "");
  fact(facts, "of which the copy's start", wakes.total ? precise(wakes.startup_p50_s) : "\u2013", wakes.total ? `p90 ${precise(wakes.startup_p90_s)}` : "");
  fact(facts, "Changes", count(policy.changes.total), `${count(policy.changes.scale_out)} out, ${count(policy.changes.scale_in)} in, ${count(policy.changes.to_zero)} to zero`);
  fact(facts, "Starts", count(policy.starts), `${count(policy.young_kills)} removed within 10 min`);
  if (policy.held) fact(facts, "Held by its proxy", count(policy.held.total), `${count(policy.held.in_time)} in time, ${count(policy.held.late)} late, ${count(policy.held.timed_out)} timed out`);
  fact(facts, "Cold minutes with demand", count(policy.cold_minutes), "");
  fact(facts, "Called, never woken", count(policy.never_woken.length), policy.never_woken.slice(0, 3).join(", "));
  const refused = Object.entries(policy.changes.not_accepted).map(([kind, n]) => [kind, count(n)]);
  const callRows = Object.entries(policy.aws_calls).map(([name, n]) => [name, count(n)]);
  const left = make("div", {}, knobTable(policy), simpleTable("AWS calls", ["operation", "calls"], callRows, "None: it runs inside AWS, or does nothing."));
  if (refused.length) left.append(simpleTable("Changes that AWS did not take", ["outcome", "times"], refused, ""));
  $("details").replaceChildren(make("p", { className: "hint" }, `${policy.label}${policy.gaps ? ", gaps " + policy.gaps : ""}`), facts, make("div", { className: "two" }, left, worstTable(policy)));
}

function notes() {
  const own = Object.entries(played.in_time_s.classes).map(([name, value]) => `, ${value} s for ${name},`).join("");
  const limits = `${played.in_time_s.usual} s${own}`;
  const lines = [
    `In time: service began within ${limits} of arrival. Late: served after that. Refused: error or gave up, zero copies included. Lost: late and refused. Every arrival counts; requests held by a proxy follow the same clock.`,
    "GPU-hours: GPUs held by copies from start order to removal. GPU-hours of instances: GPUs of billed instances, used or not.",
    `Dollars: as simulated on ${played.reference_type}, and the same copies packed on the cheapest types that fit (prices of ${played.prices.as_of}: ${played.prices.source}). That a smaller GPU serves more slowly is not priced.`,
    "Lost per model: the mean over called models of their own lost share. Served: the share in time over called models, its median and 5th percentile.",
    "Cold minute: a minute in which somebody met no ready copy. Wake: from the first refused (or held) request until a copy answers. Young kill: a copy removed by demand within 10 minutes of being ready.",
    "Static peak: copies for the busiest 60 s of the period, no headroom. Clairvoyant: knows the traffic and every start-up time; nobody can hold fewer GPUs and serve as many.",
    "Observations of every policy pass through the same metrics as on AWS: their period, lag and silence. Nobody reads the traffic.",
  ];
  if (Object.keys(played.classes).length) lines.push("Models by class: " + Object.entries(played.classes).map(([name, n]) => `${n} ${name}`).join(", ") + ".");
  $("notes").append(...lines.map((line) => make("li", {}, line)));
}

policies.forEach((policy, place) => $("which").append(make("option", { value: String(place) }, policy.said + (played.seeds.length > 1 ? `, seed ${policy.seed}` : ""))));
$("which").addEventListener("change", (event) => choosePolicy(Number(event.target.value)));
groupChips();
groupTable();
details();
notes();
onChoose.push(details);
