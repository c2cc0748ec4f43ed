// The bar above the canvas, and what the canvas itself cannot do: it measures the room there
// is, lays the mask over the picture, shows the brush, and notices when the canvas was rebuilt.

const STAGE = '[class*="st-key-stage-"]';
const SETTLE_MS = 250;
const TELL_AGAIN_MS = 2_000;
const MIN_CHANGE_PX = 24;
const SEND = '[aria-label="Update the app with this drawing"]';
const EDIT_BAR = ["Bring forward", "Send backward", "Delete selected"];

// Strokes are opaque: red paints, blue erases, green is the line of a lasso. Shown, red becomes
// a clear tint that does not add up where strokes cross, and blue becomes nothing at all.
const LAYER = `
  <svg width="0" height="0" style="position:absolute" aria-hidden="true">
    <filter id="dr-tint" color-interpolation-filters="sRGB" x="0" y="0" width="100%" height="100%">
      <feColorMatrix values="0 0 0 0 1  0 0 0 0 0.23  0 0 0 0 0.19  0.55 0.95 0 0 0"/>
      <feComposite operator="in" in2="SourceGraphic"/>
    </filter>
  </svg>
  <style>
    .dc-root { max-width: none; }
    .dc-toolbar { display: none !important; }
    .dc-root[data-tool="Adjust"] .dc-toolbar { display: flex !important; opacity: 1; top: 8px; right: 8px; padding: 0; }
    .dc-icon-button:not(.dr-kept), .dc-toolbar-separator { display: none; }
    .dc-canvas { outline: none !important; }
    .canvas-container { filter: url(#dr-tint); z-index: 10; }
    .dc-container { border-radius: 8px; overflow: hidden; }
    .dr-tinted { position: absolute; inset: 0; width: 100%; height: 100%; z-index: 5; pointer-events: none; }
    .dr-hidden .canvas-container, .dr-hidden .dr-tinted { opacity: 0; }
    .dr-ring {
      position: absolute; z-index: 30; border-radius: 50%; pointer-events: none; display: none;
      border: 1.5px solid #fff; box-shadow: 0 0 0 1px rgb(0 0 0 / 70%), inset 0 0 0 1px rgb(0 0 0 / 35%);
      transform: translate(-50%, -50%);
    }
    [data-tool="Eraser"] .dr-ring { border-style: dashed; }
  </style>
  <img class="dr-tinted" alt="" hidden><span class="dr-ring"></span>`;

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// What outlives a rebuilt page: which canvas was seen for which state of the drawing.
const seen = (window.darkroomStage ??= {
  root: null, generation: null, isHidden: false, isPainting: false, steps: [], stroke: null, toldAt: 0,
});

const findCanvas = (stage) => {
  for (const element of stage.querySelectorAll("*")) {
    const root = element.shadowRoot?.querySelector(".dc-root");
    if (root) return root;
  }
  return null;
};

// What keys that are pressed outside of fields ask for: "undo", "redo" or nothing.
const stepOf = (event) => {
  const isTyping = event.composedPath()[0].matches?.("input, textarea, [contenteditable]");
  if (isTyping || !(event.ctrlKey || event.metaKey)) return "";
  const key = event.key.toLowerCase();
  if (key === "z") return event.shiftKey ? "redo" : "undo";
  return key === "y" ? "redo" : "";
};

