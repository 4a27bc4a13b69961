import {html} from "htl";

/** Saves a value as a file of JSON, NAME.json. */
export function downloadJson(name: string, value: unknown): void {
  const text = JSON.stringify(value, null, 2) + "\n";
  const href = URL.createObjectURL(new Blob([text], {type: "application/json"}));
  html`<a href="${href}" download="${`${name}.json`}"></a>`.click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
