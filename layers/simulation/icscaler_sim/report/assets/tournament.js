// The rules that voted on a chosen model's copies, at one look of each hour.
function tournament() {
  const names = models.map((model) => model.name).filter((name) => run.standings.some((one) => one.component === name));
  if (!names.length) return;
  $("tournament").hidden = false;
  const pick = $("tournament-model");
  const when = $("tournament-time");
  const of = (name) => run.standings.filter((one) => one.component === name);
  const option = (value, text) => make("option", { value: String(value) }, text);

  function show() {
    const one = of(pick.value)[Number(when.value)];
    const heads = ["Rule", "Wishes", "Weight", "GPU-minutes held", "Requests lost", "Cost in requests"];
    const head = make("tr", {}, ...heads.map((name, at) => make("th", { className: at ? "num" : "" }, name)));
    const rows = one.rules.map(([name, copies, weight, held, lost, cost]) =>
      make("tr", {}, ...[name, count(copies), percent(weight, 0), amount(held), amount(lost), count(cost)]
        .map((cell, at) => make("td", { className: at ? "num" : "" }, cell))));
    $("tournament-rules").replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
    const others = one.next_best.filter(([copies]) => copies !== one.copies)
      .map(([copies, more]) => `${copies} would have cost ${count(more)} more`);
    const voted = one.first_copy ? "On the first copy" : "On copies 2 and up";
    $("tournament-next").textContent = `${voted}: the vote gave ${one.copies}.`
      + (others.length ? ` By the cheapest rules that wish otherwise: ${others.join(", ")}.` : " No rule wished otherwise.");
  }

  function choose() {
    const found = of(pick.value);
    when.replaceChildren(...found.map((one, at) => option(at, clock(one.at_s))));
    // The look with the most copies says most.
    const most = Math.max(...found.map((one) => one.copies));
    when.value = String(found.findIndex((one) => one.copies === most));
    show();
  }

  pick.append(...names.map((name) => option(name, name)));
  pick.addEventListener("change", choose);
  when.addEventListener("change", show);
  choose();
}
tournament();
