// What pages can do beyond being read: nothing that is on them needs this file. Choices are kept in the browser.
"use strict";

const kept = {
  get(name) { try { return localStorage.getItem("hearth." + name); } catch { return null; } },
  set(name, value) {
    try { value === null ? localStorage.removeItem("hearth." + name) : localStorage.setItem("hearth." + name, value); } catch { /* The browser keeps nothing: then it is as chosen until the next page. */ }
  },
};

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function button(text, label, action) {
  const made = make("button", { type: "button", textContent: text, title: label, onclick: action });
  made.setAttribute("aria-label", label);
  return made;
}

function save(name, type, text) {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// Light and dark: at once, so that no page shows in the other first.
function applyTheme() {
  const theme = kept.get("theme");
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}
applyTheme();

function switchTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = kept.get("theme") || (dark ? "dark" : "light");
  kept.set("theme", now === "dark" ? "light" : "dark");
  applyTheme();
}

// Times in the reader's zone.
const zone = () => (kept.get("zone") === "UTC" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");

function parts(at) {
  const form = new Intl.DateTimeFormat("en-CA", { timeZone: zone(), hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return Object.fromEntries(form.formatToParts(at).map((part) => [part.type, part.value]));
}

function showTimes() {
  for (const time of all("time[datetime]")) {
    const p = parts(new Date(time.dateTime));
    time.textContent = `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`;
  }
  for (const mark of all("text[data-time]")) {
    const at = new Date(Number(mark.dataset.time)), step = Number(mark.dataset.step), p = parts(at);
    mark.textContent = step >= 86400000 ? `${p.year}-${p.month}-${p.day}`
      : step >= 60000 ? `${p.hour}:${p.minute}`
        : `${p.hour}:${p.minute}:${p.second}` + (step < 1000 ? "." + String(at.getUTCMilliseconds()).padStart(3, "0") : "");
  }
  for (const mark of all(".log a[data-time]")) {
    const at = new Date(Number(mark.dataset.time)), p = parts(at);
    mark.textContent = `${p.hour}:${p.minute}:${p.second}.${String(at.getUTCMilliseconds()).padStart(3, "0")}`;
  }
  for (const place of all(".zone")) place.textContent = "Times in " + zone();
}

// A log: the newest lines as they come; a click on a line's number makes its link the address.
function showLog() {
  const log = document.getElementById("log");
  if (!log) return;
  document.getElementById("here")?.scrollIntoView({ block: "center" });
  log.addEventListener("click", (event) => {
    const link = event.target.closest("a.n");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    history.replaceState(null, "", link.href);
    all(".here", document.getElementById("log")).forEach((line) => line.classList.remove("here"));
    link.closest("li").classList.add("here");
    navigator.clipboard?.writeText(link.href).catch(() => {});
  });
  if (log.dataset.follow) setTimeout(followLog, 2000);
}

async function followLog() {
  const log = document.getElementById("log");
  const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 80;
  const answer = document.hidden ? null : await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
  let goesOn = true;
  if (answer?.ok) {
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("log");
    goesOn = Boolean(fresh?.dataset.follow);
    if (fresh && fresh.textContent !== log.textContent) {
      log.className = fresh.className;
      log.replaceChildren(...fresh.childNodes);
      showTimes();
      if (atEnd) document.getElementById("end").scrollIntoView({ block: "end" });
    }
  }
  if (goesOn) setTimeout(followLog, 2000);
}

function switchZone() {
  kept.set("zone", kept.get("zone") === "UTC" ? null : "UTC");
  showTimes();
}

// Tables: which columns, as CSV.
const columnsName = (section) => "columns." + location.pathname.split("/").filter((part) => /^[A-Za-z]+$/.test(part)).slice(-2).join(".") + "." + section.id;

function applyColumns(section) {
  const chosen = JSON.parse(kept.get(columnsName(section)) || "{}");
  all("thead th", section).forEach((head, index) => {
    const wanted = chosen[head.dataset.name];
    for (const cell of all(`tr > :nth-child(${index + 1})`, section)) {
      cell.classList.toggle("shown", wanted === true);
      cell.classList.toggle("hidden", wanted === false);
    }
  });
}

function chooseColumns(section, tools) {
  const heads = all("thead th", section);
  for (const head of heads) head.dataset.name = head.textContent.trim();
  const list = make("div", { className: "menu-list" });
  const menu = make("details", { className: "menu" }, make("summary", { textContent: "Columns" }), list);
  menu.addEventListener("toggle", () => {
    if (!menu.open) return;
    list.replaceChildren(...heads.slice(1).map((head) => {
      const box = make("input", { type: "checkbox", checked: getComputedStyle(head).display !== "none" });
      box.onchange = () => {
        const chosen = JSON.parse(kept.get(columnsName(section)) || "{}");
        chosen[head.dataset.name] = box.checked;
        kept.set(columnsName(section), JSON.stringify(chosen));
        applyColumns(section);
      };
      return make("label", {}, box, " " + head.dataset.name);
    }), button("As it was", "Show the columns that fit", () => {
      kept.set(columnsName(section), null);
      applyColumns(section);
      menu.open = false;
    }));
  });
  tools.append(menu);
  applyColumns(section);
}

function csv(section) {
  const quote = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const cell = (one) => {
    const time = one.querySelector("time");
    return quote((time ? time.dateTime : (one.querySelector("details > pre") || one).textContent).replace(/\s+/g, " ").trim());
  };
  return all("table tr", section).map((row) => [...row.children].map(cell).join(",")).join("\r\n") + "\r\n";
}

function tables(within = document) {
  for (const section of all("section[id]", within)) {
    if (!section.querySelector("table") || section.querySelector(".tools")) continue;
    const head = section.querySelector(".section-head") || section.insertBefore(make("div", { className: "section-head" }), section.firstChild);
    const tools = make("span", { className: "tools" });
    head.append(tools);
    chooseColumns(section, tools);
    tools.append(button("CSV", "Save the rows on this page as CSV", () => save(`${section.id}.csv`, "text/csv", csv(section))));
  }
  for (const region of all(".scroll[tabindex]")) if (region.scrollWidth <= region.clientWidth) region.removeAttribute("tabindex");
}

// Sorting, turning pages and searching without a new page: the same addresses, of which only the tables are taken.
async function load(url, remember) {
  const answer = await fetch(url, { headers: { accept: "text/html" } });
  if (!answer.ok) { location.href = url; return; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const section of all("section[id]")) {
    const fresh = page.getElementById(section.id);
    if (!fresh) continue;
    const stays = (one) => one.classList.contains("section-head");
    [...section.children].filter((one) => !stays(one)).forEach((one) => one.remove());
    section.append(...[...fresh.children].filter((one) => !stays(one)));
    const [total, now] = [section.querySelector("h3 .n"), fresh.querySelector("h3 .n")];
    if (total && now) total.textContent = now.textContent;
    if (section.querySelector(".tools")) { all("thead th", section).forEach((head) => { head.dataset.name = head.textContent.trim(); }); applyColumns(section); }
  }
  tables();
  showTimes();
  if (remember) history.replaceState(null, "", url);
}

function withoutReload() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("section thead a, section .pager a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    load(link.href, true);
  });
  for (const form of all("form.find")) {
    let wait = 0;
    form.addEventListener("input", (event) => {
      if (!event.target.matches("input, select")) return;
      clearTimeout(wait);
      const filled = () => [...new FormData(form)].filter(([, value]) => value !== "");
      wait = setTimeout(() => load("?" + new URLSearchParams(filled()), true), 300);
    });
  }
  // The list grows by itself.
  if (document.getElementById("app")) setInterval(() => { if (!document.hidden) load(location.href, false); }, 30000);
}

// Pictures: zoom, pan, search, details, SVG.
function picture(box) {
  const canvas = box.querySelector(".canvas"), svg = canvas.querySelector("svg");
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  const isGraph = svg.classList.contains("graph");
  let view = { x: 0, y: 0, width, height };
  const show = () => svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  const zoom = (by, at = { x: view.x + view.width / 2, y: view.y + view.height / 2 }) => {
    const limit = Math.min(Math.max(view.width / by, 40), width * 4) / view.width;
    view = { x: at.x - (at.x - view.x) * limit, y: at.y - (at.y - view.y) * limit, width: view.width * limit, height: view.height * limit };
    show();
  };
  const whole = () => { view = { x: 0, y: 0, width, height }; show(); };
  const point = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return { x: at.x, y: at.y };
  };
  const pan = (x, y) => { view.x += x; view.y += y; show(); };
  const tools = make("span", { className: "tools" },
    button("−", "Smaller", () => zoom(0.8)), button("+", "Larger", () => zoom(1.25)), button("Fit", "Fit the whole picture", whole),
    button("SVG", "Save the picture as SVG", () => save(`${box.id}.svg`, "image/svg+xml", standalone(svg))));
  if (isGraph) tools.prepend(finder(svg, (at) => { view.x = at.x - view.width / 2; view.y = at.y - view.height / 2; show(); }));
  box.querySelector("summary").after(tools);
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, point(event));
  }, { passive: false });
  let from = null;
  svg.addEventListener("pointerdown", (event) => { if (event.button === 0) from = { at: point(event), moved: false }; });
  svg.addEventListener("pointermove", (event) => {
    if (!from || !(event.buttons & 1)) { from = null; return; }
    const at = point(event);
    if (!from.moved && Math.hypot(at.x - from.at.x, at.y - from.at.y) < 4) return;
    if (!from.moved) svg.setPointerCapture(event.pointerId);
    from.moved = true;
    pan(from.at.x - at.x, from.at.y - at.y);
  });
  // A picture that was moved was not clicked.
  svg.addEventListener("click", (event) => { if (from?.moved) { event.preventDefault(); event.stopPropagation(); } from = null; }, true);
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  canvas.addEventListener("keydown", (event) => {
    const step = view.width / 12;
    const does = { "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: whole, ArrowLeft: () => pan(-step, 0), ArrowRight: () => pan(step, 0), ArrowUp: () => pan(0, -step), ArrowDown: () => pan(0, step) }[event.key];
    if (does && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); does(); }
  });
}

