// A request that changes something, as the page's forms send it: with the token that proves it comes from this page.
export async function send(method, url, body) {
  const headers = { "X-CSRF-Token": document.querySelector('meta[name="csrf"]')?.content ?? "" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}
