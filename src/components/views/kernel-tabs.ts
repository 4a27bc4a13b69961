import {html} from "htl";
import {tokenise, type Token} from "./wgsl.js";

/** A file of the project, shown as it is. */
export interface SourceFile {
  /** From the project's root: "kernels/fused.wgsl". */
  path: string;
  source: string;
  /** Where else it can be read; by default the link leads to the tab itself. */
  href?: string;
}

const tabStyle =
  "font: inherit; color: inherit; background: none; border: none; border-bottom: 3px solid; padding: 0.3em 0.7em; cursor: pointer;";

/** Framework's colours for source. */
const syntaxColours: Record<Exclude<Token["kind"], "plain">, string> = {
  comment: "var(--syntax-comment)",
  attribute: "var(--syntax-entity-tag)",
  keyword: "var(--syntax-keyword)",
  type: "var(--syntax-entity)",
  number: "var(--syntax-constant)"
};

/**
 * The files in tabs, by the keyboard pattern of WAI-ARIA: arrows, Home and End move between tabs. The address
 * `#` + the panel's id opens that file's tab.
 */
export function kernelTabs(files: readonly SourceFile[]): HTMLElement {
  const tabs = files.map(({path}) => {
    const id = panelId(path);
    return html`<button
      type="button"
      role="tab"
      id="${id}-tab"
      aria-controls="${id}"
      data-path="${path}"
      style="${tabStyle}"
    >
      ${path.replace(/^kernels\//, "")}
    </button>`;
  });
  const panels = files.map(panel);
  const select = (index: number) => {
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === index));
      tab.tabIndex = i === index ? 0 : -1;
      tab.style.borderBottomColor = i === index ? "var(--theme-foreground-focus)" : "transparent";
    });
    panels.forEach((panel, i) => (panel.hidden = i !== index));
  };
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => select(index));
    tab.addEventListener("keydown", (event) => {
      const next = target(event.key, index, tabs.length);
      if (next === null) return;
      event.preventDefault();
      select(next);
      tabs[next]!.focus();
    });
  });
  const addressed = () => panels.findIndex(({id}) => location.hash === `#${id}`);
  select(Math.max(0, addressed()));
  addEventListener("hashchange", () => {
    const panel = panels[addressed()];
    if (!panel?.isConnected) return;
    select(panels.indexOf(panel));
    panel.scrollIntoView(); // hidden when the browser looked for it
  });
  return html`<div class="kernel-tabs">
    <div role="tablist" aria-label="Source files" style="display: flex; flex-wrap: wrap;">${tabs}</div>
    ${panels}
  </div>`;
}

function panel({path, source, href}: SourceFile): HTMLElement {
  const id = panelId(path);
  return html`<div role="tabpanel" id="${id}" aria-labelledby="${id}-tab">
    <div class="kernel-bar" style="display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap;">
      <a href="${href ?? `#${id}`}" data-path="${path}"><code>${path}</code></a> ${copyButton(path, source)}
    </div>
    <pre tabindex="0" aria-label="Source of ${path}" style="overflow: auto; max-height: 32rem;"><code>${highlight(
      source
    )}</code></pre>
  </div>`;
}

function copyButton(path: string, source: string): HTMLElement {
  const message = html`<span role="status"></span>`;
  const button = html`<button type="button" aria-label="Copy ${path}">Copy</button>`;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source);
      message.textContent = "Copied";
    } catch {
      message.textContent = "This browser does not let the page copy. Select the source and copy it.";
    }
  });
  return html`<span>${button} ${message}</span>`;
}

/** Text nodes for plain pieces, coloured spans for the others. */
function highlight(source: string): Node {
  const fragment = document.createDocumentFragment();
  for (const {kind, text} of tokenise(source)) {
    fragment.append(kind === "plain" ? text : html`<span style="color: ${syntaxColours[kind]};">${text}</span>`);
  }
  return fragment;
}

function target(key: string, index: number, count: number): number | null {
  if (key === "ArrowRight") return (index + 1) % count;
  if (key === "ArrowLeft") return (index + count - 1) % count;
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}

/** The id of a file's panel: `#` and this is the address of its tab. */
export function panelId(path: string): string {
  return `source-${path.replace(/[^\w]+/g, "-")}`;
}
