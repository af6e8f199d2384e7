// The page: what is drawn, or a photo, is sent to the server, and its answer shown.

import {Drawing} from "./drawing.js"
import {OwnDigits} from "./own.js"
import {ask, NO_SERVER} from "./server.js"
import {announce, chosenRuns, createCards, element, showAnswer, showChoice, showDigits, showMessage, showSheet} from "./view.js"

const drawing = new Drawing(element("canvas"), () => Number(element("width").value), changed)
const own = new OwnDigits(() => ({answer, selected, source: photo?.name ?? ""}), select, compareWith)
let photo = null      // the file, when one is shown instead of the drawing
let answer = null     // the server's latest
let selected = 0      // the index of the answer's digit that is shown
let maxBytes = Infinity
let refusal = ""      // why a file was not opened; stays until the next thing that the user does

function isEmpty() {
  return !photo && drawing.isEmpty
}

function changed() {
  if (drawing.isInProgress) refusal = ""
  drawing.repaint()
  element("hint").hidden = !isEmpty()
  element("undo").disabled = !drawing.canUndo && !photo
  element("clear").disabled = isEmpty()
  update()
}

function show() {
  showDigits(answer, photo !== null, select)
  showAnswer(answer, selected, photo !== null)
  own.show()
  if (answer && !drawing.isInProgress) announce(answer)
}

function select(i) {
  selected = i
  showAnswer(answer, selected, photo !== null)
  own.show()
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
  const {error = "", ...received} = await readWith(runs)
  if (sent !== photo || isEmpty() || String(runs) !== String(chosenRuns())) return  // no longer asked
  if (error && error !== NO_SERVER && sent) return refuse(error.replace(/^picture:/, `${sent.name}:`))
  showMessage(error || refusal)
  answer = error ? null : received
  const count = answer?.boxes.length ?? 0
  selected = answer && drawing.isInProgress ? nearest(answer, drawing.lastPoint) : Math.max(0, Math.min(selected, count - 1))
  performance.measure("read", {start})
  if (answer && photo) showSheet(answer)
  show()
}

function nearest({boxes, width, height}, [x, y]) {  // the digit that is being drawn
  const distances = boxes.map(([left, top, right, bottom]) =>
    Math.hypot(Math.max(left - x * width, 0, x * width - right), Math.max(top - y * height, 0, y * height - bottom)))
  return Math.max(0, distances.indexOf(Math.min(...distances)))
}

function readWith(runs) {
  const query = new URLSearchParams([...runs.map(run => ["run", run]), ["several", ""]])
  if (!photo) query.set("drawing", "")
  return ask(`read?${query}`, {method: "POST", body: photo ?? drawing.toPGM()})
}

// Photos

function showPhoto(file) {
  refusal = ""
  showMessage("")
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

function refuse(reason) {  // what was drawn before, if anything, is shown again
  showPhoto(null)
  refusal = reason
  showMessage(refusal)
}

async function open(files, otherwise) {
  const [file, ...others] = files
  if (!file) return otherwise && refuse(otherwise)
  if (file.size > maxBytes) return refuse(`${file.name}: larger than ${maxBytes / 1e6} MB`)
  try {
    await file.slice(0, 1).arrayBuffer()
  } catch {
    return refuse(`${file.name}: a folder, or a file that cannot be read`)
  }
  showPhoto(file)
  if (others.length) showMessage(refusal = `Only ${file.name} is shown; one picture at a time.`)
}

element("photo").addEventListener("error", () => element("photo").hidden = true)  // such as TIFF: boxes on white
element("file").addEventListener("change", event => {
  open([...event.target.files])
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
  open([...event.dataTransfer.files], "This is no file. Save a picture of another page first, then drop the file.")
})
addEventListener("paste", event => open([...event.clipboardData.files], "What was pasted is no picture."))

// Buttons, keys and runs

function undo() {
  if (photo) return showPhoto(null)
  showMessage(refusal = "")
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
  else if (event.ctrlKey || event.metaKey || event.altKey || !own.takesKey(event.key)) return
  event.preventDefault()
})

function chooseRuns() {
  answer = null
  createCards()
  show()
  update()
}

for (const id of ["run", "compare"]) element(id).addEventListener("change", chooseRuns)

async function loadRuns(choice) {
  const {runs, chosen, max_bytes, own: kept} = await (await fetch("runs")).json()
  maxBytes = max_bytes
  showChoice(runs, choice ?? chosen)
  return kept
}

async function compareWith(run) {  // one that was just trained
  await loadRuns([chosenRuns()[0], run])
  chooseRuns()
}

try {
  own.begin(await loadRuns())
} catch {
  showMessage(NO_SERVER)
}
createCards()
changed()
