// The heat of a cluster's 16384 hash slots on a canvas of 128 × 128.

const SIDE = 128;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LEVEL_OF = new Map([...ALPHABET].map((letter, level) => [letter, level]));
const EVEN = 21, PER_DOUBLING = 7;  // src/metrics/live_events.h

/// How many times its even share a slot of this level has.
function timesShare(level) {
  return 2 ** ((level - EVEN) / PER_DOUBLING);
}

/// A ramp of which the lightness alone tells the order: from the paper to the accent.
const RAMPS = {
  light: [[246, 248, 250], [190, 214, 232], [86, 153, 200], [213, 94, 0], [92, 20, 0]],
  dark: [[22, 25, 29], [24, 54, 78], [40, 110, 160], [240, 140, 50], [255, 246, 200]],
};
const STOPS = [0, 0.08, EVEN / 63, 0.62, 1];

function colourOf(level, ramp) {
  const at = level / 63;
  let i = 1;
  while (at > STOPS[i]) ++i;
  const part = (at - STOPS[i - 1]) / (STOPS[i] - STOPS[i - 1]);
  return ramp[i - 1].map((from, k) => from + part * (ramp[i][k] - from));
}

const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

export class SlotMap {
  constructor(canvas, reading, scale) {
    this.canvas = canvas;
    this.reading = reading;
    this.heat = "";
    this.at = null;  // the slot at the cursor
    canvas.addEventListener("pointermove", event => {
      const box = canvas.getBoundingClientRect();
      const cell = (at, size) => Math.min(SIDE - 1, Math.max(0, Math.floor(at / size * SIDE)));
      this.read(cell(event.clientY - box.top, box.height) * SIDE + cell(event.clientX - box.left, box.width));
    });
    canvas.addEventListener("pointerleave", () => this.read(null));
    canvas.addEventListener("blur", () => this.read(null));
    canvas.addEventListener("keydown", event => {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -SIDE, ArrowDown: SIDE }[event.key];
      if (!step) return;
      event.preventDefault();
      this.read(((this.at ?? this.hottest()) + (this.at === null ? 0 : step) + SIDE * SIDE) % (SIDE * SIDE));
    });
    this.scale = scale;
    this.showScale();
  }

  hottest() {
    let best = 0;
    for (let slot = 1; slot < this.heat.length; ++slot)
      if (LEVEL_OF.get(this.heat[slot]) > LEVEL_OF.get(this.heat[best])) best = slot;
    return best;
  }

  show(heat) {
    this.heat = heat;
    const used = [...heat].filter(letter => letter !== "A").length;
    this.canvas.setAttribute("aria-label", `Map of the hash slots: ${used} of ${heat.length} have operations, slot ` +
      `${this.hottest()} most. Arrow keys read single slots.`);
    this.draw();
    if (this.at !== null) this.read(this.at);
  }

  draw() {
    if (!this.heat) return;
    const ramp = RAMPS[isDark() ? "dark" : "light"];
    const colours = Array.from({ length: 64 }, (_, level) => colourOf(level, ramp));
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(SIDE, SIDE);
    for (let slot = 0; slot < this.heat.length; ++slot) {
      const [red, green, blue] = colours[LEVEL_OF.get(this.heat[slot])];
      image.data.set([red, green, blue, 255], 4 * slot);
    }
    context.putImageData(image, 0, 0);
    this.showScale();
  }

  showScale() {
    const ramp = RAMPS[isDark() ? "dark" : "light"];
    this.scale.replaceChildren();
    for (const [level, label] of [[0, "none"], [7, "¼×"], [21, "1×"], [35, "4×"], [49, "16×"], [63, "64×"]]) {
      const mark = this.scale.appendChild(document.createElement("span"));
      const box = mark.appendChild(document.createElement("i"));
      box.style.background = `rgb(${colourOf(level, ramp).map(Math.round).join(" ")})`;
      mark.append(label);
    }
  }

  read(slot) {
    this.at = slot;
    if (slot === null || !this.heat) {
      this.reading.textContent = "";
      return;
    }
    const level = LEVEL_OF.get(this.heat[slot]);
    const times = timesShare(level);
    this.reading.textContent = `Slot ${slot}: ` +
      (level === 0 ? "no operations" : `about ${Number(times.toPrecision(2))} times its even share`);
  }
}
