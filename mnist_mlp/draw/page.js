// The page: what is drawn, or a photo, is sent to the server, and its answer shown.

import {Drawing} from "./drawing.js"
import {announce, chosenRuns, createBoxes, createCards, element, showAnswer, showChoice, showMessage} from "./view.js"

const NO_SERVER = "The server does not answer; is it still running?"

const drawing = new Drawing(element("canvas"), () => Number(element("width").value), changed)
let photo = null      // the file, when one is shown instead of the drawing
let answer = null     // the server's latest
let selected = 0      // the index of the answer's digit that is shown
let maxBytes = Infinity

function isEmpty() {
  return !photo && drawing.isEmpty
}

function changed() {
  drawing.repaint()
  element("hint").hidden = !isEmpty()
  element("undo").disabled = !drawing.canUndo && !photo
  element("clear").disabled = isEmpty()
  update()
}

function show() {
  showAnswer(answer, selected, photo !== null)
  if (answer && !drawing.isInProgress) announce(answer)
}

// Reading

let reading = false, stale = false
async function update() {  // one request at a time; changes during it are sent together in the next
  stale = true
  if (reading) return
  reading = element("cards").ariaBusy = true
  while (stale) {
    stale = false
    await read()
  }
  reading = element("cards").ariaBusy = false
}

async function read() {
  const runs = chosenRuns(), sent = photo
  if (!runs.length || isEmpty()) {
    answer = null
    return show()
  }
  const start = performance.now()
  const {error = "", ...received} = await ask(runs)
  if (sent !== photo || isEmpty() || String(runs) !== String(chosenRuns())) return  // no longer asked
  if (error && photo) showPhoto(null)
  showMessage(sent ? error.replace(/^picture:/, `${sent.name}:`) : error)
  answer = error ? null : received
  selected = Math.max(0, Math.min(selected, (answer?.boxes.length ?? 0) - 1))
  performance.measure("read", {start})
  if (answer && photo) createBoxes(answer, select)
  show()
}

async function ask(runs) {
  const query = new URLSearchParams(runs.map(run => ["run", run]))
  if (photo) query.append("several", "")
  try {
    const response = await fetch(`read?${query}`, {method: "POST", body: photo ?? drawing.toPGM()})
    return await response.json()
  } catch {
    return {error: NO_SERVER}
  }
}

function select(i) {
  selected = i
  show()
}

// Photos

function showPhoto(file) {
  showMessage("")
  if (file && file.size > maxBytes) return showMessage(`${file.name}: larger than ${maxBytes / 1e6} MB`)
  const image = element("photo")
  URL.revokeObjectURL(image.src)
  photo = file
  answer = null
  selected = 0
  element("sheet").hidden = true
  element("canvas").hidden = file !== null
  image.removeAttribute("src")
  image.hidden = false
  if (file) image.src = URL.createObjectURL(file)
  changed()
}

element("photo").addEventListener("error", () => element("photo").hidden = true)  // such as TIFF: boxes on white
element("file").addEventListener("change", event => {
  if (event.target.files[0]) showPhoto(event.target.files[0])
  event.target.value = ""  // or choosing the same file again would not be a change
})
addEventListener("dragover", event => {
  event.preventDefault()
  element("paper").classList.add("over")
})
addEventListener("dragleave", event => { if (!event.relatedTarget) element("paper").classList.remove("over") })
addEventListener("drop", event => {
  event.preventDefault()
  element("paper").classList.remove("over")
  if (event.dataTransfer.files[0]) showPhoto(event.dataTransfer.files[0])
})
addEventListener("paste", event => { if (event.clipboardData.files[0]) showPhoto(event.clipboardData.files[0]) })

// Buttons, keys and runs

function undo() {
  if (photo) return showPhoto(null)
  drawing.undo()
  changed()
}

function clear() {
  drawing.clear()
  showPhoto(null)
}

element("undo").addEventListener("click", undo)
element("clear").addEventListener("click", clear)
addEventListener("keydown", event => {
  if (event.target.matches("select")) return
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") undo()
  else if (event.key === "Escape") clear()
  else return
  event.preventDefault()
})

for (const id of ["run", "compare"])
  element(id).addEventListener("change", () => {
    answer = null
    createCards()
    show()
    update()
  })

try {
  const {runs, chosen, max_bytes} = await (await fetch("runs")).json()
  maxBytes = max_bytes
  showChoice(runs, chosen)
} catch {
  showMessage(NO_SERVER)
}
createCards()
changed()
