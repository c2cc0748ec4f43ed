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

  // On a phone the menu lies over the page: what was chosen is under it.
  document.addEventListener("click", (event) => {
    const menu = event.target.closest?.('[data-testid="stSidebar"]')
    if (!menu || !event.target.closest("a") || window.innerWidth > 768) return
    setTimeout(() => menu.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click())
  })
}
