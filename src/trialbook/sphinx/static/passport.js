// The card of a number: hovering, focus or a tap opens it. Without this script a number is a plain link to its cell.
(() => {
  const held = document.getElementById("passports");
  if (!held || !HTMLElement.prototype.showPopover) return;
  const { parts, cards } = JSON.parse(held.textContent);
  const OPENS = 250, CLOSES = 300; // milliseconds after the mouse came or went
  const EDGE = 8, GAP = 6; // pixels between the card and the window, and the number

  const card = document.createElement("div");
  card.className = "passport";
  card.popover = "manual";
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-labelledby", "passport-display");
  document.body.append(card);

  let shown = null; // the number whose card is open
  let timer, pointer, quiet = false;

  const numberAt = (element) => {
    const number = element.closest?.("a.num[data-key]");
    return number && number.dataset.key in cards ? number : null;
  };
  const holdsFocus = () => card.contains(document.activeElement);

  function show(number) {
    clearTimeout(timer);
    if (shown === number) return;
    const { key } = number.dataset;
    card.innerHTML = cards[key].map((part) => parts[part]).join("");
    card.querySelector(".key code").textContent = key;
    card.querySelector("a.cell").href = number.href;
    const register = card.querySelector("a.register");
    if (register) register.href += key;
    shown = number;
    card.showPopover();
    place();
  }

  function place() {
    card.style.maxHeight = "";
    const number = shown.getBoundingClientRect(), { offsetWidth: width, offsetHeight: height } = card;
    const [above, below] = [number.top - GAP, innerHeight - number.bottom - GAP];
    const under = height < below || above < below;
    const room = Math.min(height, (under ? below : above) - EDGE);
    const most = document.documentElement.clientWidth - width - EDGE;
    card.style.maxHeight = `${room}px`;
    card.style.left = `${scrollX + Math.max(EDGE, Math.min(number.left, most))}px`;
    card.style.top = `${scrollY + (under ? number.bottom + GAP : number.top - GAP - room)}px`;
  }

  function hide() {
    clearTimeout(timer);
    shown = null;
    card.hidePopover();
  }

  function enter(number) {
    show(number);
    card.querySelector("a.cell").focus();
  }

  // focus without opening the card
  function focus(number, options) {
    quiet = true;
    number.focus(options);
    quiet = false;
  }

  function goBack() {
    const number = shown, entered = holdsFocus();
    hide();
    if (entered) focus(number);
  }

  for (const number of document.querySelectorAll("a.num[data-key]")) {
    if (!numberAt(number)) continue;
    number.setAttribute("aria-haspopup", "dialog");
    number.removeAttribute("title"); // the card says it
  }

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const number = numberAt(event.target);
    clearTimeout(timer);
    if (number) timer = setTimeout(show, OPENS, number);
    else if (shown && !card.contains(event.target) && !holdsFocus() && document.activeElement !== shown)
      timer = setTimeout(hide, CLOSES);
  });

  document.addEventListener("pointerdown", (event) => {
    pointer = event.pointerType;
    if (shown && !card.contains(event.target) && numberAt(event.target) !== shown) hide();
  });

  document.addEventListener("focusin", (event) => {
    const number = numberAt(event.target);
    if (number && !quiet && number.matches(":focus-visible")) show(number);
    else if (shown && number !== shown && !holdsFocus()) hide();
  });

  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const number = numberAt(event.target);
    const byKey = event.detail === 0; // or by a screen reader
    if (number && (byKey || pointer === "touch")) {
      event.preventDefault();
      enter(number);
    } else if (shown && card.contains(event.target) && event.target.closest("a")) {
      history.replaceState(history.state, "", `#${shown.id}`); // where the browser's Back comes back to
    }
  });

  document.addEventListener("keydown", (event) => {
    if (!shown) return;
    const links = [...card.querySelectorAll("a")];
    const leaves = event.key === "Tab" && document.activeElement === (event.shiftKey ? links[0] : links.at(-1));
    if (event.key === "Escape" || (leaves && event.shiftKey)) {
      event.preventDefault();
      goBack();
    } else if (leaves) goBack(); // and the browser takes the focus on to what follows the number
  });

  addEventListener("resize", () => shown && place());
  document.addEventListener("scroll", (event) => shown && event.target !== document && place(), true);
  addEventListener("pagehide", () => shown && hide());

  function comeBack() {
    const number = numberAt(document.getElementById(decodeURIComponent(location.hash.slice(1))) ?? document);
    if (number) focus(number, { preventScroll: true });
  }
  addEventListener("pageshow", comeBack);
  addEventListener("hashchange", comeBack);
})();
