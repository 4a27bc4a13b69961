/** What a colour means, the same on every page. */
export type Meaning = "recorded" | "yours" | "predicted" | "limit";

/** Colours without the stylesheet: 3:1 or more on white and on Framework's dark background. */
export const fallbacks: Record<Meaning, string> = {
  recorded: "#c2620a",
  yours: "#3f7fd0",
  predicted: "#bd4f95",
  limit: "#808080"
};

/** CSS colours by meaning; the stylesheet sets them for light and for dark. */
export const colours: Record<Meaning, string> = {
  recorded: `var(--colour-recorded, ${fallbacks.recorded})`,
  yours: `var(--colour-yours, ${fallbacks.yours})`,
  predicted: `var(--colour-predicted, ${fallbacks.predicted})`,
  limit: `var(--colour-limit, ${fallbacks.limit})`
};
