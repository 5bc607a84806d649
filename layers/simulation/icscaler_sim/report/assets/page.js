// What every report's page has: making elements, numbers in words, light and dark, the floating box.
const $ = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "style" || !(key in node)) node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children);
  return node;
}

function svg(tag, attributes = {}, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// ---- numbers and times
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });
const count = (value) => whole.format(value);
const amount = (value) => (Math.abs(value) >= 100 ? whole.format(value) : short.format(value));
const dollars = (value) => "$" + amount(value);
const percent = (fraction, digits = 1) => {
  const text = (100 * fraction).toFixed(digits);
  // A share that is not quite everything never reads as everything.
  if (fraction < 1 && Number(text) === 100) return ">" + (100 - 10 ** -digits).toFixed(digits) + "\u00a0%";
  return text + "\u00a0%";
};
function duration(seconds) {
  if (seconds < 90) return Math.round(seconds) + "\u00a0s";
  if (seconds < 5400) return Math.round(seconds / 60) + "\u00a0min";
  return short.format(seconds / 3600) + "\u00a0h";
}
function precise(seconds) {
  const whole = Math.round(seconds);
  if (whole < 90 || whole >= 5400) return duration(seconds);
  return `${Math.floor(whole / 60)}\u00a0min ${whole % 60}\u00a0s`;
}
const plural = (n, word) => count(n) + " " + word + (n === 1 ? "" : "s");

// ---- light and dark
const dark = window.matchMedia("(prefers-color-scheme: dark)");
function setTheme(name) { document.documentElement.dataset.theme = name; }
setTheme(dark.matches ? "dark" : "light");
dark.addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light"));
$("theme").addEventListener("click", () =>
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));

// ---- the floating box
const tip = $("tip");
function showTip(event, title, rows) {
  const table = make("table");
  for (const [name, value, hue] of rows) {
    const label = make("td");
    if (hue) label.append(make("i", { style: `background:${hue}` }));
    label.append(name);
    table.append(make("tr", {}, label, make("td", { className: "num" }, value)));
  }
  tip.replaceChildren(make("b", {}, title), table);
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const right = event.clientX + 18 + box.width < window.innerWidth;
  tip.style.left = (right ? event.clientX + 18 : event.clientX - 18 - box.width) + "px";
  tip.style.top = Math.max(8, Math.min(event.clientY - 20, window.innerHeight - box.height - 8)) + "px";
}
const hideTip = () => { tip.hidden = true; };
