"use strict";
// Everything from the data is put in as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const [list, more, count, group, find] = ["list", "more", "count", "group", "find"].map((id) => document.getElementById(id));
const AT_A_TIME = 30, SHORT = 600;
const right = (item) => item.runs.filter((run) => run.outcome === "right").length;
const has = (item, outcome) => item.runs.some((run) => run.outcome === outcome);
const several = data.runs.length > 1;

const outcomes = several
  ? [
      ["judged differently", (item) => right(item) > 0 && right(item) < data.runs.length],
      ...(data.runs.length === 2 ? data.runs.map((name, n) => [`right in ${name} alone`,
        (item) => right(item) === 1 && item.runs[n].outcome === "right"]) : []),
      ["wrong in all", (item) => right(item) === 0],
      ["right in all", (item) => right(item) === data.runs.length],
      ["no answer in any", (item) => has(item, "no answer")],
    ]
  : ["wrong", "no answer", "right"].map((outcome) => [outcome, (item) => has(item, outcome)]);
if (data.items.some((item) => has(item, "dropped"))) outcomes.push(["dropped", (item) => has(item, "dropped")]);
outcomes.push(["all", () => true]);

const state = { show: "all", group: "", find: "", at: "" };
let shown = [], made = 0;

function element(tag, text, properties = {}) {
  const node = Object.assign(document.createElement(tag), properties);
  if (text !== null) node.textContent = text;
  return node;
}

function haystack(item) {
  item.text ??= [item.id, item.video, item.question, ...item.options.flat(), ...item.groups, item.answer,
    ...item.runs.flatMap((run) => [run.reply ?? "", run.choice ?? ""])].join("\n").toLowerCase();
  return item.text;
}

function longText(text) {
  const box = element("div", null);
  const body = element("p", text.length > SHORT ? text.slice(0, SHORT) + " \u2026" : text, { className: "text", dir: "auto" });
  box.append(body);
  if (text.length > SHORT) {
    const button = element("button", `all ${text.length.toLocaleString("en")} characters`, { type: "button" });
    button.addEventListener("click", () => { body.textContent = text; button.remove(); });
    box.append(button);
  }
  return box;
}

// An option is listed where the question does not hold it already.
function optionsOf(item) {
  if (!item.options.length || item.options.every(([, text]) => item.question.includes(text))) return [];
  const listed = element("ul", null);
  listed.append(...item.options.map(([name]) => element("li", named(item, name), { dir: "auto" })));
  return [listed];
}

// "B. down"; a "yes" that is called so is no "yes. yes"
function named(item, name) {
  const text = item.options.find(([called]) => called === name)?.[1];
  return text === undefined || text === name ? name : `${name}. ${text}`;
}

function replyOf(item, run, n) {
  const kind = run.outcome === "no answer" ? "none" : run.outcome;
  const box = element("section", null, { className: `reply ${kind}` });
  const head = element("h3", null);
  head.append(element("span", run.outcome, { className: "outcome" }));
  if (run.choice !== null) head.append(": ", element("bdi", named(item, run.choice)));
  if (several) head.prepend(element("bdi", data.runs[n]), ", ");
  box.append(head);
  if (run.reply?.trim()) box.append(longText(run.reply));
  else if (run.reply !== null) box.append(element("p", "An empty reply.", { className: "soft" }));
  return box;
}

function figureOf(frames) {
  const figure = element("figure", null);
  const times = frames.seconds.map((second) => second.toFixed(1)).join(", ");
  const of = frames.of.length ? `${frames.of.join(", ")}: ` : "";
  const told = frames.fed > frames.seconds.length ? `${frames.seconds.length} of ${frames.fed} frames fed` : `${frames.fed} frame${frames.fed === 1 ? "" : "s"} fed`;
  if (frames.sheet !== null) {
    const picture = document.getElementById(`sheet-${frames.sheet}`).textContent;
    figure.append(element("img", null, { src: `data:image/webp;base64,${picture}`, alt: `${of}${told}`, decoding: "async" }));
  }
  const missing = frames.sheet === null ? " (no room for the picture)" : "";
  figure.append(element("figcaption", `${of}${told}, at ${times} s${missing}`, { className: "soft" }));
  return figure;
}

function card(item) {
  const article = element("article", null, { tabIndex: -1 });
  article.dataset.id = item.id;
  const top = element("p", null, { className: "top soft" });
  top.append(...[item.id, ...item.groups, item.video === item.id ? "" : item.video].filter(Boolean).map((text) => element("bdi", text)));
  const body = element("div", null, { className: "body" });
  const pictures = element("div", null);
  pictures.append(...item.frames.map(figureOf));
  const asked = element("div", null);
  if (item.question) asked.append(longText(item.question));
  asked.append(...optionsOf(item));
  const wanted = element("p", "Right: ", { className: "text" });
  wanted.append(element("bdi", named(item, item.answer)));
  asked.append(wanted);
  body.append(...(item.frames.length ? [pictures] : []), asked);
  const replies = element("div", null, { className: "replies" });
  replies.append(...item.runs.map((run, n) => replyOf(item, run, n)));
  article.append(top, body, replies);
  return article;
}

