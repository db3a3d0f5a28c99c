// The list of all numbers: a field to search it, and a button in each heading to sort it.
(() => {
  const table = document.querySelector("table.register"), body = table.tBodies[0], rows = [...body.rows];
  const field = document.getElementById("register-search"), count = document.querySelector(".register-search output");
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const order = new Map(rows.map((row, i) => [row, i])); // that of the paper

  function search() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const row of rows) {
      row.hidden = !words.every((word) => texts.get(row).includes(word));
      found += !row.hidden;
    }
    count.textContent = `${found} of ${rows.length} numbers`;
  }

  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.sort ?? cell.textContent.trim().toLowerCase();
  };

  // numbers before texts, and what is empty last
  function compare(a, b) {
    if (!a || !b) return !a - !b;
    const [x, y] = [Number(a), Number(b)];
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return Number.isNaN(x) ? (a > b) - (a < b) : x - y;
  }

  function sort(heading) {
    const column = heading.cellIndex;
    const down = heading.ariaSort === "ascending";
    for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const isWhere = column === heading.parentNode.cells.length - 1; // sorted as in the paper
    rows.sort((a, b) => {
      const rising = isWhere ? order.get(a) - order.get(b) : compare(value(a, column), value(b, column));
      return (down ? -rising : rising) || order.get(a) - order.get(b);
    });
    body.append(...rows);
  }

  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(heading));
    heading.append(button);
  }
  field.addEventListener("input", search);
  search();
})();
