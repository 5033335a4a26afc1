"""Workload (b), shared by every Python server: from the order that came in to the answer."""


def answer(id, tenant, request_id, language, order):
    total = 0
    lines = []
    for index, line in enumerate(order["lines"], 1):
        sum = line["quantity"] * line["cents"]
        total += sum
        lines.append({
            "position": index,
            "order": id,
            "sku": line["sku"],
            "note": line["note"],
            "quantity": line["quantity"],
            "cents": line["cents"],
            "sum": sum,
            "status": "review" if sum > 100_000 else "accepted",
            "reference": f"{tenant}/{id}/{index}",
        })
    return {"id": id, "tenant": tenant, "request": request_id, "language": language,
            "customer": order["customer"], "currency": "EUR", "warehouse": "Porto, hall 4",
            "lines": lines, "total": total}