function finder(svg, center) {
  const input = make("input", { type: "search", placeholder: "find a node", className: "finder" });
  input.setAttribute("aria-label", "Find a node in the picture");
  let found = [], next = 0;
  const go = () => {
    if (!found.length) return;
    const rect = found[next % found.length].querySelector("rect");
    center({ x: Number(rect.getAttribute("x")) + 60, y: Number(rect.getAttribute("y")) + 20 });
    next += 1;
  };
  input.oninput = () => {
    const words = input.value.trim().toLowerCase();
    found = all(".box", svg).filter((one) => {
      const holds = words !== "" && one.textContent.toLowerCase().includes(words);
      one.classList.toggle("found", holds);
      return holds;
    });
    next = 0;
    go();
  };
  input.onkeydown = (event) => { if (event.key === "Enter") { event.preventDefault(); go(); } };
  return input;
}

// A picture by itself, with the colours that it has here.
function standalone(svg) {
  const copy = svg.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const colours = getComputedStyle(document.documentElement);
  const rules = [...document.styleSheets[0].cssRules];
  const names = [...new Set(rules.map((rule) => rule.cssText).join("").match(/--[a-z0-9-]+/g))];
  const values = names.map((name) => `${name}:${colours.getPropertyValue(name)}`).join(";");
  const own = rules.filter((rule) => rule.selectorText?.includes(".picture")).map((rule) => rule.cssText).join("\n");
  const style = document.createElementNS("http://www.w3.org/2000/svg", "style");
  style.textContent = `svg{${values};color-scheme:${colours.colorScheme};font:12px sans-serif}\n${own}`;
  copy.prepend(style);
  return new XMLSerializer().serializeToString(copy);
}

