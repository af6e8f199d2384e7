// The digits that were found: a box round each in the picture, and a button for each, in the order in which one reads.

export function labelOf({labels, probabilities, classes}, i) {  // "7"; "7?" if it is refused
  return labels[i] ?? `${classes[probabilities[i].indexOf(Math.max(...probabilities[i]))]}?`
}

export function createBoxes(container, {width, height, boxes, readings}, select) {
  container.replaceChildren(...boxes.map(([left, top, right, bottom], i) => {
    const box = document.createElement("div"), text = document.createElement("span")
    text.textContent = [...new Set(readings.map(reading => labelOf(reading, i)))].join("|")
    box.className = readings[0].labels[i] === null ? "box unread" : "box"
    Object.assign(box.style, {left: `${100 * left / width}%`, top: `${100 * top / height}%`,
      width: `${100 * (right - left) / width}%`, height: `${100 * (bottom - top) / height}%`})
    box.addEventListener("click", () => select(i))  // for a mouse; the buttons do the same for all
    box.append(text)
    return box
  }))
  container.classList.toggle("dense", boxes.length > 40)
  placeLabels(container)
}

export function placeLabels(container) {  // above its box, else below it; hidden where another box or label is there
  const paper = container.getBoundingClientRect(), boxes = [...container.children]
  const taken = boxes.map(box => box.getBoundingClientRect())
  const labels = boxes.map(box => box.firstChild.getBoundingClientRect())
  const isFree = (area, own) => area.top >= paper.top && area.bottom <= paper.bottom && area.right <= paper.right
    && !taken.some((other, i) => i !== own && overlap(area, other))
  const places = boxes.map((_, i) => {
    const {left, top, bottom} = taken[i], {width, height} = labels[i]
    const areas = {above: {top: top - height, bottom: top}, below: {top: bottom, bottom: bottom + height}}
    for (const [place, sides] of Object.entries(areas)) {
      const area = {left, right: left + width, ...sides}
      if (isFree(area, i)) return taken.push(area) && place
    }
    return "hidden"
  })
  boxes.forEach((box, i) => box.firstChild.className = places[i])
}

function overlap(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}

export function createButtons(toolbar, reading, lines, select) {
  const rows = []
  lines.forEach((line, i) => {
    const button = document.createElement("button")
    button.textContent = labelOf(reading, i)
    button.className = reading.labels[i] === null ? "unread" : ""
    button.ariaLabel = `Digit ${i + 1} of ${lines.length}: ${spoken(reading, i)}`
    button.addEventListener("click", () => select(i))
    if (i === 0 || line !== lines[i - 1]) rows.push(document.createElement("div"))
    rows.at(-1).append(button)
  })
  const focused = [...toolbar.querySelectorAll("button")].indexOf(document.activeElement)
  toolbar.replaceChildren(...rows)
  toolbar.querySelectorAll("button")[focused]?.focus()  // a later answer does not take the keyboard away
  toolbar.onkeydown = event => {
    const step = {ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1}[event.key]
    const buttons = [...toolbar.querySelectorAll("button")]
    const next = buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length]
    if (!next) return
    event.preventDefault()
    next.focus()
    next.click()
  }
}

export function mark(container, selected) {  // of boxes or of buttons
  container.querySelectorAll(".box").forEach((box, i) => box.classList.toggle("selected", i === selected))
  container.querySelectorAll("button").forEach((button, i) => {
    button.ariaPressed = i === selected
    button.tabIndex = i === selected ? 0 : -1  // the arrow keys lead to the others
  })
}

export function spokenLines(reading, lines) {  // "1, 2; next line: not readable, perhaps 4"
  return lines.map((line, i) => (i === 0 ? "" : line === lines[i - 1] ? ", " : "; next line: ") + spoken(reading, i)).join("")
}

function spoken(reading, i) {
  const label = labelOf(reading, i)
  return reading.labels[i] === null ? `not readable, perhaps ${label.slice(0, -1)}` : label
}
