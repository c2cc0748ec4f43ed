// What stands round every page, wherever Streamlit would speak for itself. It comes
// before Streamlit's own script.
window.darkroom = {}

// A page whose session was ended elsewhere loads itself anew, and the gate asks to sign in. Its
// websocket cannot tell it so: one that closed is not opened again without a session. A studio
// that takes its time is asked once at a time, and is away if it takes too long.
const ANSWER_MS = 5_000
let failures = 0
let isLooking = false
const look = async () => {
  if (document.hidden || isLooking) return
  isLooking = true
  const signal = AbortSignal.timeout(ANSWER_MS)
  const answer = await fetch("/account/session", { cache: "no-store", signal }).catch(() => null)
  isLooking = false
  if (answer && answer.status === 401) window.location.reload()
  failures = answer ? 0 : failures + 1
  sayAway(failures > 1)
}

// The studio is restarted, or the network is away: said once, taken back by itself.
const sayAway = (isAway) => {
  const shown = document.getElementById("dr-away")
  if (!isAway) shown?.remove()
  if (!isAway || shown) return
  const note = document.createElement("div")
  note.id = "dr-away"
  note.setAttribute("role", "status")
  note.textContent = document.querySelector("[data-dr-away]")?.dataset.drAway ?? ""
  document.body.append(note)
}

setInterval(look, 2_500)

// Streamlit forgets what a page was told, a stroke or a value, if the page is left before it has
// heard it. So a link that is clicked at the heels of something else waits until it was heard.
const TELL_MS = 500 // within so long, fields tell what was done to them
const REST_MS = 200 // between two runs a page seems to be at rest, too, but not as long
const QUIET_MS = 1_500 // a browser that was busy may have missed that a run ended
const PATIENCE_MS = 5_000
const CLOSED_MS = 30_000
let touchedAt = -Infinity
let isPainted = false // whether it was a canvas that was touched
let told = null // when a page was last told what somebody did, and how many runs ended since
let asked = null // the same of what was done to anything but a canvas
let answeredAt = -Infinity // when the studio last said anything
let leaving = null

const app = () => document.querySelector('[data-testid="stApp"]')
const isThere = () => app()?.dataset.testConnectionState === "CONNECTED"

const isAtRest = () => app()?.dataset.testScriptState === "notRunning"

// A run that was under way when it was told ends first; then comes the one that hears it.
const isHeard = (one, now, patienceMs = PATIENCE_MS) => one === null || one.ended > 1
  || now - one.at > patienceMs || (one.ended === 1 && now - one.endedAt > REST_MS)
  || (isAtRest() && answeredAt > one.at && now - answeredAt > QUIET_MS)
window.darkroom.isAwaited = () => isThere() && !isHeard(told, performance.now())

// Painting waits until what was asked for before it is there, be it a zoom or a step back: on a
// canvas that is about to be given something else, strokes would be lost.
const isAsked = () => !isHeard(asked, performance.now(), CLOSED_MS)
const close = () => document.documentElement.toggleAttribute("data-dr-asked", isAsked())
setInterval(close, 50)

const touch = (onCanvas = false) => {
  touchedAt = performance.now()
  isPainted = onCanvas
}
window.darkroom.touch = touch

// How Streamlit's message begins that asks for a run, the only one that tells what was done.
const RERUN = 0x5a
const followed = new WeakSet()
const send = WebSocket.prototype.send
WebSocket.prototype.send = function (...message) {
  const now = performance.now()
  if (!followed.has(this)) this.addEventListener("message", () => { answeredAt = performance.now() })
  followed.add(this)
  if (message[0]?.[0] === RERUN && now - touchedAt < TELL_MS) {
    told = { at: now, ended: 0 }
    if (!isPainted) asked = told
    close()
  }
  return send.apply(this, message)
}

new MutationObserver(() => {
  if (!isAtRest()) return
  for (const one of new Set([told, asked])) {
    if (one === null) continue
    one.ended += 1
    one.endedAt = performance.now()
  }
}).observe(document, { subtree: true, attributeFilter: ["data-test-script-state"] })