// Details of an operator beside the plan.
function sidePanel() {
  const plan = document.getElementById("plan-graph");
  if (!plan) return;
  const panel = make("aside", { className: "panel", hidden: true });
  panel.setAttribute("aria-live", "polite");
  plan.querySelector(".canvas").after(panel);
  plan.addEventListener("click", (event) => {
    const link = event.target.closest("a.box");
    const row = link && document.getElementById(link.getAttribute("href").slice(1))?.closest("tr");
    if (!row) return;
    event.preventDefault();
    const [, operator, metrics] = row.children;
    const title = operator.querySelector("summary") || operator;
    panel.replaceChildren(button("×", "Close", () => { panel.hidden = true; link.focus(); }), make("h3", { textContent: title.textContent }), metrics.firstElementChild?.cloneNode(true) || "", make("pre", { textContent: operator.querySelector("pre")?.textContent || "" }));
    panel.hidden = false;
    all(".chosen", plan).forEach((one) => one.classList.remove("chosen"));
    link.classList.add("chosen");
  });
}

// Texts to be copied; sections that stay as they were left.
function texts() {
  for (const pre of all("pre")) {
    if (pre.closest(".panel") || pre.textContent.length < 80) continue;
    pre.before(button("Copy", "Copy this text", (event) => {
      navigator.clipboard?.writeText(pre.textContent);
      event.currentTarget.textContent = "Copied";
    }));
    pre.previousSibling.className = "copy";
  }
  for (const section of all("details.section[id]")) {
    const name = "open." + section.id;
    if (kept.get(name) === "no") section.open = false;
    section.addEventListener("toggle", () => kept.set(name, section.open ? null : "no"));
  }
}

const KEYS = [["/", "search"], ["t", "light or dark"], ["z", "times in UTC or in your zone"], ["+ − 0", "zoom a picture that has the focus; arrows move it"], ["Ctrl + wheel", "zoom a picture"], ["1 … 9", "pages of the application"], ["?", "this list"], ["Esc", "close it"]];

function help() {
  let dialog = document.getElementById("keys");
  if (!dialog) {
    const list = make("dl", {}, ...KEYS.flatMap(([key, text]) => [make("dt", {}, make("kbd", { textContent: key })), make("dd", { textContent: text })]));
    dialog = make("dialog", { id: "keys" }, make("h2", { textContent: "Keys" }), list, make("form", { method: "dialog" }, make("button", { textContent: "Close" })));
    document.body.append(dialog);
  }
  dialog.showModal();
}

function keyboard(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, .canvas, dialog")) return;
  const tab = all(".tabs a")[Number(event.key) - 1];
  const does = { "?": help, "/": () => document.querySelector("main input[type=search]")?.focus(), t: switchTheme, z: switchZone }[event.key] || (tab && (() => tab.click()));
  if (does) { event.preventDefault(); does(); }
}

document.addEventListener("DOMContentLoaded", () => {
  const tools = document.getElementById("page-tools");
  tools.append(button("◑", "Light or dark (t)", switchTheme), button("?", "Keys", help));
  const zones = all(".zone")[0];
  zones.replaceWith(Object.assign(button("", "Times in UTC or in your zone (z)", switchZone), { className: "zone" }));
  showTimes();
  tables();
  withoutReload();
  all(".drawn").forEach(picture);
  sidePanel();
  showLog();
  texts();
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  document.addEventListener("keydown", keyboard);
});
