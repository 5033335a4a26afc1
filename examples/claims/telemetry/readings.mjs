// What a service does with a reading of a device: keeps the last values and answers their mean.
const KEPT = 20;
const devices = new Map();

export function take(text) {
  const { device, value } = JSON.parse(text);
  const values = devices.get(device) ?? [];
  values.push(value);
  if (values.length > KEPT) values.shift();
  devices.set(device, values);
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  return JSON.stringify({ device, mean });
}
