import { half, type Half } from "./typed_part.js";

enum Colour { Red = "red" }

interface Answer { colour: Colour; half: Half; generic: number }

function first<T>(list: T[]): T {
  return list[0]!;
}

export default {
  fetch(request: Request & { params: Record<string, string> }): Answer {
    if (request.params.case === "throws") throw new Error("typed");
    return { colour: Colour.Red, half: half(8), generic: first<number>([1, 2]) };
  },
};
