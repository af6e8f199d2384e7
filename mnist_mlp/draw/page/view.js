// What the page shows: the choice of runs, messages, the digits that were found, and a card per run.

import {createBoxes, createButtons, labelOf, mark, placeLabels, spokenLines} from "./digits.js"

const FOR = [70, 150, 255], AGAINST = [255, 120, 50]  // RGB of evidence

export const element = id => document.getElementById(id)

new ResizeObserver(() => placeLabels(element("boxes"))).observe(element("paper"))

export function showMessage(message) {
  element("message").hidden = !message
  element("message").textContent = message
}

export function showChoice(runs, chosen) {
  const option = ({name, title, date, val_accuracy, data}) => {
    const reached = val_accuracy == null ? "" : `${(100 * val_accuracy).toFixed(2)} % of ${data}`
    return new Option([title, reached, date].filter(Boolean).join(" · "), name)
  }
  element("run").replaceChildren(...runs.map(option))
  element("compare").replaceChildren(new Option("no other run", ""), ...runs.map(option))
  element("run").value = chosen[0]
  element("compare").value = chosen[1] ?? ""
}

function choices() {  // the lists in which a run is chosen
  return [element("run"), element("compare")].filter(({value}) => value)
}

export function chosenRuns() {
  return choices().map(({value}) => value)
}

export function createCards() {
  element("cards").replaceChildren(...choices().map(({selectedOptions}) => {
    const card = element("card").content.firstElementChild.cloneNode(true)
    card.querySelector("h2").textContent = selectedOptions[0].text.split(" · ")[0]
    return card
  }))
}

export function showSheet({width, height}) {  // a photo's paper
  const sheet = element("sheet")
  sheet.hidden = false
  sheet.style.aspectRatio = `${width} / ${height}`
  sheet.style.width = `min(100%, var(--side) * ${width / height})`
}

export function showDigits(answer, isPhoto, select) {  // before showAnswer, once an answer
  const boxes = element("boxes")
  ;(isPhoto ? element("sheet") : element("paper")).append(boxes)
  boxes.classList.toggle("still", isPhoto)
  const several = answer && (isPhoto || answer.boxes.length > 1)
  if (several) createBoxes(boxes, answer, select)
  else boxes.replaceChildren()
  element("cards").querySelectorAll(".reads").forEach((toolbar, i) => {
    toolbar.hidden = !several
    if (several) createButtons(toolbar, answer.readings[i], answer.lines, select)
    if (several && !answer.lines.length) toolbar.textContent = "nothing to read"
  })
}

export function showAnswer(answer, selected, isPhoto) {
  mark(element("boxes"), selected)
  element("cards").querySelectorAll(".card").forEach((card, i) => showCard(card, answer, i, selected, isPhoto))
}

export function announce({readings, lines}) {  // to screen readers
  const spoken = readings.map(reading => lines.length ? spokenLines(reading, lines) : "nothing to read")
  element("spoken").value = spoken.join("; the other run: ")
}

function showCard(card, answer, i, selected, isPhoto) {
  const find = selector => card.querySelector(selector)
  const reading = answer?.readings[i]
  const probabilities = reading?.probabilities[selected], label = reading?.labels[selected]
  const classes = reading?.classes ?? [..."0123456789"]
  const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1
  const text = probabilities ? labelOf(reading, selected) : "–"
  mark(find(".reads"), selected)
  find(".answer").classList.toggle("none", !label)
  find(".answer b").textContent = text
  find(".answer b").classList.toggle("long", text.length > 2)
  const nothing = isPhoto ? (reading ? "nothing to read" : "reading …") : "nothing drawn"
  find(".answer span").textContent = !probabilities ? nothing : (label ? "" : "not readable: ") + percent(probabilities[best])
  showBars(find(".bars"), classes, probabilities, best, Boolean(label))
  find(".threshold").textContent = reading ? `Below ${percent(reading.threshold)} a digit counts as not readable (?).` : ""
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
