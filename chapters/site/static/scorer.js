// SPDX-License-Identifier: Apache-2.0
// How Sphinx's search ranks pages: chapters in the order of the book, then the rest of what is read
// from front to back, then what is looked up, then solutions and pages for teachers.
var Scorer = {
  score: ([page, , , , score]) => {
    const chapter = /^\d\d-/.test(page) ? 100 - Number(page.slice(0, 2)) / 100 : 0;
    const kind = chapter || (/^(index|rederive|sympy-primer|end)$/.test(page) ? 80 : page.includes("/") ? 0 : 40);
    return kind + score;
  },
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
};
