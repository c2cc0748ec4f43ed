// What is being sent, by the drop zone it was dropped on: it goes on when another model is chosen.
const requests = new WeakMap();

const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);

// One file at a time, sent as it is: the studio writes it to disk piece by piece, so a gigabyte
// costs neither side its memory.
export default function ({ data, parentElement }) {
  const { on, end } = begin(parentElement);
  const find = (selector) => parentElement.querySelector(selector);
  const drop = find(".drop");
  const choose = find(".choose");
  const input = find("input");
  const sending = find(".sending");
  const outcome = find(".outcome");

  for (const element of parentElement.querySelectorAll("[data-words]")) {
    element.textContent = data.words[element.dataset.words];
  }
  for (const element of parentElement.querySelectorAll("[data-name]")) {
    element.ariaLabel = data.words[element.dataset.name];
  }
  // Each place once, so that a name with braces in it stays as it is.
  const words = (name, values) =>
    data.words[name].replace(/\{(\w+)\}/g, (place, value) => values[value] ?? place);

  const say = (text, refused = false) => {
    outcome.textContent = text;
    outcome.hidden = !text;
    outcome.classList.toggle("refused", refused);
  };

  // A proxy on the way may answer in its own words.
  const reason = ({ responseText, status }) => {
    try {
      return JSON.parse(responseText).message;
    } catch {
      return words("refused", { status });
    }
  };

  const finish = (text, refused) => {
    requests.delete(parentElement);
    sending.hidden = true;
    choose.hidden = false;
    input.value = "";
    say(text, refused);
  };

  const send = (file) => {
    if (!file || requests.has(parentElement)) return;
    const model = data.model ? `?model=${encodeURIComponent(data.model)}` : "";
    const request = new XMLHttpRequest();
    requests.set(parentElement, request);
    request.open("PUT", `/weight-files/${encodeURIComponent(file.name)}${model}`);
    request.upload.onprogress = ({ loaded, total }) => {
      find("progress").value = total ? loaded / total : 0;
      const [done, all] = [megabytes(loaded), megabytes(total)];
      find(".how-far").textContent = words("progress", { file: file.name, done, all });
    };
    request.onload = () => {
      const taken = request.status === 202;
      finish(taken ? words("arrived", { file: file.name }) : reason(request), !taken);
    };
    request.onerror = () => finish(words("failed", { file: file.name }), true);
    request.onabort = () => finish(words("cancelled", {}), false);
    say("");
    choose.hidden = true;
    sending.hidden = false;
    request.send(file);
  };

  on(input, "change", () => send(input.files[0]));
  on(find(".stop"), "click", () => requests.get(parentElement)?.abort());
  for (const type of ["dragenter", "dragover"]) {
    on(drop, type, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  on(drop, "dragleave", () => drop.classList.remove("over"));
  on(drop, "drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    send(event.dataTransfer.files[0]);
  });

  return end;
}
