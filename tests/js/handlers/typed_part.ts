export type Half = number;

export function half(whole: number): Half {
  if (whole < 0) throw new Error("negative");
  return whole / 2;
}
