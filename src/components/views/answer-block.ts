import {html} from "htl";

/** A sentence with figures marked in it. */
type Sentence = (string | HTMLElement)[];

/** How a sentence marks what it is about: a figure, in the colour of its origin. */
export type Strong<T> = (text: string) => T;

/** What marks a figure of a record, or of the reader's own run. */
export const strongOf =
  (origin: "recorded" | "yours"): Strong<HTMLElement> =>
  (text) =>
    html`<strong class="${origin}">${text}</strong>`;

/**
 * The answer at the top of a page, and below it in smaller letters the figures that it rests on.
 * @param yours what the reader's own run says, or null
 */
export function answerBlock(
  yours: Sentence | null,
  {answer, figures = []}: {answer: Sentence; figures?: Sentence}
): HTMLElement {
  return html`<div>
    <div class="answer">
      ${yours ? html`<p class="your-answer">${yours}</p>` : null}
      <p>${answer}</p>
    </div>
    ${figures.length > 0 ? html`<p>${figures}</p>` : null}
  </div>`;
}
