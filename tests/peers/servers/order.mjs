// Workload (b), shared by every JavaScript server: from the order that came in to the answer.
export function answer(id, tenant, requestId, language, order) {
  let total = 0;
  const lines = order.lines.map((line, index) => {
    const sum = line.quantity * line.cents;
    total += sum;
    return {
      position: index + 1,
      order: id,
      sku: line.sku,
      note: line.note,
      quantity: line.quantity,
      cents: line.cents,
      sum,
      status: sum > 100_000 ? "review" : "accepted",
      reference: `${tenant}/${id}/${index + 1}`,
    };
  });
  return {
    id,
    tenant,
    request: requestId,
    language,
    customer: order.customer,
    currency: "EUR",
    warehouse: "Porto, hall 4",
    lines,
    total,
  };
}

// One turn of the event loop: the await that every server has.
export const turn = () => new Promise((resolve) => setImmediate(resolve));
