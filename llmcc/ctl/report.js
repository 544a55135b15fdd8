// Sorts the tables of the page; without it they stand in their first order.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const isNumber = head.classList.contains("number");
      const wasDescending = head.getAttribute("aria-sort") === "descending";
      const wasAscending = head.getAttribute("aria-sort") === "ascending";
      // Figures are asked for from the top, names from A.
      const isAscending = isNumber ? wasDescending : !wasAscending;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", isAscending ? "ascending" : "descending");
      const value = (row) => row.cells[column].textContent.trim();
      const compare = (a, b) =>
        isNumber
          ? (parseFloat(value(a)) || 0) - (parseFloat(value(b)) || 0)
          : value(a).localeCompare(value(b));
      const rows = [...table.tBodies[0].rows].sort(compare);
      table.tBodies[0].append(...(isAscending ? rows : rows.reverse()));
    });
  });
}
