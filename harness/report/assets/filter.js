"use strict";
// Filters the list of runs as one types: the same as the server does, for pages without a server.

const listed = JSON.parse(document.getElementById("listed").textContent);
const form = document.getElementById("filters");
const rows = [...document.querySelectorAll("#runs tbody tr")];

function wordsOf(run) {
  return [run.name, run.verdict, run.reason, run.system, run.environment, run.workload, run.mutant,
    "seed:" + run.seed, ...run.kinds, ...run.faults].join(" ").toLowerCase();
}

const words = listed.map(wordsOf);

function filter() {
  const chosen = Object.fromEntries(new FormData(form));
  const typed = chosen.text.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  listed.forEach((run, place) => {
    const isWanted = (!chosen.verdict || run.verdict === chosen.verdict) &&
      (!chosen.system || run.system === chosen.system) &&
      (!chosen.workload || run.workload === chosen.workload) &&
      (!chosen.fault || run.faults.includes(chosen.fault)) &&
      typed.every((word) => words[place].includes(word));
    rows[place].hidden = !isWanted;
    count += isWanted;
  });
  document.getElementById("count").textContent = `${count} of ${listed.length} listed runs`;
}

form.addEventListener("input", filter);
form.addEventListener("change", filter);
if (location.protocol === "file:") form.addEventListener("submit", (event) => event.preventDefault());

// Two runs are compared, neither more nor fewer.
const two = document.getElementById("two");
const compare = two.querySelector("button");
function allowTwo() {
  compare.disabled = new FormData(two).getAll("run").length !== 2;
}
allowTwo();
two.addEventListener("change", allowTwo);
window.addEventListener("pageshow", allowTwo);  // a browser that goes back has kept the ticks

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || /^(INPUT|SELECT)$/.test(event.target.tagName)) return;
  event.preventDefault();
  document.getElementById("text").focus();
});
