import {html} from "htl";
import {cite} from "./recorded.js";

export interface WaitsConsent {
  element: HTMLElement;
  /** The reader's word, for as long as the page is open. */
  readonly given: boolean;
  /** Moves the keyboard to the box. */
  focus(): void;
}

/** What is said beside a variant that needs a word that the reader has not given. */
export const consentNote = "Its workgroups wait for each other: tick the box that allows it.";

/** What is said while every chosen variant needs a word that the reader has not given. */
export const consentAdvice =
  "The workgroups of every chosen variant wait for each other: tick the box that allows it, or choose another variant.";

const progressModels = {source: "Sorensen et al., OOPSLA 2021", sourceUrl: "https://doi.org/10.1145/3485508"};
const persistentThreads = {source: "gfx-rs/wgpu #6784", sourceUrl: "https://github.com/gfx-rs/wgpu/issues/6784"};

/**
 * The one box, unticked at load and remembered nowhere, by which a reader lets variants run whose workgroups wait for
 * each other. It says what is not promised and where it has gone wrong.
 * @param experiment the id of the panel's own, for the ids of its elements
 */
export function waitsConsent(experiment: string, onChange: () => void): WaitsConsent {
  const notPromised = `${experiment}-waits-not-promised`;
  const box = html`<input
    type="checkbox"
    data-action="allow-waits"
    autocomplete="off"
    aria-describedby="${notPromised}"
    onchange=${onChange}
  />` as HTMLInputElement;
  const element = html`<div class="panel-consent">
    <label>${box} Let workgroups wait for each other</label>
    <p id="${notPromised}">
      WebGPU does not promise that the workgroups of one dispatch run at the same time. If they do not, the wait gives
      up and the run is discarded: on a GPU within a fraction of a second, on a CPU that stands in for one perhaps only
      after some seconds. Waiting has stalled Apple and Arm GPUs, lost the device on some of AMD’s, and at worst made a
      machine need a reboot.
    </p>
    <details>
      <summary>Where that was seen</summary>
      <ul>
        <li>
          Apple: on the A12 and the A14, workgroups that waited for a lock stalled, in a test that Apple itself
          supplied. M-series GPUs were not tested ${cite(progressModels)}.
        </li>
        <li>
          AMD: the same authors gave up testing. A test that timed out could not be recovered from, and at times the
          machine needed a hard reboot ${cite(progressModels)}. In another project some of its integrated GPUs lost the
          device ${cite(persistentThreads)}.
        </li>
        <li>Arm: 11 of 483 tests did not end on a Mali-G77, nor on Apple’s A12 ${cite(progressModels)}.</li>
        <li>
          NVIDIA: the tests ended where all workgroups were on the GPU at once ${cite(progressModels)}. WebGPU promises
          it there no more than elsewhere.
        </li>
      </ul>
    </details>
  </div>`;
  return {
    element,
    get given() {
      return box.checked;
    },
    focus: () => box.focus()
  };
}
