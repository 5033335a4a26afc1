// A price, looked up somewhere that takes DELAY_MS to answer.
import { setTimeout as wait } from 'node:timers/promises';

const PRICES = { tea: 2.5, coffee: 3.2 };

export default {
  async fetch(request, env) {
    await wait(Number(env.DELAY_MS));
    const price = PRICES[request.params.item];
    if (price === undefined) return new Response('no such item\n', { status: 404 });
    return { item: request.params.item, price, variant: request.duet.variant };
  },
};
