// Figures as text.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

function significant(value) {
  return String(Number(value.toPrecision(3)));
}

/// 812 → "812", 50012.4 → "50,012", 1234567 → "1.23M".
export function count(value) {
  if (value === null || value === undefined) return "–";
  if (Math.abs(value) >= 1e6) {
    const [size, unit] = Math.abs(value) >= 1e9 ? [1e9, "G"] : [1e6, "M"];
    return significant(value / size) + unit;
  }
  return Math.abs(value) < 10 && value % 1 ? significant(value) : whole.format(value);
}

export function perSecond(value) {
  const text = count(value);
  return text === "–" ? text : text + "/s";
}

/// Microseconds.
export function latency(micros) {
  if (micros === null || micros === undefined) return "–";
  if (micros < 999.5) return significant(micros) + " µs";
  if (micros < 999.5e3) return significant(micros / 1e3) + " ms";
  return significant(micros / 1e6) + " s";
}

export function share(value) {
  if (value === null || value === undefined) return "–";
  const percent = 100 * value;
  return (percent > 99 && percent < 100 ? (Math.floor(percent * 100) / 100).toFixed(2)
                                        : significant(percent)) + "%";
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 999.5 && unit + 1 < units.length) {
    value /= 1024;
    ++unit;
  }
  return significant(value) + " " + units[unit];
}

export function duration(seconds) {
  if (seconds < 10) return Number(Math.max(0, seconds).toFixed(1)) + " s";
  const s = Math.round(seconds);
  if (s < 60) return s + " s";
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
}

/// The time of day.
export function timeOfDay(millis) {
  return clock.format(new Date(millis));
}