function make(until) {
  const fresh = shown.slice(made, until).map(card);
  made += fresh.length;
  list.append(...fresh);
}

function near() {
  document.documentElement.style.setProperty("--bar", `${document.getElementById("filters").offsetHeight}px`);
  while (made < shown.length && more.getBoundingClientRect().top < window.innerHeight + 1500) make(made + AT_A_TIME);
}

function update() {
  const needle = state.find.trim().toLowerCase();
  const base = data.items.filter((item) => (!state.group || item.groups.includes(state.group)) && (!needle || haystack(item).includes(needle)));
  outcomes.forEach(([, test], n) => { tallies[n].textContent = base.filter(test).length.toLocaleString("en"); });
  const test = outcomes.find(([name]) => name === state.show)[1];
  shown = base.filter(test);
  made = 0;
  state.at = "";
  list.replaceChildren();
  count.textContent = `${shown.length.toLocaleString("en")} of ${data.items.length.toLocaleString("en")} questions`;
  if (!shown.length) list.append(element("p", "No question is like that.", { className: "soft" }));
  near();
}

// The filters stand in the address, so that a view can be gone back to, and sent to somebody.
function write() {
  const kept = Object.entries({ show: state.show === "all" ? "" : state.show, group: state.group, find: state.find, at: state.at }).filter(([, value]) => value);
  try { history.replaceState(null, "", "#" + new URLSearchParams(kept)); } catch { /* not everywhere, as in a mail's preview */ }
}

function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  state.show = outcomes.some(([name]) => name === given.get("show")) ? given.get("show") : "all";
  state.group = groups.has(given.get("group")) ? given.get("group") : "";
  state.find = given.get("find") ?? "";
  const at = given.get("at") ?? "";
  document.querySelectorAll("#outcomes input").forEach((input) => { input.checked = input.value === state.show; });
  group.value = state.group;
  find.value = state.find;
  update();
  if (at) go(shown.findIndex((item) => item.id === at));
}

function change() {
  update();
  write();
}

function go(index) {
  if (index < 0 || index >= shown.length) return;
  if (index >= made) make(index + AT_A_TIME);
  const article = list.children[index];
  article.focus({ preventScroll: true });
  article.scrollIntoView({ block: "start" });
  state.at = shown[index].id;
  write();
}

const groups = new Map();
for (const item of data.items) {
  for (const name of item.groups) {
    const counted = groups.get(name) ?? { n: 0, right: data.runs.map(() => 0), kept: data.runs.map(() => 0) };
    counted.n += 1;
    item.runs.forEach((run, n) => { counted.right[n] += run.outcome === "right"; counted.kept[n] += run.outcome !== "dropped"; });
    groups.set(name, counted);
  }
}
group.append(element("option", `all (${data.items.length.toLocaleString("en")})`, { value: "" }));
for (const [name, counted] of groups) {
  const shares = counted.right.map((n, run) => (counted.kept[run] ? `${((100 * n) / counted.kept[run]).toFixed(0)} %` : "\u2013")).join(" | ");
  group.append(element("option", `${name} (${counted.n.toLocaleString("en")}): ${shares} right`, { value: name }));
}
const tallies = outcomes.map(([name], n) => {
  const label = element("label", null);
  const input = element("input", null, { type: "radio", name: "show", value: name });
  input.addEventListener("change", () => { state.show = name; change(); });
  const tally = element("span", "", { className: "soft" });
  label.append(input, element("bdi", name), tally);
  label.title = `key ${n + 1}`;
  document.getElementById("outcomes").append(label);
  return tally;
});
group.addEventListener("change", () => { state.group = group.value; change(); });
find.addEventListener("input", () => { state.find = find.value; change(); });
document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("scroll", near, { passive: true });
window.addEventListener("resize", near);
window.addEventListener("hashchange", read);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    Object.assign(state, { show: "all", group: "", find: "", at: "" });
    write();
    read();
    document.activeElement.blur();
    return;
  }
  if (event.target === find || event.target === group) return;
  const here = shown.findIndex((item) => item.id === document.activeElement?.dataset?.id);
  const last = here >= 0 ? here : shown.findIndex((item) => item.id === state.at);
  if (event.key === "j") go(last + 1);
  else if (event.key === "k") go(Math.max(0, last - 1));
  else if (event.key === "/") find.focus();
  else if (event.key === "g") group.focus();
  else if (event.key >= "1" && event.key <= "9" && outcomes[event.key - 1]) document.querySelectorAll("#outcomes input")[event.key - 1].click();
  else return;
  event.preventDefault();
});
document.getElementById("filters").hidden = false;
read();
