// The pictures that are asked about: made of their number, alike in both languages. They are made once:
// of a thousand that takes longer than to look at them.
export const POINTS = 64;

const made = new Map();

export function pictures(rows) {
  if (!made.has(rows)) made.set(rows, make(rows));
  return made.get(rows);
}

function make(rows) {
  const points = new Float32Array(rows * POINTS);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < POINTS; i++) points[row * POINTS + i] = ((row * 31 + i * 17) % 17) / 16;
  }
  return points;
}
