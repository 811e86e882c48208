// Comfort on top of pages that work without it: clocks that stay true, a bar for new cases, keys,
// drafts that survive a reload. No page is built here; every action is a form or a link of the page.
"use strict";
(() => {
  const page = document.body;
  const vi = document.documentElement.lang === "vi";
  const $ = (css, from = document) => from.querySelector(css);
  const $$ = (css, from = document) => [...from.querySelectorAll(css)];

  // --- Clocks: the same words as aggregator/domain/countdown.py, by the server's time -------------
  const skew = Date.parse(page.dataset.now) - Date.now();
  const units = vi ? ["ngày", "giờ", "phút"] : ["day", "hour", "minute"];

  function words(seconds) {
    const late = seconds <= 0;
    const minutes = Math.floor(Math.floor(Math.abs(seconds)) / 60);
    const days = Math.floor(minutes / 1440);
    const hours = Math.floor((minutes % 1440) / 60);
    const pair = days ? [[0, days], [1, hours]] : [[1, hours], [2, minutes % 60]];
    const told = pair.filter(([, n]) => n)
      .map(([unit, n]) => `${n} ${units[unit]}${vi || n === 1 ? "" : "s"}`).join(" ");
    if (vi) return `${late ? "Quá hạn" : "Còn"} ${told || "dưới 1 phút"}`;
    return `${told || "less than a minute"} ${late ? "overdue" : "left"}`;
  }

  function tick() {
    const now = Date.now() + skew;
    for (const clock of $$("time.left[datetime]:is(.none, .due_soon, .overdue)")) {
      const seconds = (Date.parse(clock.dateTime) - now) / 1000;
      const text = words(seconds);
      if (clock.textContent !== text) clock.textContent = text;
      if (seconds <= 0) clock.className = "left overdue";
    }
  }
  setInterval(tick, 30000);
  document.addEventListener("visibilitychange", () => document.hidden || tick());

  // --- Answers that can still be taken back: how long, by the server's time --------------------------
  function leave() {
    for (const box of $$("[data-until]")) {
      const left = Math.ceil((Date.parse(box.dataset.until) - Date.now() - skew) / 1000);
      $("[data-left]", box).textContent = Math.max(left, 0);
      if (left <= 0) { // the button would be refused; the page still shows the answer
        box.removeAttribute("data-until");
        box.textContent = vi ? "Hết giờ hoàn tác: phúc đáp đang được gửi." : "Too late to take it back: it is leaving.";
      }
    }
  }
  if ($("[data-until]")) setInterval(leave, 1000);

  // --- Files of an answer: which of those just chosen a source will not get, by the server's rules -----
  function mark(form) {
    const again = $$("input[name=again]:checked", form).map(({ dataset: d }) => ({ ...d, size: +d.size }));
    const files = [...again, ...$("input[name=files]", form).files];
    for (const told of $$(".stays", form)) {
      const { most, each, together, types } = told.dataset;
      let count = 0, sum = 0;
      const stays = files.filter(({ type, size }) => {
        if (types.split(" ").includes(type) && size <= each && count < most && sum + size <= together) {
          count += 1;
          sum += size;
          return false;
        }
        return true;
      }).map(({ name }) => name);
      told.textContent = stays.length ? `${vi ? "Ở lại đây" : "Stays here"}: ${stays.join(", ")}` : "";
    }
  }
  addEventListener("change", ({ target }) => ["files", "again"].includes(target.name) && mark(target.form));
  $$("fieldset.again").forEach((again) => mark(again.closest("form")));

  // --- New cases: asked for while the page is in front; rows never move by themselves -------------
  const news = $("#news");
  if (news) {
    const ask = () => document.hidden || fetch(news.dataset.url, { headers: { Accept: "application/json" } })
      .then((answer) => answer.ok ? answer.json() : { n: 0 })
      .then(({ n }) => {
        if (!n) return;
        $("b", news).textContent = n > 99 ? "99+" : n;
        news.hidden = false;
      })
      .catch(() => {}); // no network: the next try tells
    setInterval(ask, 30000);
  }

  // --- Where the person was ---------------------------------------------------------------------
  const session = (name, value) => {
    try {
      return value === undefined ? sessionStorage.getItem(name) : sessionStorage.setItem(name, value);
    } catch { return null; } // storage switched off by policy
  };
  const links = $$(".list td:first-child a, .pair .open, .carry .open");
  const back = $("[data-back]");
  if ($(".inbox")) session("list", location.pathname + location.search);
  else if (back && session("list")) back.href = session("list");
  // What is decided on in the list itself; other boxes of that look have no keys.
  const pairs = $$(".pair, .carry").filter((one) => $("[data-do], [data-copy]", one));
  const opened = pairs.length
    ? pairs.findIndex((pair) => `#${pair.id}` === location.hash)
    : links.findIndex((link) => link.pathname === session("case"));
  if (back) session("case", location.pathname);
  let at = opened;

  function go(step) {
    if (!links.length) return;
    at = Math.min(links.length - 1, Math.max(0, at + step));
    links[at].focus();
    links[at].scrollIntoView({ block: "nearest" });
  }
  links.forEach((link, index) => link.addEventListener("focus", () => { at = index; }));
  pairs.forEach((pair, index) => pair.addEventListener("focusin", () => { at = index; }));
  // The pair after the one just decided; once the browser has been at the address's mark, which blurs.
  if (pairs.length && opened >= 0) addEventListener("load", () => setTimeout(go, 0, 0));

  // --- Ticking pairs ------------------------------------------------------------------------------
  for (const button of $$("[data-all]")) {
    const boxes = $$(".pair [type=checkbox]");
    button.hidden = false;
    button.addEventListener("click", () => {
      const all = boxes.every((box) => box.checked);
      boxes.forEach((box) => { box.checked = !all; });
    });
  }

  // --- Drafts: per person, gone when sent or signed out ------------------------------------------
  const prefix = `motmoi:${page.dataset.who}:`;
  const keep = {
    get: (name) => { try { return localStorage.getItem(name); } catch { return null; } },
    set: (name, value) => {
      try { value ? localStorage.setItem(name, value) : localStorage.removeItem(name); } catch { /* full or off */ }
    },
    names: () => { try { return Object.keys(localStorage).filter((name) => name.startsWith("motmoi:")); } catch { return []; } },
  };
  if (page.dataset.who) { // a shared PC: nobody meets another person's drafts
    keep.names().filter((name) => !name.startsWith(prefix)).forEach((name) => keep.set(name, ""));
  }
  $$("[data-sent]").forEach((note) => keep.set(prefix + note.dataset.sent, ""));
  for (const box of $$("[data-draft]")) {
    const name = prefix + box.dataset.draft;
    if (!box.value && keep.get(name)) {
      box.value = keep.get(name);
      const fold = box.closest("details");
      if (fold) fold.open = true;
    }
    box.addEventListener("input", () => keep.set(name, box.value));
  }
  $$("[data-leave]").forEach((form) => form.addEventListener("submit", () => {
    keep.names().forEach((name) => keep.set(name, ""));
    try { sessionStorage.clear(); } catch { /* off */ }
  }));

  // --- Small things ------------------------------------------------------------------------------
  for (const count of $$("[data-count]")) {
    const box = document.getElementById(count.dataset.count);
    const first = count.textContent;
    const show = () => {
      const left = box.maxLength - box.value.length;
      const number = left.toLocaleString(vi ? "vi" : "en");
      count.textContent = !box.value ? first : vi ? `Còn ${number} ký tự.` : `${number} characters left.`;
    };
    box.addEventListener("input", show);
    show();
  }
  for (const button of $$("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const box = document.getElementById(button.dataset.copy);
      const before = document.activeElement;
      box.select();
      document.execCommand("copy"); // navigator.clipboard does not exist on a plain-HTTP office network
      $("span", button).textContent = button.dataset.done;
      button.classList.add("copied");
      before.focus({ preventScroll: true }); // the next key is a key again, not typed into the field
    });
  }
  addEventListener("submit", (event) => { // a double click sends once; the one-time key guards the rest
    if (event.target.method !== "post") return;
    setTimeout(() => $$("button", event.target).forEach((button) => { button.disabled = true; }));
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) $$("button[disabled]").forEach((button) => { button.disabled = false; });
  });

  // --- Keys --------------------------------------------------------------------------------------
  const help = $("#keys");
  if (!help) return;
  const on = $("#keys-on");
  const setting = `motmoi-keys`;
  on.checked = keep.get(setting) !== "off";
  on.addEventListener("change", () => keep.set(setting, on.checked ? "" : "off"));
  $$("button.keys").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  });

  // On a phone the menu is wider than the screen: the entry one is at must be seen.
  const entry = $("header nav [aria-current]");
  if (entry) entry.scrollIntoView({ block: "nearest", inline: "nearest" });

  function focusOn(css) {
    const target = $(css);
    if (!target) return;
    const fold = target.closest("details");
    if (fold) fold.open = true;
    target.focus();
    target.scrollIntoView({ block: "center" });
  }

  // What is said of two cases: by the pair at hand in a list, or the one pair of the page.
  function decide(number) {
    const where = pairs.length ? pairs[at] : $(".decide");
    const button = where && $(`[data-do='${number}']`, where);
    if (button) button.click();
    return Boolean(button || pairs.length || $(".decide"));
  }

  function copyNext() {
    const buttons = pairs[at] ? $$("[data-copy]", pairs[at]).filter((one) => one.offsetParent) : [];
    const next = buttons.find((one) => !one.classList.contains("copied")) || buttons[0];
    if (next) next.click();
  }

  function tickPair() {
    const done = pairs[at] && $("[data-tick]", pairs[at]);
    if (done) return done.click();
    const box = pairs[at] && $("[type=checkbox]", pairs[at]);
    if (box) box.checked = !box.checked;
  }

  function accept() {
    if (decide(1)) return;
    const button = $("[data-key='1']");
    if (button) return button.click();
    const form = $("#quick");
    const link = links[at];
    if (!form || !link) return;
    form.action = `${link.pathname}/move`;
    form.version.value = link.closest("tr").dataset.v;
    form.requestSubmit();
  }

  function refuse() {
    if (decide(3)) return;
    const choice = $("input[name=kind][value=refusal]");
    if (choice) { choice.checked = true; return focusOn("#body"); }
    if (links[at]) location.href = `${links[at].pathname}#refuse`;
  }

  function merge() {
    if (decide(2)) return;
    if ($("#merge")) return focusOn("#merge a, #merge input:not([type=hidden])");
    if (links[at]) location.href = `${links[at].pathname}#merge`;
  }
  if (location.hash === "#refuse") refuse();

  // Keys by their place on the board (event.code): Vietnamese typing tools rewrite letters with
  // synthetic backspaces, so what a key means must not depend on the letter that arrives.
  const keys = {
    KeyJ: () => go(1), KeyK: () => go(-1), ArrowDown: () => go(1), ArrowUp: () => go(-1),
    Digit1: accept, Digit2: merge, Digit3: refuse, Numpad1: accept, Numpad2: merge, Numpad3: refuse,
    KeyX: tickPair, KeyC: copyNext, KeyR: () => focusOn("#body"), KeyN: () => focusOn("#note"),
    Escape: () => { if (back) location.href = back.href; },
  };

  addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    const typing = event.target.closest("input:not([type=radio],[type=checkbox]),textarea,select");
    if ((event.ctrlKey || event.metaKey) && event.code === "Enter" && event.target.form && typing) {
      event.preventDefault();
      return event.target.form.requestSubmit();
    }
    if (event.ctrlKey || event.altKey || event.metaKey || help.open) return;
    if (typing) {
      if (event.code === "Escape") event.target.blur();
      return;
    }
    if (!on.checked) return;
    if (event.key === "?") { event.preventDefault(); return help.showModal(); }
    if (event.key === "/") { event.preventDefault(); return focusOn("#q"); }
    const arrows = event.code.startsWith("Arrow");
    if (event.shiftKey || !keys[event.code] || (arrows && !links.length)) return;
    event.preventDefault();
    keys[event.code]();
  });
})();
