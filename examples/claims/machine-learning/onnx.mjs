// digits.onnx by onnxruntime-node.
import ort from "onnxruntime-node";

import { pictures, POINTS } from "./pictures.mjs";

const model = new URL("digits.onnx", import.meta.url).pathname;
const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });

export default async (request) => {
  const rows = Number(new URL(request.url).searchParams.get("rows"));
  const x = new ort.Tensor("float32", pictures(rows), [rows, POINTS]);
  const { label } = await session.run({ x }, ["label"]);
  return Response.json({ rows, first: Number(label.data[0]), last: Number(label.data[rows - 1]) });
};
