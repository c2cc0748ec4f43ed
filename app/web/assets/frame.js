// What stands round every page, wherever Streamlit would speak for itself. Installed once a tab.
if (!window.darkroom) {
  window.darkroom = { failures: 0 }

  // A page whose session was ended elsewhere loads itself anew, and the gate asks to sign in. Its
  // websocket cannot tell it so: one that closed is not opened again without a session.
  const look = async () => {
    const answer = await fetch("/account/session", { cache: "no-store" }).catch(() => null)
    if (answer && answer.status === 401) window.location.reload()
    window.darkroom.failures = answer ? 0 : window.darkroom.failures + 1
    sayAway(window.darkroom.failures > 1)
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

  setInterval(() => { if (!document.hidden) look() }, 2_500)

  // Streamlit forgets what a page was told, a stroke or a value, if the page is left before it has
  // heard it. So a link that is clicked at the heels of something else waits until it was heard.
  let hearing = null
  let leaving = null
  window.darkroom.isHearing = () => hearing !== null

  const isRunning = () => {
    const app = document.querySelector('[data-testid="stApp"]')
    return app !== null && app.dataset.testScriptState !== "notRunning"
  }

  // Fields tell what was typed a moment later, and between two runs a page seems to be at rest.
  const TELL_MS = 300
  const REST_MS = 100
  const MAX_WAIT_MS = 5_000

  const hear = () => {
    clearInterval(hearing)
    const since = performance.now()
    let restedSince = since
    hearing = setInterval(() => {
      const now = performance.now()
      if (isRunning()) restedSince = now
      const isHeard = now - since > TELL_MS && now - restedSince > REST_MS
      if (!isHeard && !(leaving && now - leaving.since > MAX_WAIT_MS)) return
      clearInterval(hearing)
      hearing = null
      const link = leaving?.link
      leaving = null
      if (link?.isConnected) link.click()
      else if (link) window.location.assign(link.href)
    }, 50)
  }

  for (const type of ["pointerup", "change", "keydown"]) {
    document.addEventListener(type, (event) => {
      if (!event.target.closest?.("a[href]")) hear()
    }, { capture: true })
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]")
    const isElsewhere = event.ctrlKey || event.metaKey || event.shiftKey || link?.target === "_blank"
    if (!link || isElsewhere || link.download || hearing === null) return
    event.preventDefault()
    event.stopImmediatePropagation()
    leaving = { link, since: performance.now() }
  }, { capture: true })

  // On a phone the menu lies over the page: what was chosen is under it.
  document.addEventListener("click", (event) => {
    const menu = event.target.closest?.('[data-testid="stSidebar"]')
    if (!menu || !event.target.closest("a") || window.innerWidth > 768) return
    setTimeout(() => menu.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click())
  })
}
