"use strict";
/* What only a browser knows: the look of a cell, what is pasted, where a map was clicked. */
window.deskNumber = (p) => {
  if (p.value === 0 && p.data.kind === "county") return "–";
  return typeof p.value === "number" ? p.value.toLocaleString("en-US") : p.value;
};
const deskSince = (p) => (p.data.since || {})[p.colDef.field] || 0;
window.deskMarks = {
  broken: (p) => (p.data.broken || []).includes(p.colDef.field),
  held: (p) => (p.data.held || []).includes(p.colDef.field),
  more: (p) => deskSince(p) > 0,
  less: (p) => deskSince(p) < 0,
};
window.deskTip = (p) => {
  const since = deskSince(p);
  return since ? (since > 0 ? "+" : "") + since.toLocaleString("en-US") : undefined;
};
window.deskGrid = (id) => {
  const grid = getElement(id);
  const focused = () => {
    const cell = grid.api.getFocusedCell();
    return cell && !cell.rowPinned ? cell : null;
  };
  const below = (cell) => {
    const ids = [];
    for (let at = cell.rowIndex; at < grid.api.getDisplayedRowCount(); at++)
      ids.push(grid.api.getDisplayedRowAtIndex(at).id);
    return ids;
  };
  grid.$el.addEventListener("paste", (event) => {
    const cell = focused();
    if (!cell || event.target.closest("input, textarea")) return;
    event.preventDefault();
    const text = event.clipboardData.getData("text/plain");
    const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
    emitEvent("desk-paste", {
      rows: below(cell).slice(0, lines.length),
      column: cell.column.getColId(),
      lines: lines.map((line) => line.split("\t")),
    });
  });
  grid.$el.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea")) return;
    const cell = focused();
    const control = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    const step = control && key === "z" ? (event.shiftKey ? "redo" : "undo") : control && key === "y" ? "redo" : "";
    if (step) emitEvent("desk-step", { step });
    else if (event.altKey && key === "l" && cell)
      emitEvent("desk-hold", { row: below(cell)[0], column: cell.column.getColId() });
    else if (cell && key === "enter" && cell.column.getColId() === "name")
      emitEvent("desk-card", { row: below(cell)[0] });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  grid.$el.deskFocused = () => {
    const cell = focused();
    return cell ? { row: below(cell)[0], column: cell.column.getColId() } : null;
  };
};
document.addEventListener("click", (event) => {
  const svg = event.target.closest && event.target.closest(".desk-map svg");
  if (!svg) return;
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  emitEvent("desk-map", { x: point.x, y: point.y });
});
