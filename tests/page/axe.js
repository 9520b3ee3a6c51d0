// Runs axe-core on the page that this script is appended to, and replaces the page by what it found. A test reads it with
// `chromium --dump-dom`.
"use strict";
const overflow = document.documentElement.scrollWidth - window.innerWidth;
const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
// Closed details are checked too.
document.querySelectorAll("details").forEach((details) => (details.open = true));
axe.run(document, { resultTypes: ["violations"] }).then((result) => {
    const problem = (violation) => violation.nodes.map((node) => `${violation.id}: ${node.target}`);
    const found = {
        width: window.innerWidth,
        overflow: Math.max(overflow, 0),
        dark: isDark,
        passed: result.passes.length,
        violations: result.violations.flatMap(problem),
    };
    // Without &, < and > the text is in the DOM as it is here.
    document.body.textContent = "";
    document.title = "axe " + encodeURIComponent(JSON.stringify(found)) + " end";
});
