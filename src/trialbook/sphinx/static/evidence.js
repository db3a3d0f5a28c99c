// Marks each number by how much of it the published figures determine, where a reader asks for it; kept for other pages.
(() => {
  const banner = document.querySelector(".bd-header-announcement__content, .trial-banner");
  if (!banner || !document.querySelector("a.num[data-evidence]")) return;
  const KEY = "trialbook-evidence", root = document.documentElement;
  const MARKS = ["published", "determined", "stable", "free"];

  const button = document.createElement("button");
  button.className = "evidence-switch";
  button.textContent = "Mark what is made up";
  const legend = document.createElement("span");
  legend.className = "evidence-legend";
  for (const name of MARKS) {
    const sample = document.createElement("span");
    sample.dataset.evidence = name;
    sample.textContent = name;
    legend.append(" ", sample);
  }
  banner.append(" ", button, legend);

  function show(on) {
    root.classList.toggle("shows-evidence", on);
    button.setAttribute("aria-pressed", on);
    try { localStorage.setItem(KEY, on ? "on" : ""); } catch { /* not kept where storage is off */ }
  }
  let kept = "";
  try { kept = localStorage.getItem(KEY); } catch { /* as above */ }
  show(kept === "on");
  button.addEventListener("click", () => show(!root.classList.contains("shows-evidence")));
})();
