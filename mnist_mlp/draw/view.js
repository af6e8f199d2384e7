// What the page shows: the choice of runs, messages, the digits' boxes on a photo, and a card per run.

const FOR = [70, 150, 255], AGAINST = [255, 120, 50]  // RGB of evidence

export const element = id => document.getElementById(id)

export function showMessage(message) {
  element("message").hidden = !message
  element("message").textContent = message
}

export function showChoice(runs, chosen) {
  const option = ({name, val_accuracy}) =>
    new Option(shortened(name) + (val_accuracy == null ? "" : ` (${(100 * val_accuracy).toFixed(2)} %)`), name)
  element("run").append(...runs.map(option))
  element("compare").append(new Option("no other run", ""), ...runs.map(option))
  element("run").value = chosen[0]
  element("compare").value = chosen[1] ?? ""
}

export function chosenRuns() {
  return [element("run").value, element("compare").value].filter(Boolean)
}

export function createCards() {
  const cards = chosenRuns().map(run => {
    const card = element("card").content.firstElementChild.cloneNode(true)
    card.querySelector("h2").textContent = shortened(run)
    return card
  })
  element("cards").replaceChildren(...cards)
}

export function createBoxes({width, height, boxes, readings}, select) {
  const sheet = element("sheet")
  sheet.hidden = false
  sheet.style.aspectRatio = `${width} / ${height}`
  sheet.style.width = `min(100%, var(--side) * ${width / height})`
  sheet.querySelectorAll(".box").forEach(box => box.remove())
  boxes.forEach(([left, top, right, bottom], i) => {
    const box = document.createElement("button"), label = document.createElement("span")
    const labels = readings.map(reading => reading.labels[i] ?? "?")
    label.textContent = new Set(labels).size > 1 ? labels.join("|") : labels[0]
    box.ariaLabel = `Digit ${i + 1} of ${boxes.length}: ${labels.map(label => label === "?" ? "not readable" : label).join(" or ")}`
    box.className = "box"
    box.classList.toggle("unread", labels[0] === "?")
    box.classList.toggle("below", top / height < 0.06)
    Object.assign(box.style, {left: `${100 * left / width}%`, top: `${100 * top / height}%`,
      width: `${100 * (right - left) / width}%`, height: `${100 * (bottom - top) / height}%`})
    box.append(label)
    box.addEventListener("click", () => select(i))
    sheet.append(box)
  })
}

export function showAnswer(answer, selected, isPhoto) {
  element("sheet").querySelectorAll(".box").forEach((box, i) => box.ariaPressed = i === selected)
  element("cards").querySelectorAll(".card").forEach((card, i) => showCard(card, answer, i, selected, isPhoto))
}

export function announce({readings}) {  // to screen readers
  const spoken = readings.map(reading => reading.labels.map(label => label ?? "not readable").join(", "))
  element("spoken").value = spoken.join("; ")
}

function showCard(card, answer, i, selected, isPhoto) {
  const find = selector => card.querySelector(selector)
  const reading = answer?.readings[i]
  const probabilities = reading?.probabilities[selected], label = reading?.labels[selected]
  const classes = reading?.classes ?? [..."0123456789"]
  const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1
  find(".reads").hidden = !isPhoto || !reading
  find(".reads b").textContent = reading?.labels.map(label => label ?? "?").join(" ") || "nothing"
  find(".answer").classList.toggle("none", !label)
  find(".answer b").textContent = label ?? (probabilities ? "?" : "–")
  find(".answer b").classList.toggle("long", (label ?? "").length > 1)
  find(".answer span").textContent =
    label ? percent(probabilities[best]) : probabilities || reading ? "not readable" : isPhoto ? "reading …" : "nothing drawn"
  showBars(find(".bars"), classes, probabilities, best, Boolean(label))
  find(".what").textContent = best < 0 ? "the answer" : label ?? `${classes[best]}, the most likely`
  showImage(find(".seen"), answer?.images[selected], grey => [grey, grey, grey])
  const evidence = reading?.evidence[selected]
  const max = Math.max(1e-9, ...(evidence ?? []).map(Math.abs))
  showImage(find(".evidence"), evidence, value =>
    (value > 0 ? FOR : AGAINST).map(part => part * Math.abs(value / max) ** 0.6))  // the power lifts weak evidence
}

function showBars(bars, classes, probabilities, best, isRead) {
  if (bars.childElementCount !== classes.length)
    bars.replaceChildren(...classes.map(() => {
      const row = document.createElement("li")
      row.append(...["span", "i", "span"].map(name => document.createElement(name)))
      return row
    }))
  ;[...bars.children].forEach((row, i) => {
    const [name, bar, value] = row.children
    name.textContent = classes[i]
    bar.style.width = `${100 * (probabilities?.[i] ?? 0)}%`
    value.textContent = probabilities ? percent(probabilities[i]) : ""
    row.classList.toggle("best", i === best)
    row.classList.toggle("read", isRead)
  })
}

function showImage(canvas, pixels, colour) {
  const image = new ImageData(28, 28)
  image.data.fill(255)
  for (let i = 0; i < 784; i++) image.data.set(pixels ? colour(pixels[i]) : [0, 0, 0], 4 * i)
  canvas.getContext("2d").putImageData(image, 0, 0)
}

function percent(probability) {
  return probability > 0 && probability < 0.001 ? "< 0.1 %" : `${(100 * probability).toFixed(1)} %`
}

function shortened(name) {  // runs differ in the ends of their names
  return name.length > 36 ? `…${name.slice(-35)}` : name
}
