import Link from "next/link";

export default function Home() {
  return (
    <>
      <Link href="/thanks/">Thanks</Link>
      <form method="post" action="/api/contact" data-oaiq-fields="lead_created">
        <input name="email" type="email" required />
        <button>Send</button>
      </form>
    </>
  );
}
