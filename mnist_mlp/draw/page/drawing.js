// The strokes on the paper, drawn with a pointer, and the picture of them that is sent.

const SENT_SIDE = 280  // px

export class Drawing {
  #canvas
  #strokes = []     // each {width, points: [[x, y], ...]}, in units of the paper's side
  #earlier = []     // the strokes before each change, for undo
  #current = null   // the stroke being drawn, with the id of its pointer
  #sent = Object.assign(document.createElement("canvas"), {width: SENT_SIDE, height: SENT_SIDE})
    .getContext("2d", {willReadFrequently: true})

  // Draws on canvas; strokeWidth() gives a new stroke's width, changed() is called after each change by a pointer.
  constructor(canvas, strokeWidth, changed) {
    this.#canvas = canvas
    canvas.addEventListener("pointerdown", event => {
      if (this.#current || event.button !== 0) return
      canvas.setPointerCapture(event.pointerId)
      this.#current = {pointer: event.pointerId, width: strokeWidth(), points: [this.#pointOf(event)]}
      this.#replace([...this.#strokes, this.#current])
      changed()
    })
    canvas.addEventListener("pointermove", event => {
      if (event.pointerId !== this.#current?.pointer) return
      const events = event.getCoalescedEvents?.() ?? []
      this.#current.points.push(...(events.length ? events : [event]).map(event => this.#pointOf(event)))
      changed()
    })
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, event => {
        if (event.pointerId !== this.#current?.pointer) return
        this.#current = null
        changed()
      })
    new ResizeObserver(() => this.repaint()).observe(canvas)
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint())
  }

  get isEmpty() {
    return this.#strokes.length === 0
  }

  get isInProgress() {
    return this.#current !== null
  }

  get lastPoint() {  // [x, y] in units of the paper's side
    return this.#strokes.at(-1)?.points.at(-1) ?? [0, 0]
  }

  get canUndo() {
    return this.#earlier.length > 0
  }

  undo() {
    if (this.canUndo && !this.isInProgress) this.#strokes = this.#earlier.pop()
  }

  clear() {
    if (!this.isEmpty && !this.isInProgress) this.#replace([])
  }

  repaint() {
    const canvas = this.#canvas
    const side = canvas.width = canvas.height = Math.round(canvas.clientWidth * devicePixelRatio)
    this.#paint(canvas.getContext("2d"), side, getComputedStyle(canvas).getPropertyValue("--ink"))
  }

  toPGM() {  // unlike PNG, this format costs no time to write or read
    this.#sent.fillStyle = "white"
    this.#sent.fillRect(0, 0, SENT_SIDE, SENT_SIDE)
    this.#paint(this.#sent, SENT_SIDE, "black")
    const {data} = this.#sent.getImageData(0, 0, SENT_SIDE, SENT_SIDE)
    const header = new TextEncoder().encode(`P5 ${SENT_SIDE} ${SENT_SIDE} 255\n`)
    const bytes = new Uint8Array(header.length + SENT_SIDE * SENT_SIDE)
    bytes.set(header)
    for (let i = 0; i < SENT_SIDE * SENT_SIDE; i++) bytes[header.length + i] = data[4 * i]
    return bytes
  }

  #replace(strokes) {
    this.#earlier.push(this.#strokes)
    this.#strokes = strokes
  }

  #pointOf(event) {
    const paper = this.#canvas.getBoundingClientRect()
    return [(event.clientX - paper.left) / paper.width, (event.clientY - paper.top) / paper.height]
  }

  #paint(context, side, ink) {
    context.lineCap = context.lineJoin = "round"
    context.strokeStyle = ink
    for (const {width, points} of this.#strokes) {
      context.lineWidth = width * side
      context.beginPath()
      context.moveTo(points[0][0] * side, points[0][1] * side)
      points.forEach(([x, y], i) => {  // a curve through the midpoints between points
        const [nextX, nextY] = points[i + 1] ?? [x, y]
        context.quadraticCurveTo(x * side, y * side, (x + nextX) / 2 * side, (y + nextY) / 2 * side)
      })
      context.lineTo(points.at(-1)[0] * side + 0.01, points.at(-1)[1] * side)  // a path of no length would not show
      context.stroke()
    }
  }
}
