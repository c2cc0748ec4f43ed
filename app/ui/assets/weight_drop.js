const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

// One file at a time, sent as it is: the studio writes it to disk piece by piece, so a gigabyte
// costs neither side its memory.
export default function ({ data, parentElement }) {
  const find = (selector) => parentElement.querySelector(selector);
  const drop = find(".drop");
  const choose = find(".choose");
  const input = find("input");
  const sending = find(".sending");
  const outcome = find(".outcome");
  const controller = new AbortController();
  const on = (target, type, listener) =>
    target.addEventListener(type, listener, { signal: controller.signal });
  let request = null;

  const say = (text, refused = false) => {
    outcome.textContent = text;
    outcome.hidden = !text;
    outcome.classList.toggle("refused", refused);
  };

  const end = (text, refused) => {
    request = null;
    sending.hidden = true;
    choose.hidden = false;
    input.value = "";
    say(text, refused);
  };

  const send = (file) => {
    if (!file || request) return;
    const model = data.model ? `?model=${encodeURIComponent(data.model)}` : "";
    request = new XMLHttpRequest();
    request.open("PUT", `/weight-files/${encodeURIComponent(file.name)}${model}`);
    request.upload.onprogress = ({ loaded, total }) => {
      find("progress").value = total ? loaded / total : 0;
      find(".how-far").textContent = `${file.name}: ${megabytes(loaded)} of ${megabytes(total)}`;
    };
    request.onload = () => {
      const taken = request.status === 202;
      end(taken ? `${file.name} arrived. What comes of it is shown above.` : request.responseText, !taken);
    };
    request.onerror = () => end(`${file.name} could not be sent. Check the connection.`, true);
    request.onabort = () => end("Cancelled.", false);
    say("");
    choose.hidden = true;
    sending.hidden = false;
    request.send(file);
  };

  on(input, "change", () => send(input.files[0]));
  on(find(".stop"), "click", () => request?.abort());
  for (const type of ["dragenter", "dragover"]) {
    on(drop, type, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  on(drop, "dragleave", () => drop.classList.remove("over"));
  on(drop, "drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    send(event.dataTransfer.files[0]);
  });

  return () => controller.abort();
}
