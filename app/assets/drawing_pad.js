// A pad to draw one symbol on. The drawing lives here, in the browser: a page that reruns meanwhile takes nothing away.
// The server gets the whole picture shortly after each stroke, "" once it is cleared.
const PAUSE = 250; // ms after a stroke: the strokes of one symbol arrive together

export default function ({ parentElement, data, setStateValue }) {
  const canvas = parentElement.querySelector("canvas");
  canvas.tell = (picture) => setStateValue("picture", picture);
  if (!canvas.pen) prepare(canvas, parentElement.querySelector("button"), data);
}

function prepare(canvas, button, { size, ink, label, picture }) {
  canvas.width = canvas.height = size;
  canvas.setAttribute("aria-label", `${label}: pad to draw on`);
  button.setAttribute("aria-label", `Clear ${label}`);
  const pen = (canvas.pen = canvas.getContext("2d"));
  Object.assign(pen, { lineWidth: ink, lineCap: "round", lineJoin: "round", strokeStyle: "#ffffff", fillStyle: "#101416" });
  pen.fillRect(0, 0, size, size);
  if (picture) restore(pen, picture);

  let timer;
  const send = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => canvas.tell(text()), PAUSE);
  };
  listen(canvas, pen, () => send(() => canvas.toDataURL("image/png")));
  button.addEventListener("click", () => {
    pen.fillRect(0, 0, size, size);
    send(() => "");
  });
}

function restore(pen, picture) {
  const image = new Image();
  image.onload = () => pen.drawImage(image, 0, 0);
  image.src = picture;
}

function listen(canvas, pen, done) {
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.x) * canvas.width) / box.width, ((event.clientY - box.y) * canvas.height) / box.height];
  };
  let drawing = false;
  canvas.addEventListener("pointerdown", (event) => {
    drawing = true;
    canvas.setPointerCapture(event.pointerId); // a stroke may leave the pad and come back
    pen.beginPath();
    pen.moveTo(...at(event));
    pen.lineTo(...at(event)); // a touch alone leaves a dot
    pen.stroke();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) pen.lineTo(...at(each));
    pen.stroke();
  });
  const lift = () => {
    if (drawing) done();
    drawing = false;
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
}
