import Link from "next/link";
import { list } from "../shop.js";

export default function Page() {
  return (
    <ul>
      {list().map((item) => (
        <li key={item.id}><Link href={`/items/${item.id}`}>{item.name}</Link></li>
      ))}
    </ul>
  );
}
