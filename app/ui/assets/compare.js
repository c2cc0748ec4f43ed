const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export default function ({ data, parentElement }) {
  const { on, atEnd, end } = begin(parentElement);
  const find = (selector) => parentElement.querySelector(selector);
  const stage = find(".stage");
  const layers = find(".layers");
  const before = find(".before");
  const after = find(".after");
  const range = find(".range");
  const hint = find(".hint");
  const broken = find(".broken");
  const view = { zoom: 1, x: 0, y: 0 };

  // The divider lies on the stage; the cut is in the picture, which may be zoomed and moved.
  const draw = () => {
    const split = Number(range.value);
    const { zoom, x, y } = view;
    const offset = stage.clientWidth ? (x / stage.clientWidth) * 100 : 0;
    stage.style.setProperty("--split", `${split}%`);
    stage.style.setProperty("--cut", `${clamp((split - offset) / zoom, 0, 100)}%`);
    layers.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`;
  };

  const load = (image, source) => {
    if (image.dataset.source === source) return;
    image.dataset.source = source;
    image.onerror = () => { broken.hidden = false; };
    broken.hidden = true;
    image.src = source;
  };

  const setZoom = (zoom) => {
    const [w, h] = [stage.clientWidth, stage.clientHeight];
    const ratio = zoom / view.zoom;
    view.x = clamp(w / 2 - (w / 2 - view.x) * ratio, w * (1 - zoom), 0);
    view.y = clamp(h / 2 - (h / 2 - view.y) * ratio, h * (1 - zoom), 0);
    view.zoom = zoom;
    stage.classList.toggle("zoomed", zoom > 1);
    hint.hidden = zoom === 1;
    if (zoom > 1) {
      load(before, `${data.before}?full`);
      load(after, `${data.after}?full`);
    }
    for (const button of parentElement.querySelectorAll("[data-zoom]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.zoom) === zoom));
    }
    draw();
  };

  stage.style.setProperty("--ratio", String(data.width_px / data.height_px));
  load(before, data.before);
  load(after, data.after);

  let drag = null;
  on(range, "input", draw);
  on(stage, "pointerdown", (event) => {
    if (view.zoom === 1) return;
    const onDivider = event.target.closest(".divider");
    drag = { onDivider, x: event.clientX - view.x, y: event.clientY - view.y };
    stage.setPointerCapture(event.pointerId);
    event.preventDefault();
    range.focus({ preventScroll: true });
  });
  on(stage, "pointermove", (event) => {
    if (!drag) return;
    if (drag.onDivider) {
      const box = stage.getBoundingClientRect();
      range.value = ((event.clientX - box.left) / box.width) * 100;
    } else {
      view.x = clamp(event.clientX - drag.x, stage.clientWidth * (1 - view.zoom), 0);
      view.y = clamp(event.clientY - drag.y, stage.clientHeight * (1 - view.zoom), 0);
    }
    draw();
  });
  for (const type of ["pointerup", "pointercancel"]) on(stage, type, () => { drag = null; });
  for (const button of parentElement.querySelectorAll("[data-zoom]")) {
    on(button, "click", () => setZoom(Number(button.dataset.zoom)));
  }
  const { range: aim, zoom: zooming, before: altBefore, after: altAfter, ...texts } = data.words;
  range.ariaLabel = aim;
  before.alt = altBefore;
  after.alt = altAfter;
  find(".zoom").ariaLabel = zooming;
  for (const [name, text] of Object.entries(texts)) find(`.${name}`).textContent = text;
  const resized = new ResizeObserver(() => setZoom(view.zoom));
  resized.observe(stage);
  atEnd(() => resized.disconnect());
  setZoom(1);
  return end;
}
