// Own digits: each that is shown can be given its label, then it is kept; a training learns them.

import {ask} from "./server.js"
import {chosenRuns, element, showMessage} from "./view.js"

const NO_DIGIT = "no_digit"
const POLL = 500  // ms

export class OwnDigits {
  #current       // returns {answer, selected, source}: what is shown, which digit of it, and the name of a photo
  #select        // shows another digit of the answer
  #compareWith   // shows a new run beside the chosen one
  #labels = new Map()  // what each image was kept as
  #changes = []        // each image that was kept and its label before, for undo
  #known = 0           // how many changes the server can undo
  #isOn = false

  constructor(current, select, compareWith) {
    this.#current = current
    this.#select = select
    this.#compareWith = compareWith
    element("takeBack").addEventListener("click", () => this.#takeBack())
    element("learn").addEventListener("click", () => this.#learn())
  }

  begin(state) {  // null if nothing is kept
    if (!state) return
    this.#isOn = true
    element("own").hidden = false
    element("folder").textContent = state.folder
    this.#update(state)
    this.show()
    if (state.learning.state === "running") this.#watch()
  }

  show() {  // the labels that the digit shown can be given
    if (!this.#isOn) return
    const {answer, selected} = this.#current()
    const labels = [...answer?.readings[0].classes ?? [..."0123456789"], NO_DIGIT]
    const group = element("labels")
    if (String([...group.children].map(({value}) => value)) !== String(labels))
      group.replaceChildren(...labels.map(label => {
        const button = document.createElement("button")
        button.value = label
        button.textContent = label.replaceAll("_", " ")
        button.addEventListener("click", () => this.#keep(label))
        return button
      }))
    const image = answer?.images[selected]
    const kept = this.#labels.get(String(image))
    for (const button of group.children) {
      button.disabled = !image
      button.ariaPressed = button.value === kept
    }
  }

  takesKey(key) {  // whether it is a label, which is then given to the digit shown
    const button = [...element("labels").children].find(({value}) => value === key)
    if (!button || !this.#isOn) return false
    if (!button.disabled) this.#keep(key)
    return true
  }

  async #keep(label) {
    const {answer, selected, source} = this.#current()
    const image = answer.images[selected], count = answer.images.length
    const query = new URLSearchParams({run: chosenRuns()[0], label, source})
    const state = await this.#ask(`keep?${query}`, {method: "POST", body: new Uint8Array(image)})
    if (!state) return
    showMessage("")
    if (state.changes > this.#known) this.#changes.push([String(image), this.#labels.get(String(image))])
    this.#labels.set(String(image), label)
    this.#update(state, count > 1 ? `Digit ${selected + 1} of ${count}: ${state.said}` : state.said)
    const next = this.#nextUnlabelled(selected)
    if (next >= 0 && count === this.#current().answer?.images.length) this.#select(next)
    else this.show()
  }

  #nextUnlabelled(selected) {  // after the one shown, or from the first on; -1 if all have a label
    const images = this.#current().answer?.images ?? []
    const order = [...images.keys()].map(i => (selected + 1 + i) % images.length)
    return order.find(i => !this.#labels.get(String(images[i]))) ?? -1
  }

  async #takeBack() {
    const state = await this.#ask("undo", {method: "POST"})
    if (!state) return
    const [image, before] = this.#changes.pop() ?? []
    this.#labels.set(image, before)
    this.#update(state, state.said)
    this.show()
  }

  async #learn() {
    const state = await this.#ask(`learn?${new URLSearchParams({run: chosenRuns()[0]})}`, {method: "POST"})
    if (state) this.#update(state), this.#watch()
  }

  async #watch() {  // until the training ends
    let state
    do {
      await new Promise(resolve => setTimeout(resolve, POLL))
      state = await this.#ask("own")
      if (state) this.#update(state)
    } while (state?.learning.state === "running")
    if (state?.learning.state === "finished") await this.#compareWith(state.learning.run)
  }

  #update({count, changes, learning}, said) {
    if (said) element("kept").value = said[0].toUpperCase() + said.slice(1)
    this.#known = changes
    element("takeBack").hidden = !changes
    element("learn").hidden = !count
    element("learn").disabled = learning.state === "running"
    element("learn").textContent = `Learn from ${count} digit${count === 1 ? "" : "s"}`
    const {line, seconds} = learning
    element("progress").ariaLive = learning.state === "running" ? "off" : "polite"  // only the end is read aloud
    element("progress").value = {
      idle: "", running: `${seconds} s: ${line}`, failed: line,
      finished: `Learned in ${seconds} s, now compared. ${line}`,
    }[learning.state]
  }

  async #ask(path, options) {  // the answer; none if it is an error, which is shown
    const {error, ...answer} = await ask(path, options)
    if (error) showMessage(error)
    return error ? null : answer
  }
}