const linkOf = (event) => event.composedPath().find((one) => one instanceof HTMLAnchorElement && one.href)

const isOnCanvas = (event) => event.composedPath().some((one) => one.dataset?.drPaints === "")
let isStroke = false // whether the hand that lies on the page began on a canvas
document.addEventListener("pointerdown", (event) => { isStroke = isOnCanvas(event) }, { capture: true })

for (const type of ["pointerup", "change", "keydown"]) {
  document.addEventListener(type, (event) => {
    if (!linkOf(event)) touch(type === "pointerup" ? isStroke : isOnCanvas(event))
  }, { capture: true })
}

const stay = () => {
  if (leaving === null) return
  clearInterval(leaving.timer)
  leaving = null
  document.documentElement.removeAttribute("aria-busy")
}

const leave = () => {
  const now = performance.now()
  const isDue = now - touchedAt > TELL_MS && isHeard(told, now)
  if (!isDue && isThere() && now - leaving.since < PATIENCE_MS) return
  const { link, href } = leaving
  stay()
  touchedAt = -Infinity
  told = null
  const isSame = (one) => one.isConnected && one.href === href
  const there = [link, ...document.querySelectorAll("a[href]")].find(isSame)
  if (there) there.click()
  else window.location.assign(href)
}

// On a phone the menu lies over the page: what was chosen is under it, even if it has yet to come.
const closeMenu = () => {
  if (window.innerWidth > 768) return
  document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click()
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.('[data-testid="stSidebar"] a')) setTimeout(closeMenu)
}, { capture: true })

document.addEventListener("click", (event) => {
  const link = linkOf(event)
  if (!link || link.target === "_blank" || link.hasAttribute("download")) return
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
  const now = performance.now()
  if (!isThere() || (now - touchedAt > TELL_MS && isHeard(told, now))) return
  event.preventDefault()
  event.stopImmediatePropagation()
  const since = leaving?.since ?? now
  stay()
  leaving = { link, href: link.href, since, timer: setInterval(leave, 25) }
  document.documentElement.setAttribute("aria-busy", "true")
}, { capture: true })

window.addEventListener("popstate", stay)
document.addEventListener("keydown", (event) => { if (event.key === "Escape") stay() })

// What Streamlit says by itself, in the words that the page brings; again whenever it may have
// said something new, once a frame.
const WITH_TEXTS = '[role="listbox"], [data-testid="stSkipToContent"], [data-testid="stFileChip"], [data-testid="stTooltipErrorContent"]'
let written = ""
let words = { labels: [], texts: [] }
let isToSpeak = false

const say = (one, name, pairs) => {
  const theirs = one[name]
  const [pattern, ours] = pairs.find(([pattern]) => pattern.test(theirs)) ?? []
  const now = pattern ? theirs.replace(pattern, ours) : theirs
  if (now !== theirs) one[name] = now
}

const learnWords = () => {
  const brought = document.querySelector("[data-dr-words]")?.dataset.drWords ?? written
  if (brought === written) return
  written = brought
  const read = (pairs) => pairs.map(([theirs, ours]) => [new RegExp(`^(?:${theirs})$`), ours])
  const { labels, texts } = JSON.parse(brought)
  words = { labels: read(labels), texts: read(texts) }
}

const speak = () => {
  isToSpeak = false
  learnWords()
  for (const one of document.querySelectorAll("[aria-label]")) say(one, "ariaLabel", words.labels)
  for (const part of document.querySelectorAll(WITH_TEXTS)) {
    const texts = document.createTreeWalker(part, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) say(texts.currentNode, "data", words.texts)
  }
}

new MutationObserver(() => {
  if (!isToSpeak) requestAnimationFrame(speak)
  isToSpeak = true
}).observe(document, { subtree: true, childList: true, characterData: true, attributeFilter: ["aria-label"] })
