import { notFound } from "next/navigation";
import { find } from "../../../shop.js";

export default async function Page({ params, searchParams }) {
  const item = find((await params).id);
  if (item === undefined) notFound();
  const { currency = "cents" } = await searchParams;
  return <p>{item.name}: {item.cents} {currency}</p>;
}
