"use strict";
(() => {
  const number = (cell) => {
    const given = cell.dataset.v;
    const text = given === undefined ? cell.textContent : given;
    const found = text.replace(/[,，]/g, "").match(/-?\d+(\.\d+)?/);
    return found ? Number(found[0]) : null;
  };
  const compare = (a, b) => {
    const x = number(a), y = number(b);
    if (x !== null && y !== null && x !== y) return x - y;
    if ((x === null) !== (y === null)) return x === null ? 1 : -1;
    return a.textContent.localeCompare(b.textContent);
  };
  const rowsOf = (table) =>
    table.dataset.sort === "groups"
      ? [...table.querySelectorAll("tbody.rule")]
      : [...table.tBodies[0].rows].filter((row) => row.dataset.find !== undefined);
  const cellOf = (row, column) => (row.rows ? row.rows[0] : row).cells[column];

  for (const table of document.querySelectorAll("table[data-sort]")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (head.dataset.s === undefined) return;
      head.classList.add("sortable");
      head.tabIndex = 0;
      const sort = () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = rowsOf(table);
        rows.sort((a, b) => (up ? 1 : -1) * compare(cellOf(a, column), cellOf(b, column)));
        table.querySelectorAll("tbody.block, tr.sub").forEach((row) => (row.hidden = true));
        const home = rows.length ? rows[0].parentNode : null;
        rows.forEach((row) => home.append(row));
      };
      head.addEventListener("click", sort);
      head.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(); }
      });
    });
  }

  for (const tools of document.querySelectorAll(".tools[data-for]")) {
    const table = document.getElementById(tools.dataset.for);
    const find = tools.querySelector("[data-find]");
    const show = tools.querySelector("[data-show]");
    const count = tools.querySelector("output");
    tools.hidden = false;
    const fits = (row) => {
      const text = `${row.dataset.find || ""} ${row.textContent}`.toLowerCase();
      if (!text.includes(find.value.trim().toLowerCase())) return false;
      const kind = show ? show.value : "";
      if (kind === "broken") return row.dataset.state === "broken";
      if (kind === "binding") return Number(row.dataset.binding) > 0;
      if (kind === "assumed") return row.dataset.assumed !== undefined;
      return true;
    };
    const filter = () => {
      let seen = 0;
      for (const row of rowsOf(table)) {
        row.hidden = !fits(row);
        seen += row.hidden ? 0 : 1;
      }
      const narrowed = find.value.trim() !== "" || (show && show.value !== "");
      table.querySelectorAll("tbody.block, tr.sub, tr.total").forEach((row) => {
        row.hidden = narrowed;
      });
      count.textContent = narrowed ? count.dataset.count.replace("{count}", seen) : "";
    };
    find.addEventListener("input", filter);
    if (show) show.addEventListener("change", filter);
    const all = (open) => () => table.querySelectorAll("details").forEach((d) => (d.open = open));
    const opener = tools.querySelector("[data-open]"), closer = tools.querySelector("[data-close]");
    if (opener) opener.addEventListener("click", all(true));
    if (closer) closer.addEventListener("click", all(false));
  }
})();
