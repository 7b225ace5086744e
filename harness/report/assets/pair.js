"use strict";
// Puts two runs side by side: those that the page's address names, or those one chooses here.

const { runs, defaults } = JSON.parse(document.getElementById("summaries").textContent);
const byName = new Map(runs.map((run) => [run.name, run]));
const named = new URLSearchParams(location.search).getAll("run");

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function headOf(run) {
  return element("section", { className: `verdict ${run.verdict}` },
    element("span", { className: `badge ${run.verdict}` }, run.verdict),
    element("h2", {}, element("a", { href: run.href }, run.name)),
    element("p", {}, run.headline));
}

// Returns a row for each name that either run has, in the order of the first that has it.
function rowsOf(first, second) {
  const names = new Set([...Object.keys(first), ...Object.keys(second)]);
  return [...names].map((name) => [name, first[name] ?? "", second[name] ?? ""]);
}

function differingSettings(first, second) {
  return rowsOf({ ...defaults, ...first.settings }, { ...defaults, ...second.settings })
    .filter(([, ours, theirs]) => ours !== theirs);
}

function sectionOf(title, heads, rows, ifNone) {
  const made = element("section", {}, element("h2", {}, title));
  if (!rows.length) {
    made.append(element("p", { className: "soft" }, ifNone));
    return made;
  }
  const number = { className: "number" };
  made.append(element("div", { className: "wide" }, element("table", {},
    element("thead", {}, element("tr", {}, element("th"),
      ...heads.map((head) => element("th", number, head)))),
    element("tbody", {}, ...rows.map(([name, ours, theirs]) =>
      element("tr", { className: ours === theirs ? "quiet" : "" },
        element("td", {}, name), element("td", number, ours), element("td", number, theirs)))))));
  return made;
}

function sectionsOf(first, second) {
  const heads = [first.name, second.name];
  return [headOf(first), headOf(second),
    sectionOf("Settings that differ", heads, differingSettings(first, second), "The plans are the same."),
    sectionOf("What came of them", heads, rowsOf(first.figures, second.figures), "Nothing is known."),
    sectionOf("Checks", heads, rowsOf(first.checks, second.checks), "Nobody judged them.")];
}

function refusal() {
  const missing = named.filter((name) => !byName.has(name));
  return element("section", { className: "verdict" }, element("p", {},
    missing.length ? `There is no run here that is named ${missing.join(" or ")}.` : "Choose two runs to compare."));
}

const [first, second] = named.map((name) => byName.get(name));
const areTwo = named.length === 2 && first && second;
document.getElementById("pair").append(...(areTwo ? sectionsOf(first, second) : [refusal()]));

const chooser = document.getElementById("choose");
if (chooser) {
  [...chooser.querySelectorAll("select")].forEach((select, place) => {
    select.append(...runs.map((run) => element("option", { value: run.name }, `${run.verdict}  ${run.name}`)));
    const wanted = byName.has(named[place]) ? named[place] : runs[Math.min(place, runs.length - 1)]?.name;
    select.value = wanted ?? "";
  });
}
