(function () {
  "use strict";
  var table = document.getElementById("county-table");
  var find = document.querySelector("[data-for=county-table] [data-find]");
  if (!table || !find) return;
  var opened = null;
  // A county that is found alone is opened; what was opened so is closed again.
  find.addEventListener("input", function () {
    var shown = [].filter.call(table.querySelectorAll("tbody.one"), function (one) { return !one.hidden; });
    var details = shown.length === 1 ? shown[0].querySelector("details") : null;
    if (opened && opened !== details) { opened.open = false; opened = null; }
    if (details && !details.open) { details.open = true; opened = details; }
  });
})();
