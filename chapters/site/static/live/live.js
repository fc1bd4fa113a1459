// SPDX-License-Identifier: Apache-2.0
// What a page can do with Python: its modules load with it, Python itself when something first asks.
if (document.getElementById("live-form")) import("./form.js");
if (document.querySelector(".cell .cell_input")) import("./guess.js");
if (document.querySelector(".cell.tag_check")) import("./exercises.js");
if (document.querySelector("script[data-quiz]")) import("./quiz.js");
if (document.querySelector(".cell .cell_input")) import("./cells.js");
