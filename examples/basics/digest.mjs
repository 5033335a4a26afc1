// PUT /js/digest: a body of any length, hashed piece by piece as it arrives; never all in memory.
import { createHash } from "node:crypto";

export default {
  async fetch(request) {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const piece of request.body ?? []) {
      hash.update(piece);
      bytes += piece.length;
    }
    return { bytes, sha256: hash.digest("hex") };
  },
};
