// Checks payloads against the types that Slack and Microsoft publish.
//   node check.js NODE_MODULES SLACK.json TEAMS.json     each file: one JSON array of payloads
// The card library is made for browsers and asks for a window.
global.window = global.window || {};
const fs = require("fs");
const path = require("path");
const { execFileSync } = require("child_process");
const [modules, slackFile, teamsFile] = process.argv.slice(2);
const problems = [];

const cards = require(path.join(modules, "adaptivecards/dist/adaptivecards.js"));
JSON.parse(fs.readFileSync(teamsFile)).forEach((payload, index) => {
    const context = new cards.SerializationContext(cards.Versions.v1_2);
    const card = new cards.AdaptiveCard();
    card.parse(payload.attachments[0].content, context);
    for (let event = 0; event < context.eventCount; event++) {
        problems.push(`card ${index}: ${context.getEventAt(event).message}`);
    }
    for (const event of card.validateProperties().validationEvents) {
        problems.push(`card ${index}: ${event.message}`);
    }
    if (card.getItemCount() === 0) {
        problems.push(`card ${index}: it is empty`);
    }
});

const source = path.join(modules, "..", "payloads.ts");
const payloads = fs.readFileSync(slackFile, "utf8");
fs.writeFileSync(
    source,
    `import { KnownBlock } from "@slack/types";\n` +
        `export const payloads: { text: string; blocks: KnownBlock[] }[] = ${payloads};\n`,
);
try {
    execFileSync("node", [path.join(modules, "typescript/bin/tsc"), "--noEmit", "--strict", source]);
} catch (error) {
    problems.push(`slack: ${error.stdout}`);
}

if (problems.length > 0) {
    console.error(problems.join("\n"));
    process.exit(1);
}