const write = (find, { words, map, frame }) => {
  find(".group").ariaLabel = words.bar;
  find(".toggle").textContent = words.toggle;
  find(".peek").textContent = words.peek;
  find(".map img").alt = words.map;
  find(".map").hidden = !map;
  if (!map) return;
  find(".map img").src = map;
  const [left, top, width, height] = frame.map((part) => `${part * 100}%`);
  Object.assign(find(".frame").style, { left, top, width, height });
};

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const { on, atEnd, end } = begin(parentElement);
  const find = (selector) => parentElement.querySelector(selector);
  const stage = parentElement.host.closest(STAGE);
  if (!stage) return end; // the bar of a picture that goes
  const [toggle, peek, map] = [find(".toggle"), find(".peek"), find(".map")];
  let root = null;
  seen.steps = seen.steps.filter(([number]) => number > data.stepped);
  if (seen.stroke && (data.taken >= seen.stroke.count || data.stepped >= seen.stroke.number)) seen.stroke = null;

  const show = () => {
    const isHidden = seen.isHidden || peek.classList.contains("held");
    root?.classList.toggle("dr-hidden", isHidden);
    toggle.setAttribute("aria-pressed", String(!seen.isHidden));
  };

  const dress = () => {
    root.dataset.tool = data.tool;
    root.dataset.drPaints = "";
    const tint = root.querySelector(".dr-tinted");
    tint.hidden = !data.tint;
    if (data.tint) tint.src = data.tint;
    const edit = root.querySelector('[aria-label="Edit"]');
    const isEditing = edit?.getAttribute("aria-pressed") === "true";
    if (edit && isEditing !== (data.tool === "Adjust")) edit.click();
    for (const button of root.querySelectorAll(".dc-icon-button")) {
      const name = (button.dataset.name ??= button.getAttribute("aria-label"));
      const isKept = EDIT_BAR.includes(name);
      button.classList.toggle("dr-kept", isKept);
      if (isKept) button.title = button.ariaLabel = data.words[name];
    }
    show();
  };

  const follow = () => {
    const box = root.querySelector(".dc-container");
    if (!box.querySelector(".dr-ring")) box.insertAdjacentHTML("beforeend", LAYER);
    const ring = box.querySelector(".dr-ring");
    const size = `${data.brush_px}px`;
    Object.assign(ring.style, { width: size, height: size });
    on(box, "pointermove", (event) => {
      const place = box.getBoundingClientRect();
      ring.style.display = data.brush_px && event.pointerType !== "touch" ? "block" : "none";
      ring.style.left = `${event.clientX - place.left}px`;
      ring.style.top = `${event.clientY - place.top}px`;
    });
    on(box, "pointerleave", () => { ring.style.display = "none"; });
    on(box, "pointerdown", () => { seen.isPainting = true; });
  };

  // The canvas waits a fifth of a second before it tells of a stroke: who leaves the page within
  // it would lose the stroke. It takes the stroke in after this event, and closes polygons itself.
  const send = () => {
    if (seen.isPainting && data.tool !== "Polygon") {
      setTimeout(() => root?.querySelector(SEND)?.click());
      // The last that was sent, and how many will be taken once it is: none stands for another.
      seen.stroke = { number: Date.now(), count: Math.max(data.taken, seen.stroke?.count ?? 0) + 1 };
      seen.toldAt = Date.now();
    }
    seen.isPainting = false;
  };

  // A canvas that was rebuilt shows what it was given last, without the strokes made since.
  const notice = () => {
    const isRebuilt = seen.root !== root && seen.generation === data.generation;
    seen.root = root;
    seen.generation = data.generation;
    if (isRebuilt) setTriggerValue("rebuilt", true);
  };

  const attach = () => {
    const now = findCanvas(stage);
    if (!now || now === root) return;
    root = now;
    follow();
    dress();
    notice();
  };

  // What is told while the page is drawn anew, Streamlit drops; what is told twice the same, it does
  // not look at. So each telling has a step of its own that is none, with a number long taken.
  // Whatever is told takes along what the canvas told before, so a stroke that the studio does not
  // seem to have taken needs but a number.
  const tell = () => {
    seen.toldAt = Date.now();
    const stroke = seen.stroke ? [[seen.stroke.number, "stroke"]] : [];
    setStateValue("steps", [...seen.steps, ...stroke, [0, String(seen.toldAt)]]);
  };
  const tellAgain = () => {
    const isOwed = seen.steps.length > 0 || seen.stroke !== null;
    if (isOwed && Date.now() - seen.toldAt > TELL_AGAIN_MS) tell();
  };

  const look = (event) => {
    const place = map.getBoundingClientRect();
    setTriggerValue("look_at", [
      clamp((event.clientX - place.left) / place.width, 0, 1),
      clamp((event.clientY - place.top) / place.height, 0, 1),
    ]);
  };

  const measure = () => {
    const room = { width: Math.floor(stage.clientWidth), height: window.innerHeight };
    const change = Math.abs(room.width - (data.room?.width ?? 0));
    if (room.width <= 0 || change < MIN_CHANGE_PX) return;
    window.darkroom?.touch?.(); // nobody paints until the canvas has its new size
    setStateValue("room", room);
  };

  let settling = null;
  const resized = new ResizeObserver(() => {
    clearTimeout(settling);
    settling = setTimeout(measure, data.room ? SETTLE_MS : 0);
  });
  const changed = new MutationObserver(attach);
  // The canvas draws itself inside of a shadow root, which the observer does not see into.
  const waiting = setInterval(() => { attach(); tellAgain(); }, 100);

  on(toggle, "click", () => { seen.isHidden = !seen.isHidden; show(); });
  const hold = (isHeld) => () => { peek.classList.toggle("held", isHeld); show(); };
  on(peek, "pointerdown", hold(true));
  for (const type of ["pointerup", "pointerleave", "pointercancel", "blur"]) on(peek, type, hold(false));
  on(peek, "keydown", (event) => { if (event.key === " " || event.key === "Enter") hold(true)(); });
  on(peek, "keyup", hold(false));
  on(map, "click", look);
  on(document, "pointerup", send);
  // The browser then asks whether to leave: what was painted last may not be on record yet.
  on(window, "beforeunload", (event) => {
    if (window.darkroom?.isAwaited?.() || seen.stroke) event.preventDefault();
  });
  on(document, "keydown", (event) => {
    const name = stepOf(event);
    if (!name) return;
    event.preventDefault();
    // Numbered, and told until they were taken: of two triggers in one run only the last arrives.
    const last = seen.steps.at(-1)?.[0] ?? data.stepped;
    seen.steps.push([Math.max(Date.now(), last + 1), name]);
    tell();
  });

  write(find, data);
  resized.observe(stage);
  changed.observe(stage, { childList: true, subtree: true });
  attach();
  show();

  atEnd(() => {
    resized.disconnect();
    changed.disconnect();
    clearInterval(waiting);
    clearTimeout(settling);
  });
  return end;
}
