// Runs axe-core on the page that this script is appended to, and replaces the page by what it found. A test reads it with
// `chromium --dump-dom`.
"use strict";
const overflow = document.documentElement.scrollWidth - window.innerWidth;
const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
// Labels of a chart that are cut off or cover each other.
const labels = [...document.querySelectorAll("svg")].flatMap((svg) => {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")];
    const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
    const isCut = ([, box]) => box.left < frame.left || box.right > frame.right || box.bottom > frame.bottom;
    const covers = (one, other) => one.left < other.right && other.left < one.right && one.top + 4 < other.bottom && other.top + 4 < one.bottom;
    const isCovered = ([, box], index) => boxes.slice(index + 1).some(([, other]) => covers(box, other));
    return boxes.filter((box, index) => isCut(box) || isCovered(box, index)).map(([text]) => text);
});
// Closed details are checked too.
document.querySelectorAll("details").forEach((details) => (details.open = true));
axe.run(document, { resultTypes: ["violations"] }).then((result) => {
    const problem = (violation) => violation.nodes.map((node) => `${violation.id}: ${node.target}`);
    const found = {
        width: window.innerWidth,
        overflow: Math.max(overflow, 0),
        dark: isDark,
        labels,
        passed: result.passes.length,
        violations: result.violations.flatMap(problem),
    };
    // Without &, < and > the text is in the DOM as it is here.
    document.body.textContent = "";
    document.title = "axe " + encodeURIComponent(JSON.stringify(found)) + " end";
});
