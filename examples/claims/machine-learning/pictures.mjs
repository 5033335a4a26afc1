// The pictures that are asked about: made of their number, alike in both languages.
export const POINTS = 64;

export function pictures(rows) {
  const points = new Float32Array(rows * POINTS);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < POINTS; i++) points[row * POINTS + i] = ((row * 31 + i * 17) % 17) / 16;
  }
  return points;
}
