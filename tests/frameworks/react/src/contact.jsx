/** Sends the form's fields, and with them the event's ID. */
const send = async (event) => {
  event.preventDefault();
  await fetch("/api/contact", {
    method: "POST",
    body: new URLSearchParams(new FormData(event.currentTarget)),
  });
};

export const Contact = () => (
  <form onSubmit={send} data-oaiq-fields="lead_created">
    <input name="email" type="email" required />
    <button>Send</button>
  </form>
);
