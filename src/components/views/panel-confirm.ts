import {html} from "htl";
import type {Confirm} from "../lab/protocol.js";
import {formatMilliseconds} from "./format.js";

/**
 * Asks inside `container` before a run whose single calls are predicted to be long. The question goes with its
 * answer, or when the run ends first.
 */
export function confirmIn(container: HTMLElement): Confirm {
  return ({label, millisecondsPerUnit, totalMilliseconds}, signal) =>
    new Promise((resolve, reject) => {
      const answer = (word: boolean) => {
        close();
        resolve(word);
      };
      const abort = () => {
        close();
        reject(signal.reason);
      };
      const close = () => {
        question.remove();
        signal.removeEventListener("abort", abort);
      };
      const question = html`<div class="panel-confirm" role="group" aria-label="${`Run ${label}?`}">
        <p role="alert">
          The shortest call of <strong>${label}</strong> is predicted to take
          <span class="predicted">${formatMilliseconds(millisecondsPerUnit)}</span>, and timing it
          <span class="predicted">${formatMilliseconds(totalMilliseconds)}</span>. Your screen may freeze meanwhile, and
          the system may reset the GPU.
        </p>
        <button type="button" data-action="continue" onclick=${() => answer(true)}>Continue</button>
        <button type="button" data-action="skip" onclick=${() => answer(false)}>Skip</button>
      </div>`;
      signal.addEventListener("abort", abort);
      container.append(question);
      question.querySelector("button")!.focus();
    });
}
