(function () {
  "use strict";
  function all(selector, root) {
    return Array.prototype.slice.call((root || document).querySelectorAll(selector));
  }
  function number(text) {
    var found = text.replace(/[,，\s+]/g, "").match(/-?\d+(\.\d+)?/);
    return found ? parseFloat(found[0]) : null;
  }
  function value(row, at) {
    var cell = row.cells[at];
    return cell.dataset.v !== undefined ? cell.dataset.v : cell.firstChild ? cell.firstChild.textContent.trim() : "";
  }
  function compare(a, b) {
    var x = number(a), y = number(b);
    if (x !== null && y !== null) return x - y;
    if (x !== null || y !== null) return x === null ? -1 : 1;
    return a.localeCompare(b, document.documentElement.lang);
  }
  function units(table) {
    return table.dataset.sort === "groups" ? all(":scope>tbody", table) : all(":scope>tbody>tr", table);
  }
  function row(unit) {
    return unit.rows ? unit.rows[0] : unit;
  }
  function sorted(table, at, way) {
    var original = table._original, runs = [], run = null;
    original.forEach(function (unit) {
      var fixed = /\b(block|total|sub)\b/.test(unit.className);
      if (fixed && !(table.dataset.sort === "rows" && unit.className === "sub")) {
        runs.push([unit]);
        run = null;
      } else if (!fixed) {
        if (!run) runs.push(run = []);
        run.push(unit);
      }
    });
    var subs = original.filter(function (unit) { return unit.className === "sub"; });
    runs.forEach(function (units) {
      units.sort(function (a, b) {
        return way * compare(value(row(a), at), value(row(b), at)) || original.indexOf(a) - original.indexOf(b);
      });
    });
    return [].concat.apply([], runs).concat(subs);
  }
  function sort(table, head, at) {
    var before = head.getAttribute("aria-sort"), first = at && table.dataset.sort === "rows" ? "descending" : "ascending";
    var second = first === "ascending" ? "descending" : "ascending";
    var now = before === first ? second : before === second ? null : first;
    all("thead th", table).forEach(function (th) { th.removeAttribute("aria-sort"); });
    if (now) head.setAttribute("aria-sort", now);
    var order = now ? sorted(table, at, now === "ascending" ? 1 : -1) : table._original;
    var parent = order[0].parentNode;
    order.forEach(function (unit) { parent.appendChild(unit); });
    table.classList.toggle("flat", !!now);
    if (table._filter) table._filter();
  }
  function filter(table, tools) {
    var find = tools.querySelector("[data-find]"), show = tools.querySelector("[data-show]"), out = tools.querySelector("output");
    function matches(unit, text) {
      return (unit.textContent + " " + (unit.dataset.find || "")).toLowerCase().indexOf(text) >= 0;
    }
    function wanted(unit) {
      var how = show ? show.value : "";
      return !how || (how === "binding" ? +unit.dataset.binding > 0 : how === "near" ? +unit.dataset.near > 0 : how === "assumed" ? "assumed" in unit.dataset : /^(broken|bent|short)$/.test(unit.dataset.state));
    }
    // Of a rule with limits that match, only those are shown, and opened to.
    function narrow(unit, text) {
      var limits = all(".inner tbody tr", unit), details = unit.querySelector("details");
      var found = text ? limits.filter(function (limit) { return matches(limit, text); }) : [];
      limits.forEach(function (limit) { limit.hidden = found.length > 0 && found.indexOf(limit) < 0; });
      if (!details || details._opened === (found.length > 0)) return;
      if (found.length && !details.open) details.open = details._opened = true;
      else if (!found.length && details._opened) details.open = details._opened = false;
    }
    table._filter = function () {
      var text = find.value.trim().toLowerCase(), shown = 0, count = 0, block = null, left = 0;
      function close() { if (block) block.hidden = !left; }
      units(table).forEach(function (unit) {
        if (/\b(block|total|sub)\b/.test(unit.className)) {
          if (unit.className === "total") { unit.hidden = !!text; return; }
          close();
          block = unit;
          left = 0;
          return;
        }
        count += 1;
        unit.hidden = !(wanted(unit) && (!text || matches(unit, text)));
        if (!unit.hidden) { shown += 1; left += 1; }
        narrow(unit, text);
      });
      close();
      if (table.classList.contains("flat")) all("tr.sub", table).forEach(function (sub) { sub.hidden = true; });
      out.textContent = out.dataset.count.replace("SHOWN", shown).replace("ALL", count);
    };
    find.addEventListener("input", table._filter);
    if (show) show.addEventListener("change", table._filter);
    [["[data-open]", true], ["[data-close]", false]].forEach(function (pair) {
      var button = tools.querySelector(pair[0]);
      if (button) button.addEventListener("click", function () {
        all("details", table).forEach(function (one) { one.open = pair[1]; });
      });
    });
    tools.hidden = false;
    table._filter();
  }
  all("table[data-sort]").forEach(function (table) {
    table._original = units(table);
    all("thead th", table).forEach(function (head, at) {
      if (!("s" in head.dataset) || head.closest("table") !== table) return;
      // Not a button element: those are left out where a printed page repeats the head.
      var button = document.createElement("span");
      button.setAttribute("role", "button");
      button.tabIndex = 0;
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", function () { sort(table, head, at); });
      button.addEventListener("keydown", function (event) {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        sort(table, head, at);
      });
    });
  });
  all(".tools").forEach(function (tools) {
    filter(document.getElementById(tools.dataset["for"]), tools);
  });
})();
