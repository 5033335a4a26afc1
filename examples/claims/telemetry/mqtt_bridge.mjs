// Each request publishes 20 readings at the broker (QoS 1) and is answered when all have come back
// to the service's own subscription.
import mqtt from "mqtt";

import { take } from "./readings.mjs";

const READINGS = 20;
const client = await mqtt.connectAsync(process.env.BROKER);
const waiting = new Map(); // by request: { left, done }
await client.subscribeAsync(`telemetry/${process.pid}/#`, { qos: 1 });
client.on("message", (topic, payload) => {
  const request = topic.slice(topic.lastIndexOf("/") + 1);
  take(payload.toString());
  const one = waiting.get(request);
  if (one && --one.left === 0) {
    waiting.delete(request);
    one.done();
  }
});

let number = 0;
export default async () => {
  const request = String(++number);
  const all = new Promise((done) => waiting.set(request, { left: READINGS, done }));
  for (let i = 0; i < READINGS; i++) {
    client.publish(`telemetry/${process.pid}/${request}`,
                   JSON.stringify({ device: `d${i}`, value: i }), { qos: 1 });
  }
  await all;
  return Response.json({ readings: READINGS });
};
