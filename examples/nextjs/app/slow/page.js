import { Suspense } from "react";
import { connection } from "next/server";

async function Stock() {
  await connection();
  await new Promise((resolve) => setTimeout(resolve, 20));
  return <p>7 in stock</p>;
}

// The frame is sent at once, and what is in it when it is known.
export default function Page() {
  return (
    <Suspense fallback={<p>counting</p>}>
      <Stock />
    </Suspense>
  );
}
