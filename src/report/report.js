// Without it the page is complete; it opens what is folded when somebody needs it.

// A link into folded details: browsers that do not open them by themselves scroll nowhere.
function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  if (target) target.scrollIntoView();
}
addEventListener("hashchange", openTarget);
openTarget();

// A cursor on the pictures: it reads the values off the drawing, and the pictures of one section
// that share an axis share it. Axes say what they are in data-x and data-y: kind, ends, pixels of
// the ends, title.

function axisOf(text) {
  const words = text.split(" ");
  const [low, high, from, to] = words.slice(1, 5).map(Number);
  return { kind: words[0], low, high, from, to, title: words.slice(5).join(" ") };
}

function valueAt(axis, pixel) {
  const part = (pixel - axis.from) / (axis.to - axis.from);
  const log = axis.kind === "latency" || axis.kind === "logCount";
  return log ? axis.low * (axis.high / axis.low) ** part : axis.low + part * (axis.high - axis.low);
}

function inUnits(value, steps) {
  const [size, unit] = steps.find(([size]) => Math.abs(value) < 999.5 * size) || steps.at(-1);
  return Number((value / size).toPrecision(3)) + unit;
}

function textOf(axis, value) {
  if (axis.kind === "latency") return inUnits(value, [[1, " µs"], [1e3, " ms"], [1e6, " s"]]);
  if (axis.kind === "share") return Number((100 * value).toPrecision(3)) + "%";
  if (axis.kind === "names") return axis.title.split("|")[Math.round(value)] || "";
  if (axis.kind === "linear") return String(Number(value.toPrecision(3)));
  return inUnits(value, [[1, ""], [1e3, "k"], [1e6, "M"], [1e9, "G"]]);
}

function pointsOf(series) {
  const line = series.querySelector(".line");
  const text = series.dataset.points || (line ? line.getAttribute("d") : "");
  return [...text.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}

function readPicture(svg, section) {
  const panels = [...svg.querySelectorAll(".panel")].map(panel => ({
    x: axisOf(panel.dataset.x), y: axisOf(panel.dataset.y), place: panel,
    series: [...panel.querySelectorAll(".series")].map(series => ({
      title: series.dataset.title, ink: series.style.color, points: pointsOf(series),
      isLine: series.querySelector(".line") !== null })),
  }));
  return { svg, section, panels };
}

/// What a panel shows at `pixel`: of each series the nearest point, if it is near.
function readingsAt(panel, pixel) {
  const near = Math.max(8, Math.abs(panel.x.to - panel.x.from) / 40);
  const found = [];
  for (const { title, ink, points, isLine } of panel.series) {
    let best = null;
    for (const [x, y] of points)
      if (!best || Math.abs(x - pixel) < Math.abs(best[0] - pixel)) best = [x, y];
    const isLevel = isLine && points.length === 2;  // a limit, which holds between its ends
    if (best && (isLevel || Math.abs(best[0] - pixel) <= near))
      found.push({ title, ink, text: textOf(panel.y, valueAt(panel.y, best[1])) });
  }
  return found;
}

function showReading(picture, pixelOf) {
  const { svg, panels } = picture;
  const figure = svg.parentElement;
  let box = figure.querySelector(":scope > .reading");
  if (!box) {
    box = figure.appendChild(document.createElement("div"));
    box.className = "reading";
  }
  box.replaceChildren();
  let at = null;
  for (const panel of panels) {
    let line = panel.place.querySelector(".cursor");
    if (!line) {
      line = document.createElementNS(svg.namespaceURI, "path");
      line.setAttribute("class", "cursor");
      panel.place.append(line);
    }
    const pixel = pixelOf(panel);
    line.setAttribute("d", pixel === null ? "" : `M${pixel},${panel.y.from}V${panel.y.to}`);
    if (pixel === null) continue;
    if (at === null) {
      const names = panel.x.kind === "names" ? "" : panel.x.title + ": ";
      box.append(names + textOf(panel.x, valueAt(panel.x, pixel)));
      at = pixel;
    }
    if (panels.length > 1) box.appendChild(document.createElement("div")).append(panel.y.title);
    for (const { title, ink, text } of readingsAt(panel, pixel)) {
      const row = box.appendChild(document.createElement("div"));
      const dot = row.appendChild(document.createElement("b"));
      dot.textContent = "● ";
      dot.style.color = ink;
      row.append((title ? title + ": " : "") + text);
    }
  }
  box.hidden = at === null;
  if (at === null) return;
  const width = svg.viewBox.baseVal.width;
  const share = at / width;
  box.style.left = share < 0.5 ? `${100 * share + 2}%` : "";
  box.style.right = share < 0.5 ? "" : `${100 * (1 - share) + 2}%`;
  box.style.top = `${svg.offsetTop || svg.getBoundingClientRect().top - figure.getBoundingClientRect().top + 8}px`;
}

const pictures = [];
let section = 0;
for (const found of document.querySelectorAll("h2, .plot"))
  if (found.tagName === "H2") ++section;
  else pictures.push(readPicture(found, section));

const isShown = svg => svg.getClientRects().length > 0;
const isAlike = (a, b) => a.kind === b.kind && a.title === b.title;

function moveTo(picture, axis, value) {
  for (const each of pictures) {
    const joins = each === picture || each.section === picture.section;
    if (!joins || !isShown(each.svg)) continue;
    showReading(each, ({ x }) => {
      if (value === null || !isAlike(x, axis)) return null;
      const log = x.kind === "latency" || x.kind === "logCount";
      const part = log ? Math.log(value / x.low) / Math.log(x.high / x.low)
                       : (value - x.low) / (x.high - x.low);
      return part < 0 || part > 1 ? null : x.from + part * (x.to - x.from);
    });
  }
}

for (const picture of pictures) {
  const { svg, panels } = picture;
  if (!panels.length) continue;
  let pixel = null;
  const show = at => {
    const { x } = panels[0];
    pixel = Math.min(Math.max(at, x.from), x.to);
    const value = valueAt(x, pixel);
    moveTo(picture, x, x.kind === "names" ? Math.round(value) : value);
  };
  const hide = () => moveTo(picture, panels[0].x, null);
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect();
    show((event.clientX - box.left) / box.width * svg.viewBox.baseVal.width);
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.setAttribute("tabindex", "0");
  svg.addEventListener("keydown", event => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const { x } = panels[0];
    event.preventDefault();
    show((pixel === null ? x.from : pixel) + step * (x.to - x.from) / 100);
  });
}
