// Data and state shared by all charts.
const run = JSON.parse(document.getElementById("run").textContent);

const steps = run.gpus_in_use.length;
const view = { from: 0, to: steps, hover: null };
const charts = { fleet: null, lanes: [] };
const everyChart = () => [charts.fleet, ...charts.lanes].filter(Boolean);
const redraw = () => everyChart().forEach((chart) => chart.render());
const moveCross = () => everyChart().forEach((chart) => chart.move());
const onZoom = [];

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const severalDays = run.duration_s > 86400;
function clock(atS, withSeconds = false) {
  if (!severalDays && atS === run.start_s + 86400) return "24:00";
  const date = new Date(atS * 1000);
  const time = date.toISOString().slice(11, withSeconds ? 19 : 16);
  return severalDays ? DAYS[date.getUTCDay()] + " " + time : time;
}
const stepTime = (step) => run.start_s + step * run.step_s;
// ---- models: the eight that held most GPUs have a colour of their own
const models = run.models;
const byGpuHours = [...models].sort((a, b) => b.gpu_hours - a.gpu_hours || (a.name < b.name ? -1 : 1));
const coloured = models.length <= 8 ? models : byGpuHours.slice(0, 8);
const colours = new Map(coloured.map((model, place) => [model.name, `var(--c${place})`]));
const colour = (name) => colours.get(name) || "var(--rest)";
