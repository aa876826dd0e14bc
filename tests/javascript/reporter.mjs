// Results as lines of JSON, for pytest.

export default async function* results(events) {
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const error = data.details.error?.cause ?? data.details.error;
    const said = type === "test:fail" ? String(error?.stack ?? error?.message ?? error) : "";
    yield `${JSON.stringify({ file: data.file, name: data.name, said })}\n`;
  }
}
