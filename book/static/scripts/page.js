// What a page does besides its widgets. Without it everything can still be read: links lead to the glossary,
// answers are under the exercises, and the ledger shows every claim.

(() => {
  const make = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const base = new URL("../", document.currentScript.src);

  // ---------------------------------------------------------------- where in the page the reader is

  function followHeadings() {
    const list = document.querySelector("#pst-page-toc-nav");
    if (!list) return;
    list.id = "page-toc-nav"; // the theme marks the wrong entry of a list with its own name
    const links = [...list.querySelectorAll("a[href^='#']")];
    const entries = links.map((link) => [link, document.getElementById(decodeURIComponent(link.hash.slice(1)))]);
    let waiting = 0;
    const mark = () => {
      waiting = 0;
      // The last heading in the upper third; at the very end the last of all, which may never get there.
      const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
      const above = entries.filter(([, section]) => section?.getBoundingClientRect().top <= innerHeight * 0.3);
      const [now] = (atEnd ? entries : above).at(-1) ?? [];
      for (const link of links) {
        link.classList.toggle("active", link === now);
        if (link === now) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    };
    addEventListener("scroll", () => { waiting ||= requestAnimationFrame(mark); }, { passive: true });
    mark();
  }

  // ---------------------------------------------------------------- a number as an answer

  // "1/16", "64**2", "843,750" -> a number, NaN for anything else. Only numbers, + - * / ^ and brackets.
  function numberIn(text) {
    const tokens = text.replace(/(\d),(?=\d{3}(\D|$))/g, "$1").replace(/\*\*/g, "^")
      .match(/\d+\.?\d*(?:e[+-]?\d+)?|\.\d+|[-+*/^()]|\S/gi) ?? [];
    let at = 0;
    const next = (wanted) => wanted.includes(tokens[at]) && tokens[at++];
    const atom = () => {
      if (next("(")) {
        const inside = sum();
        return next(")") ? inside : NaN;
      }
      if (next("-")) return -power();
      if (next("+")) return power();
      const token = tokens[at++] ?? "";
      return /^[\d.]/.test(token) ? Number(token) : NaN;
    };
    const power = () => { const low = atom(); return next("^") ? low ** power() : low; };
    const chain = (part, signs, apply) => {
      let value = part();
      for (let sign; (sign = next(signs));) value = apply(value, sign, part());
      return value;
    };
    const product = () => chain(power, "*/", (a, sign, b) => (sign === "*" ? a * b : a / b));
    const sum = () => chain(product, "+-", (a, sign, b) => (sign === "+" ? a + b : a - b));
    const value = sum();
    return at === tokens.length ? value : NaN;
  }

  // The rule of check_number in alexnet_lib/chapters/verdict.py, with the question's own numbers and words.
  function judge({ expected, tolerance, hint, praise }, text) {
    const value = numberIn(text);
    if (Number.isNaN(value)) return { right: false, message: "A number is asked for, such as 42, 1/16 or 2**8." };
    const right = Math.abs(value - expected) <= tolerance * Math.max(1, Math.abs(expected));
    return { right, message: right ? praise : `${value.toLocaleString("en-US", { maximumSignificantDigits: 9 })} is not it. ${hint}` };
  }

  const keep = (name, value) => { try { localStorage.setItem(name, value); } catch { /* a private window */ } };
  const kept = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

  function askForNumbers() {
    document.querySelectorAll(".number-question").forEach((box, i) => {
      const question = JSON.parse(box.dataset.question);
      const told = make("p", { role: "status", class: "told" });
      const input = make("input", { id: `answer-${i}`, autocomplete: "off", spellcheck: "false" });
      const form = make("form", { class: "answer" }, make("label", { for: input.id }, "Your answer"), input,
        make("button", { type: "submit" }, "Check"));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const { right, message } = judge(question, input.value);
        told.textContent = `${right ? "Right" : "Not yet"}: ${message}`;
        told.dataset.right = right;
      });
      box.replaceChildren(form, told);
      box.closest(".cell")?.classList.add("asks");
    });
  }

  // ---------------------------------------------------------------- click the faulty line

  // The tag bug-line-3 of a cell names the third line of its code; a cell may have several.
  function huntBugs() {
    for (const cell of document.querySelectorAll(".cell[class*='tag_bug-line-']")) {
      const code = cell.querySelector(".cell_input pre");
      const wrong = [...cell.classList].flatMap((name) => name.match(/^tag_bug-line-(\d+)$/)?.[1] ?? []).map(Number);
      const lines = [[]];
      for (const part of [...code.childNodes]) {
        const pieces = part.nodeType === Node.TEXT_NODE ? part.data.split("\n") : [part];
        pieces.forEach((piece, i) => {
          if (i) lines.push([]);
          lines.at(-1).push(piece);
        });
      }
      while (lines.at(-1).every((piece) => !(piece.textContent ?? piece).trim())) lines.pop();
      const told = make("p", { role: "status", class: "told" }, "Which line is wrong? Click it.");
      const buttons = lines.map((pieces, i) => make("span", { class: "line", role: "button", tabindex: i ? -1 : 0,
        "aria-label": `Line ${i + 1}: ${pieces.map((piece) => piece.textContent ?? piece).join("").trim() || "empty"}` }, ...pieces));
      const pick = (i) => {
        const right = wrong.includes(i + 1);
        buttons[i].dataset.right = right;
        told.dataset.right = right;
        told.textContent = right ? `Line ${i + 1}: there it is. Why is it wrong?` : `Line ${i + 1} does what it should. Look again.`;
        if (!right) return;
        let next = cell.nextElementSibling;
        while (next && !next.matches("details")) next = next.nextElementSibling;
        if (next) next.open = true;
      };
      buttons.forEach((button, i) => {
        button.addEventListener("click", () => pick(i));
        button.addEventListener("keydown", (event) => {
          const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
          if (step) buttons[Math.min(buttons.length - 1, Math.max(0, i + step))].focus();
          else if (event.key === "Enter" || event.key === " ") pick(i);
          else return;
          event.preventDefault();
        });
        button.addEventListener("focus", () => buttons.forEach((one) => { one.tabIndex = one === button ? 0 : -1; }));
      });
      code.replaceChildren(...buttons.flatMap((button) => [button, "\n"]));
      cell.querySelector(".cell_input").after(told);
    }
  }

  // ---------------------------------------------------------------- cards for the glossary's words

  let words;
  const glossary = () => (words ||= new Promise((resolve, reject) => {
    const script = make("script", { src: new URL("glossary.js", base).href });
    script.onload = () => resolve(window.GLOSSARY);
    script.onerror = reject;
    document.head.append(script);
  }));

  function explainWords() {
    const links = document.querySelectorAll("a.word");
    if (!links.length) return;
    const card = make("div", { id: "word-card", role: "tooltip", hidden: "" });
    document.body.append(card);
    let shown = null, timer = 0;
    const hide = () => {
      clearTimeout(timer);
      shown?.removeAttribute("aria-describedby");
      shown = null;
      card.hidden = true;
    };
    const show = async (link) => {
      const text = (await glossary())[decodeURIComponent(link.hash.slice(1))];
      if (!text || link !== shown) return;
      card.replaceChildren(make("b", {}, text[0]), ` ${text[1]}`);
      card.hidden = false;
      link.setAttribute("aria-describedby", card.id);
      const at = link.getClientRects()[0], size = card.getBoundingClientRect();
      const above = at.bottom + size.height + 12 > innerHeight;
      card.style.left = `${Math.max(8, Math.min(at.left, document.documentElement.clientWidth - size.width - 8)) + scrollX}px`;
      card.style.top = `${(above ? at.top - size.height - 8 : at.bottom + 8) + scrollY}px`;
    };
    const begin = (link, wait) => { hide(); shown = link; timer = setTimeout(show, wait, link); };
    for (const link of links) {
      link.addEventListener("pointerenter", ({ pointerType }) => { if (pointerType === "mouse") begin(link, 250); });
      link.addEventListener("pointerleave", hide);
      link.addEventListener("focus", () => begin(link, 0));
      link.addEventListener("blur", hide);
    }
    addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  }

  // ---------------------------------------------------------------- which claims the ledger shows

  function filterClaims() {
    const claims = [...document.querySelectorAll("[data-verdict]")];
    if (!claims.length) return;
    const counts = new Map();
    for (const { dataset } of claims) counts.set(dataset.verdict, (counts.get(dataset.verdict) ?? 0) + 1);
    const bar = make("div", { class: "filter", role: "group", "aria-label": "Show" });
    const choose = (wanted) => {
      for (const button of bar.children) button.setAttribute("aria-pressed", String(button.value === wanted));
      for (const claim of claims) claim.hidden = wanted !== "" && claim.dataset.verdict !== wanted;
    };
    for (const [verdict, count] of [["", claims.length], ...counts]) {
      const button = make("button", { type: "button", value: verdict }, `${verdict || "all"} ${count}`);
      button.addEventListener("click", () => choose(verdict));
      bar.append(button);
    }
    claims[0].closest("table, .cell_output").before(bar);
    choose("");
  }

  // ---------------------------------------------------------------- what the reader has read

  // A tick in the list of pages once the end of a page was on the screen. It stays in this browser.
  function tickPages() {
    const nameOf = (link) => new URL(link.href).pathname.split("/").at(-1);
    const links = [...document.querySelectorAll(".bd-sidebar-primary nav a.internal[href]")];
    const read = new Set((kept("read") ?? "").split(" "));
    const tick = () => links.forEach((link) => link.classList.toggle("read", read.has(link.matches("[href='#']") ? here : nameOf(link))));
    const here = location.pathname.split("/").at(-1), end = document.querySelector(".prev-next-footer");
    tick();
    if (!end || !document.querySelector(".bd-article h2")) return;
    new IntersectionObserver(([seen], observer) => {
      if (!seen.isIntersecting) return;
      observer.disconnect();
      keep("read", [...read.add(here)].join(" ").trim());
      tick();
    }).observe(end);
  }

  window.BOOK = { judge };
  document.addEventListener("DOMContentLoaded", () => {
    for (const start of [followHeadings, askForNumbers, huntBugs, explainWords, filterClaims, tickPages]) start();
  });
})();
