"use strict";
// Finds operations: by words in what was asked or answered, or by `op:12`, `process:3`, `node:n1`,
// `rev:17`, `is:fail`. All that is typed must be found.

const OUTCOME_NAMES = ["ok", "no", "fail", "info", "open"];

function findOperations(operations, typed) {
  const tests = typed.trim().toLowerCase().split(/\s+/).filter(Boolean).map((word) => testOf(operations, word));
  if (!tests.length) return [];
  const found = [];
  for (let place = 0; place < operations.call.length; place++) {
    if (tests.every((test) => test(place))) found.push(place);
  }
  return found;
}

function testOf(operations, word) {
  const { index, process, node, node_names, revision, outcome, asked, answered } = operations;
  const [, field, value] = word.match(/^(op|process|node|rev|is):(.+)$/) || [];
  switch (field) {
    case "op": return (place) => index[place] === Number(value);
    case "process": return (place) => String(process[place]) === value;
    case "node": return (place) => node_names[node[place]] === value;
    case "rev": return (place) => revision[place] === Number(value);
    case "is": return (place) => OUTCOME_NAMES[outcome[place]] === value;
    default:
      return (place) => asked[place].toLowerCase().includes(word) ||
        answered[place].toLowerCase().includes(word);
  }
}
