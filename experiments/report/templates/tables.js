
// Sorts a table by a click on a heading, and filters the rows of a long one. Without it the page is complete.
"use strict"
const LONG = 12

function figureOf(cell) {
  return cell.dataset.value === undefined ? NaN : Number(cell.dataset.value)
}

function compare(a, b, down) {
  const [x, y] = [figureOf(a), figureOf(b)]
  if (isNaN(x) !== isNaN(y)) return isNaN(x) ? 1 : -1
  const order = isNaN(x) ? a.textContent.localeCompare(b.textContent, "en", {numeric: true}) : x - y
  return down ? -order : order
}

function sortBy(table, k, down) {
  for (const body of table.tBodies) {
    const rows = [...body.rows].filter(row => !row.matches(".group"))
    rows.sort((a, b) => compare(a.cells[k], b.cells[k], down)).forEach(row => body.append(row))
  }
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells]
  heads.forEach((head, k) => {
    if (!head.textContent.trim()) return
    const button = document.createElement("button")
    button.type = "button"
    button.append(...head.childNodes)
    head.append(button)
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending"
      heads.forEach(one => one.removeAttribute("aria-sort"))
      head.setAttribute("aria-sort", down ? "descending" : "ascending")
      sortBy(table, k, down)
    })
  })
}

function makeFilter(table) {
  const field = document.createElement("input")
  field.type = "search"
  field.placeholder = "filter rows"
  field.setAttribute("aria-label", "filter rows")
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean)
    for (const row of table.querySelectorAll("tbody tr:not(.group)")) {
      row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word))
    }
  })
  table.parentElement.before(field)
}

for (const table of document.querySelectorAll("table.sortable")) {
  const rows = table.querySelectorAll("tbody tr:not(.group)").length
  if (rows > 1) makeSortable(table)
  if (rows > LONG) makeFilter(table)
}
